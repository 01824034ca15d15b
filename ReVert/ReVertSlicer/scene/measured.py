"""What was measured of a surface, kept with its model: the content of the measurements' file, of its own level alone.

Discs and spine are of several surfaces. Each keeps them, and they count while the others are still those they were
measured with.
"""

import json

from ReVertLib.measurement.records import Measurements, measurements_from

from . import hierarchy
from .result_state import SLICE

MEASURED = "ReVert.Measurements"
"""Attribute of a model: JSON as of ReVertLib's `Measurements.plain`, in the camera's frame, and `together`, all levels
that were measured. None: of surfaces whose vertices mean nothing; models of earlier versions have none."""


def keep(modelNode, measurements):
    """Keeps ReVertLib Measurements, or None, with the model of one of their levels."""
    modelNode.SetAttribute(MEASURED, None)
    level = modelNode.GetAttribute("ReVert.Level")
    if measurements is not None and level in measurements.levels:
        plain = measurements.plain
        own = {"together": list(plain["levels"]), **plain, "levels": {level: plain["levels"][level]}}
        modelNode.SetAttribute(MEASURED, json.dumps(own))


def isMeasured(modelNode):
    """Whether anything was measured of a surface."""
    return modelNode.GetAttribute(MEASURED) is not None


def ofModel(modelNode):
    """{name: Measurement} of a surface's level, in the camera's frame; empty where nothing was measured."""
    if not isMeasured(modelNode):
        return {}
    return measurements_from(_content(modelNode)).levels[modelNode.GetAttribute("ReVert.Level")]


def ofSlice(radiographNode, sliceIndex):
    """The Measurements of all surfaces made from a slice, None where nothing was measured."""
    models = [
        node for node in hierarchy.parts(radiographNode, "surface") if node.GetAttribute(SLICE) == str(sliceIndex)
    ]
    contents = {node.GetAttribute("ReVert.Level"): _content(node) for node in models if isMeasured(node)}
    levels, discs, spine = {}, {}, {}
    for _level, content in sorted(contents.items()):
        found = measurements_from(content)
        there = {other for other, beside in contents.items() if _shared(beside) == _shared(content)}
        levels |= found.levels
        discs |= {name: disc for name, disc in found.discs.items() if there.issuperset(name.split("/"))}
        spine = found.spine if there.issuperset(content["together"]) and found.spine else spine
    return Measurements(levels, discs, spine) if levels else None


def _shared(content):
    """What all surfaces that were measured together have in common."""
    return {**content, "levels": None}


def _content(modelNode):
    return json.loads(modelNode.GetAttribute(MEASURED))
