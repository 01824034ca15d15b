"""Writing a data set from a folder of CTs with label maps, on all cores, going on where an earlier run was stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import as_completed
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import torch

from ReVertLib import __version__
from ReVertLib.errors import InputError, one_line
from ReVertLib.files import check_writable, write_json
from ReVertLib.processes import process_pool
from ReVertLib.progress import log, progress
from ReVertLib.projection.drr import SIZE_PX, c_arm

from .build_case import PARTS, VIEWS, Options, Outcome, build_case
from .cases import Case, find_cases

_MANIFEST = "manifest.json"


def build_dataset(
    root: str | Path,
    out: str | Path,
    views: str = "seed",
    workers: int | None = None,
    size_px: int = SIZE_PX,
    context: bool = False,
    scheme: str | None = None,
) -> None:
    """Every lumbar vertebra of the cases below root (see `cases.find_cases`) into the data set out (see `layout`).

    context: the whole CT is seen instead of the vertebra alone. scheme: whose numbers the label maps have, a key of
    `levels.LABEL_SCHEMES`; None: to be told from each. workers: processes, each with one case in memory; None:
    one for each core. A vertebra that is whole is left as it is; a case or vertebra that cannot be used is skipped,
    with a warning in the log. Raises InputError when root has no case, when out cannot be written or holds anything
    else, and in the end when no vertebra could be made or a case has files that cannot be used.
    """
    options, out = Options(views, size_px, context), Path(out)
    if workers is not None and workers < 1:
        raise InputError(f"workers: expected 1 or more, got {workers}")
    cases, twins = _by_name(find_cases(root, scheme))
    manifest = _opened(out, options)
    for twin in twins:
        manifest["skipped"] += Outcome().skip(twin, "another case has the same name").skipped
    try:
        _collect(cases, out, options, min(workers or _core_count(), len(cases)), manifest)
    finally:
        shutil.rmtree(out / PARTS, ignore_errors=True)
    for entry in manifest["skipped"]:
        label = "" if entry["label"] is None else f" label {entry['label']}"
        log.warning("skipped %s%s: %s", entry["case"], label, entry["reason"])
    found, images = len(manifest["vertebrae"]), len(VIEWS[views])
    if not found:
        raise InputError(f"cases: expected a lumbar vertebra that can be used, got none; {_MANIFEST} says why")
    log.info("%s: %d vertebrae, %d images each, listed in %s", out, found, images, _MANIFEST)
    if manifest["failed"]:
        names = ", ".join(sorted(manifest["failed"]))
        raise InputError(f"cases: expected files that can be used, got others in {names}; {_MANIFEST} says why")


def _by_name(cases: list[Case]) -> tuple[list[Case], list[Case]]:
    """The first case of every name, and the others."""
    first = {case.name: case for case in reversed(cases)}
    return [c for c in cases if first[c.name] is c], [c for c in cases if first[c.name] is not c]


def _core_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _opened(out: Path, options: Options) -> dict:
    """The manifest of out, with what an earlier run has listed and what this run alone skips."""
    path = out / _MANIFEST
    try:
        out.mkdir(parents=True, exist_ok=True)
        present = sorted(p.name for p in out.iterdir() if not p.name.startswith("."))
    except OSError as error:
        raise InputError(f"output: expected a folder that can be made, got {one_line(error)}") from error
    check_writable(path)
    if present and _MANIFEST not in present:
        raise InputError(f"output: expected an empty folder or one of this command, got {present[0][:40]!r} in it")
    manifest = {
        "versions": {"revert": __version__, "torch": torch.__version__},
        "options": asdict(options),
        "camera": asdict(c_arm(options.size_px)),
        "vertebrae": _earlier_vertebrae(path, options) if present else {},
        "skipped": [],
        "failed": {},
    }
    write_json(out / _MANIFEST, manifest)
    return manifest


def _earlier_vertebrae(path: Path, options: Options) -> dict:
    try:
        earlier = json.loads(path.read_text())
        found, vertebrae = Options(**earlier["options"]), dict(earlier["vertebrae"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"output: expected the {_MANIFEST} of a data set, got {one_line(error)[:80]}") from error
    if found != options:
        raise InputError(f"output: expected a data set of {_in_words(options)}, got one of {_in_words(found)}")
    return vertebrae


def _in_words(options: Options) -> str:
    return f"{options.views} views, {options.size_px} px, {'in context' if options.context else 'the vertebra alone'}"


def _collect(cases: list[Case], out: Path, options: Options, workers: int, manifest: dict) -> None:
    """Builds all cases; the manifest on disk grows with every case."""
    with closing(_outcomes(cases, out, options, workers)) as outcomes:
        for outcome in progress(outcomes, "cases", len(cases)):
            manifest["failed"] |= outcome.failed
            manifest["vertebrae"].update(outcome.vertebrae)
            manifest["vertebrae"] = dict(sorted(manifest["vertebrae"].items()))
            manifest["skipped"] = sorted(
                manifest["skipped"] + outcome.skipped, key=lambda s: (s["case"], s["label"] or 0)
            )
            write_json(out / _MANIFEST, manifest)


def _outcomes(cases: list[Case], out: Path, options: Options, workers: int) -> Iterator[Outcome]:
    """The outcome of every case as it comes. Closing the iterator stops all processes before their next image."""
    if workers == 1:
        for case in cases:
            yield build_case(case, out, options, lambda: None)
        return
    stop = multiprocessing.get_context("spawn").Event()
    with process_pool(workers, _start_worker, stop) as pool:
        try:
            futures = [pool.submit(_work, case, out, options) for case in cases]
            for future in as_completed(futures):
                yield future.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


class _Stopped(BaseException):
    """Ends a worker's case and is no failure of it; its unfinished vertebra stays in the folder of parts, which the
    parent removes."""


def _start_worker(stop) -> None:
    global _stop  # noqa: PLW0603
    _stop = stop
    torch.set_num_threads(1)


def _check_stop() -> None:
    if _stop.is_set():
        raise _Stopped


def _work(case: Case, out: Path, options: Options) -> Outcome:
    return build_case(case, out, options, _check_stop)
