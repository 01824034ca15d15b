"""A reconstruction against a CT in the scene: alignment, distances on the surface, figures, and their distribution."""

from dataclasses import asdict

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from ReVertLib.errors import InputError

from . import hierarchy
from .alignment import ALIGNMENT, alignmentOf, motionOf, removeAlignment, setAlignment, worldMesh
from .colours import SIGNED_DISTANCE, colourBy
from .distance_plot import showDistribution
from .provenance import now
from .results_table import resultsTable
from .segments import segmentMask, suggestedSegment
from .undo import saveForUndo

__all__ = ["alignmentOf", "removeAlignment", "segmentMask", "showComparison", "suggestedSegment", "worldMesh"]

COLUMNS = ("metric", "reconstruction", "baseline")
WARNINGS = "ReVert.Warnings"
"""Attribute of a comparison's table: why the figures may not mean what they seem to, one line each."""
MOST_TURN_DEG = 20.0
"""Lying for the CT and standing for the radiograph turn a vertebra less, and so does the network's own error."""


def showComparison(modelNode, segmentationNode, segmentId, comparison):
    """Shows a ReVertLib Comparison of the model with one segment and returns its vtkMRMLTableNode, with COLUMNS.

    The model is aligned by a transform node of its own (alignment.py) and coloured by the signed distance; table and
    plot of the comparison before are updated. Raises InputError when the surface is not the one that was compared.
    """
    polydata = modelNode.GetPolyData()
    if polydata is None or polydata.GetNumberOfPoints() != len(comparison.signed_distance_mm):
        raise InputError(_("model: expected the surface that was compared, got one made since; compare again"))
    saveForUndo(modelNode, *hierarchy.modelParts(modelNode), resultsTable())
    setAlignment(modelNode, comparison.alignment, comparison.mode)
    _showDistances(modelNode, comparison.signed_distance_mm)
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId)
    table = _table(modelNode, segment.GetName() if segment else "", comparison)
    showDistribution(modelNode, comparison.signed_distance_mm)
    return table


def _showDistances(modelNode, distancesMm):
    """A new surface with the distances, so that undo has the former one."""
    polydata = vtk.vtkPolyData()
    polydata.ShallowCopy(modelNode.GetPolyData())
    array = numpy_to_vtk(np.ascontiguousarray(distancesMm, np.float32), deep=True)
    array.SetName(SIGNED_DISTANCE)
    polydata.GetPointData().AddArray(array)
    if modelNode.GetDisplayNode() is None:
        modelNode.CreateDefaultDisplayNodes()
    modelNode.SetAndObservePolyData(polydata)
    colourBy(modelNode, SIGNED_DISTANCE)


def _table(modelNode, segmentName, comparison):
    """The figures and the alignment's motion, beside the baseline's; NaN where it has none."""
    node = hierarchy.part(modelNode, "comparison") or hierarchy.newPart(
        modelNode, "comparison", _("{model} against CT").format(model=modelNode.GetName())
    )
    motion = motionOf(modelNode, comparison.alignment)
    found = {**asdict(comparison.metrics), **motion}
    baseline = dict.fromkeys(found, np.nan)
    if comparison.baseline:
        baseline.update(asdict(comparison.baseline))
    table = vtk.vtkTable()
    names = vtk.vtkStringArray()
    for name in found:
        names.InsertNextValue(name)
    figures = (numpy_to_vtk(np.array([*values.values()], float), deep=True) for values in (found, baseline))
    for title, column in zip(COLUMNS, (names, *figures), strict=True):
        column.SetName(title)
        table.AddColumn(column)
    with slicer.util.NodeModify(node):
        node.SetAndObserveTable(table)
        node.SetUseColumnTitleAsColumnHeader(True)
        node.SetColumnTitle("baseline", _("baseline (mean vertebra)"))
        node.SetColumnDescription("baseline", baselineText(comparison))
        node.SetAttribute(ALIGNMENT, comparison.mode)
        node.SetAttribute("ReVert.Level", comparison.level)
        node.SetAttribute("ReVert.Segment", segmentName)
        node.SetAttribute("ReVert.Baseline", baselineText(comparison))
        node.RemoveAttribute("ReVert.Control")  # its name in scenes of earlier versions
        node.SetAttribute("ReVert.WeightsSha256", modelNode.GetAttribute("ReVert.WeightsSha256"))
        node.SetAttribute("ReVert.Time", now())
        node.SetAttribute(WARNINGS, "\n".join(_warnings(comparison, motion["turned_deg"])))
    return node


def _warnings(comparison, turnedDeg):
    """Why the figures may not mean what they seem to."""
    nearest_mm = float(comparison.signed_distance_mm.min())
    if comparison.mode == "none" and comparison.metrics.dice == 0 and nearest_mm > 0:
        text = _("The surface is {mm:.0f} mm or more from the segment: two frames? Choose another alignment than none.")
        yield text.format(mm=nearest_mm)
    else:
        yield from comparison.warnings
    if turnedDeg > MOST_TURN_DEG:
        text = _("The alignment turned the surface by {degrees:.0f}°: is the view right, and left and right?")
        yield text.format(degrees=turnedDeg)


def baselineText(comparison):
    """What the baseline is, for someone who reads only that."""
    if comparison.baseline is None:
        return _("no baseline")
    return _("baseline: the mean vertebra of 87 people, no radiograph used, {mode} alignment").format(
        mode=comparison.baseline_mode
    )
