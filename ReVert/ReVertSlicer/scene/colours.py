"""What the colours of a reconstructed surface mean: a colour table, fixed limits and a legend for each of its arrays.

Fixed limits make two surfaces comparable at a glance. The tables are nodes of the scene and saved with it, so that a
saved scene looks the same without this module.
"""

from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.mesh.colours import (
    EXPECTED_ERROR_LIMITS_MM,
    EXPECTED_ERROR_STOPS,
    SIGNED_DISTANCE_LIMITS_MM,
    SIGNED_DISTANCE_STOPS,
    shades,
)

from .hierarchy import KIND

BONE = (0.95, 0.84, 0.57)
OUTLINE = (0.18, 0.89, 0.77)
"""Of the silhouette on the radiograph."""
BEAM = (1.0, 0.80, 0.36)

EXPECTED_ERROR = "expected_error_mm"
SIGNED_DISTANCE = "signed_distance_mm"


@dataclass(frozen=True)
class Scale:
    """name: of the colour table in the scene. title: of the legend. colours: "#rrggbb", evenly spaced from the first
    limit to the second. labels, labelFormat: how many numbers the legend shows, and how. left: where it lies in a view,
    0 left, 1 right."""

    name: str
    title: str
    colours: tuple
    limits: tuple
    labels: int
    labelFormat: str
    left: float


SCALES = {
    EXPECTED_ERROR: Scale(
        "ReVertExpectedError",
        _("Expected error"),
        EXPECTED_ERROR_STOPS,
        EXPECTED_ERROR_LIMITS_MM,
        6,
        "%.1f mm",
        0.04,
    ),
    SIGNED_DISTANCE: Scale(
        "ReVertSignedDistance",
        _("Distance to CT"),
        SIGNED_DISTANCE_STOPS,
        SIGNED_DISTANCE_LIMITS_MM,
        5,
        "%+.1f mm",
        0.96,
    ),
}
"""By the name of the array. Blue is inside the CT's bone, orange outside; bone-coloured is right on it."""

_STEPS = 256
_LEGEND_SIZE = (0.16, 0.5)


def colourBy(modelNode, arrayName=None):
    """Colours a model by one of SCALES, with a legend, or, without a name, like bone. A model that lacks the array
    stays as it is."""
    display = modelNode.GetDisplayNode()
    scale = SCALES.get(arrayName)
    if scale is None:
        display.SetScalarVisibility(False)
        _showLegend(modelNode, None)
    elif hasArray(modelNode, arrayName):
        with slicer.util.NodeModify(display):
            display.SetActiveScalar(arrayName, vtk.vtkAssignAttribute.POINT_DATA)
            display.SetAndObserveColorNodeID(_colourNode(scale).GetID())
            display.SetScalarRangeFlag(display.UseManualScalarRange)
            display.SetScalarRange(*scale.limits)
            display.SetScalarVisibility(True)
        _showLegend(modelNode, scale)


def hasArray(modelNode, name):
    """Whether a model has values of that name at its vertices."""
    polydata = modelNode.GetPolyData()
    return polydata is not None and bool(polydata.GetPointData().HasArray(name))


def keepColours(modelNode):
    """To be called when a model has another surface: colours by an array it no longer has give way to bone."""
    display = modelNode.GetDisplayNode()
    if display.GetScalarVisibility() and not hasArray(modelNode, display.GetActiveScalarName()):
        colourBy(modelNode)


def _colourNode(scale):
    """The scene's colour table of a scale."""
    name = "vtkMRMLColorTableNode"
    found = slicer.mrmlScene.GetSingletonNode(scale.name, name)
    if found is not None:
        return found
    node = slicer.vtkMRMLColorTableNode()
    node.SetSingletonTag(scale.name)
    node.SetName(scale.title)
    node.SetTypeToUser()
    node.SetNumberOfColors(_STEPS)
    for index, colour in enumerate(shades(np.linspace(*scale.limits, _STEPS), scale.colours, scale.limits)):
        node.SetColor(index, *colour, 1.0)
    node.SetNamesFromColors()
    return slicer.mrmlScene.AddNode(node)


def _showLegend(modelNode, scale):
    """One legend for all models that are coloured alike: the newest has it."""
    module = getattr(getattr(slicer, "modules", None), "colors", None)
    if module is None:  # a scene without the application has no legends
        return
    logic = module.logic()
    legend = logic.GetColorLegendDisplayNode(modelNode)
    if scale is None:
        if legend is not None:
            legend.SetVisibility(False)
        return
    for other in slicer.util.getNodesByClass("vtkMRMLModelNode"):
        if other is not modelNode and other.GetAttribute(KIND) and _title(logic, other) == scale.title:
            logic.GetColorLegendDisplayNode(other).SetVisibility(False)
    legend = legend or logic.AddDefaultColorLegendDisplayNode(modelNode)
    with slicer.util.NodeModify(legend):
        legend.SetUndoEnabled(True)
        legend.SetTitleText(scale.title)
        legend.SetLabelFormat(scale.labelFormat)
        legend.SetNumberOfLabels(scale.labels)
        legend.SetMaxNumberOfColors(_STEPS)
        legend.SetSize(*_LEGEND_SIZE)  # also limits the size of its letters
        legend.SetPosition(scale.left, 0.5)
        for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
            text.BoldOn()
            text.ShadowOn()
        legend.SetVisibility(True)


def _title(logic, modelNode):
    legend = logic.GetColorLegendDisplayNode(modelNode)
    return legend.GetTitleText() if legend is not None else None
