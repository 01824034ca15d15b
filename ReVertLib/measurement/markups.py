"""Measurements as markups that 3D Slicer opens (`.mrk.json`, schema 1.0.3): points and pedicle axes, each with its
deviation as its description.

Their numbers are those of the surfaces, as if they were LPS, which is how Slicer reads a surface that does not say its
frame: so they lie over `.stl` files in the camera's frame that are opened beside them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .landmarks import SIDES
from .records import POINT, Measurement, Measurements

SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def markups(found: Measurements) -> dict:
    """The content of a file, for `json.dumps`: of each level a list of points and two lines."""
    nodes = []
    for level, group in found.levels.items():
        nodes.append(_points(level, group))
        nodes += [_axis(level, side, group) for side in SIDES]
    return {"@schema": SCHEMA, "markups": nodes}


def _points(level: str, group: Mapping[str, Measurement]) -> dict:
    points = {name: one for name, one in group.items() if one.kind == POINT}
    return _node("Fiducial", f"{level} points", [_control(name, one.value, one) for name, one in points.items()])


def _axis(level: str, side: str, group: Mapping[str, Measurement]) -> dict:
    """A line from the entry of a pedicle to the front of the body."""
    entry, axis, length = (group[f"{side} pedicle {name}"] for name in ("entry", "axis", "length"))
    end = tuple((np.array(entry.value) + length.value * np.array(axis.value)).tolist())
    return _node(
        "Line", f"{level} {side} pedicle axis", [_control("entry", entry.value, entry), _control("end", end, axis)]
    )


def _node(kind: str, name: str, points: list[dict]) -> dict:
    numbered = [{"id": str(i + 1), **point} for i, point in enumerate(points)]
    return {
        "type": kind,
        "name": name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "controlPoints": numbered,
    }


def _control(label: str, where: tuple[float, ...], of: Measurement) -> dict:
    said = "" if of.sd is None else f"standard deviation {of.sd:.1f} {of.unit}, "
    described = f"{said}in the frame of the surfaces"
    return {"label": label, "description": described, "position": [round(x, 3) for x in where]}
