"""`revert measure`: lengths and angles of vertebrae from surfaces written before."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, write_json
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.progress import log

from .paths import check_apart

if TYPE_CHECKING:
    from ReVertLib.measurement.records import Measurement

NOTES = {
    "needs": (
        "surfaces over ReVert's template, as `revert film` and `revert reconstruct` write them, all in one frame, "
        "their levels in the names (spine_L3.stl); one surface may have --level instead"
    ),
    "writes": "with -o FILE.json all measurements, with -o FILE.mrk.json points and pedicle axes for 3D Slicer",
    "example": "revert measure spine/spine_L3.stl spine/spine_L4.stl -o spine_measured.json",
}
MARKUPS = ".mrk.json"
_NAMED = re.compile(r"(?<![A-Za-z0-9])(L[1-5])(?![A-Za-z0-9])")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("surfaces", nargs="+", type=Path, metavar="SURFACE", help=".stl .ply .obj .vtp .vtk")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=".json or .mrk.json")
    parser.add_argument("--level", metavar="L3", help="of one surface, where its name does not say it")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.api.measure import measure
    from ReVertLib.measurement.markups import markups

    check_apart([("output", options.output)], [("surface", path) for path in options.surfaces])
    if options.output:
        if options.output.suffix != ".json":
            raise InputError(f"output: expected a .json or {MARKUPS} file, got {options.output.name!r}")
        check_writable(options.output)
    found = measure(_by_level(options.surfaces, options.level))
    if options.output:
        is_markups = options.output.name.endswith(MARKUPS)
        write_json(options.output, markups(found) if is_markups else found.plain)
    for title, group in (*found.levels.items(), *found.discs.items(), ("spine", found.spine)):
        for line in _lines(title, group):
            log.info(line)


def _by_level(paths: list[Path], level: str | None) -> dict[str, Path]:
    if level is not None:
        if len(paths) > 1:
            raise InputError(f"level: expected one surface with --level, got {len(paths)}")
        return {level: paths[0]}
    found: dict[str, Path] = {}
    for path in paths:
        named = _NAMED.findall(path.stem)
        if not named:
            raise InputError(
                f"surface {path.name}: expected its level in the name, {LEVELS[0]} to {LEVELS[-1]}, got none"
            )
        if named[-1] in found:
            raise InputError(f"surfaces: expected each level once, got {named[-1]} twice")
        found[named[-1]] = path
    return found


def _lines(title: str, group: Mapping[str, Measurement]) -> list[str]:
    return [f"{title} {name}: {_text(one)}" for name, one in group.items()]


def _text(one: Measurement) -> str:
    if isinstance(one.value, tuple):
        return ", ".join(f"{x:.2f}" for x in one.value)
    return f"{one.value:.1f} {one.unit}"
