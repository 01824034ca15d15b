"""Writing a data set from a folder of CTs with label maps, by many workers, going on where an earlier run stopped."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import torch

from ReVertLib import __version__
from ReVertLib.errors import InputError, one_line
from ReVertLib.files import check_writable, write_json
from ReVertLib.progress import log, progress
from ReVertLib.projection.drr import SIZE_PX, c_arm
from ReVertLib.startup import core_count
from ReVertLib.workers import Workers, check_workers, results, workers_of

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
    scheduler: str | None = None,
) -> None:
    """Every lumbar vertebra of the cases below root (see `cases.find_cases`) into the data set out (see `layout`).

    context: the whole CT is seen instead of the vertebra alone. scheme: whose numbers the label maps have, a key of
    `levels.LABEL_SCHEMES`; None: to be told from each. workers: processes, each with one case in memory; None:
    one for each core. scheduler: of a Dask cluster that works instead, and sees root and out. A vertebra that is whole
    is left as it is; a case or vertebra that cannot be used is skipped, with a warning in the log. Raises InputError
    when root has no case, when out cannot be written or holds anything else, and in the end when no vertebra could be
    made or a case has files that cannot be used.
    """
    options, out = Options(views, size_px, context), Path(out)
    check_workers(workers, scheduler)
    cases, twins = _by_name(find_cases(root, scheme))
    with workers_of(min(workers or core_count(), len(cases)), scheduler, [root], out) as those_who_work:
        manifest = _opened(out, options)
        for twin in twins:
            manifest["skipped"] += Outcome().skip(twin, "another case has the same name").skipped
        _build_all(those_who_work, cases, out, options, manifest)
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


def _build_all(workers: Workers | None, cases: list[Case], out: Path, options: Options, manifest: dict) -> None:
    """Builds all cases; the manifest on disk grows with every case. Workers end with their next image once the folder
    of parts is gone."""
    work = partial(build_case, out=out.absolute(), options=options)
    (out / PARTS).mkdir(exist_ok=True)
    try:
        with closing(results(workers, work, cases)) as outcomes:
            for _, outcome in progress(outcomes, "cases", len(cases)):
                _note(outcome, manifest)
                write_json(out / _MANIFEST, manifest)
    finally:
        _take_parts_away(out)


def _take_parts_away(out: Path) -> None:
    """At once and then piece by piece: what a worker moves into place meanwhile is whole, or not there any more."""
    ended = out / f"{PARTS}-ended"
    shutil.rmtree(ended, ignore_errors=True)  # of a run that was killed just here
    with suppress(OSError):
        os.replace(out / PARTS, ended)
    shutil.rmtree(ended, ignore_errors=True)


def _note(outcome: Outcome, manifest: dict) -> None:
    """Adds what became of a case to the manifest, in order."""
    manifest["failed"] |= outcome.failed
    manifest["vertebrae"] = dict(sorted((manifest["vertebrae"] | outcome.vertebrae).items()))
    manifest["skipped"] = sorted(manifest["skipped"] + outcome.skipped, key=lambda s: (s["case"], s["label"] or 0))
