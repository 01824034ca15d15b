"""The `revert` command: one sub-command for each thing the library does.

Exit codes: 0 done, 2 bad input (one line on stderr says what, what was expected, what came), 1 our fault, 130 stopped
by the user. Heavy libraries are imported by the sub-command that needs them.
"""

from __future__ import annotations

import argparse
import sys
import warnings

from . import __version__
from .cli.arguments import add_compare, add_demo, add_drr, add_evaluate, add_reconstruct
from .cli.research_arguments import (
    add_calibrate,
    add_dataset,
    add_likeness,
    add_shape_model,
    add_shapes,
    add_train,
    add_world,
)
from .errors import InputError, one_line

NOTICE = "Research software, not a medical device."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, as for every other bad input."""

    def error(self, message: str) -> None:
        raise InputError(f"{one_line(ValueError(message))}; see {self.prog} --help")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options, _silent if options.quiet else _say)
    except InputError as error:
        print(f"revert: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("revert: stopped; what was finished is kept", file=sys.stderr)
        return 130
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _show_warning(message: Warning | str, *_, **__) -> None:
    print(f"revert: warning: {message}", file=sys.stderr)


def _silent(text: str) -> None:
    """Progress that nobody wants to see."""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="revert", description=f"One radiograph of a lumbar vertebra in, its surface in mm out. {NOTICE}"
    )
    parser.add_argument("--version", action="version", version=f"revert {__version__}")
    adders = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    making = (add_dataset, add_shapes, add_shape_model, add_world, add_likeness, add_train, add_calibrate)
    for add in (add_reconstruct, add_compare, add_drr, *making, add_evaluate, add_demo):
        add(adders)
    return parser


if __name__ == "__main__":
    sys.exit(main())
