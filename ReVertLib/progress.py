"""How long work tells what it does: lines in the log "revert", and a bar with the time left on a terminal.

The library only logs; the command line decides what is shown. A line is information (`log.info`) or a warning. A bar is
drawn on standard error while `log` is enabled for information and standard error is a terminal, and nowhere else: not
by a process that another one started to work beside it.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

log = logging.getLogger("revert")

Item = TypeVar("Item")


def progress(
    items: Iterable[Item],
    what: str,
    total: int | None = None,
    done: int = 0,
    beside: Callable[[], object] | None = None,
) -> Iterator[Item]:
    """The items as they come, with a bar of how many there have been and the time left.

    what: the word before the bar. total: how many there will be in all, where `items` has no length. done: how many an
    earlier run has finished. beside: what stands behind the bar after each item.
    """
    if not is_shown():
        yield from items
        return
    from tqdm import tqdm

    bar = tqdm(items, desc=what, total=total, initial=done, unit="", dynamic_ncols=True, leave=False)
    for item in bar:
        yield item
        if beside is not None:
            bar.set_postfix_str(str(beside()), refresh=False)


def is_shown() -> bool:
    """Whether anyone sees a bar."""
    terminal = sys.stderr is not None and sys.stderr.isatty()
    return terminal and log.isEnabledFor(logging.INFO) and multiprocessing.parent_process() is None
