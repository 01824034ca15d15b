"""Many comparisons: which model goes with which segment, and the table of all results of the scene."""

from dataclasses import asdict

import slicer
import vtk
from slicer.i18n import tr as _

from . import hierarchy
from .alignment import motionOf
from .provenance import now
from .result_state import IMAGE
from .segments import suggestedSegment

RESULTS = "ReVert.Results"
"""Attribute that marks the table of all results."""
KEY = ("case", "level", "alignment")
"""A row for each; the same again replaces it. The case is told by the image: "case" is the beginning of its SHA-256."""
NAMES = ("radiograph",)
"""Columns that may name a patient: shown in the scene, never exported."""
_CASE_DIGITS = 12


def pairs(segmentationNode):
    """(model node, segment id) of every reconstructed surface whose level has a segment of its name."""
    found = [
        (node, suggestedSegment(segmentationNode, node.GetAttribute("ReVert.Level")))
        for node in slicer.util.getNodesByClass("vtkMRMLModelNode")
        if node.GetAttribute(hierarchy.KIND) == "surface"
    ]
    return [(node, segmentId) for node, segmentId in found if segmentId]


def resultsTable():
    """The vtkMRMLTableNode of all results, None before there is any."""
    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    return next((node for node in tables if node.GetAttribute(RESULTS)), None)


def appendResult(modelNode, comparison):
    """Adds the figures of a comparison that is shown to the table of all results, which is returned. Belongs to the
    undo step of `comparison.showComparison`."""
    node = resultsTable() or _newTable()
    row = _row(modelNode, comparison)
    table = node.GetTable()
    _renameOldColumns(table)
    _addMissingColumns(table, row)
    index = _rowOf(table, row)
    if index is None:
        index = table.InsertNextBlankRow()
    for name, value in row.items():
        table.SetValueByName(index, name, vtk.vtkVariant(value))
    table.Modified()
    node.Modified()
    return node


def _renameOldColumns(table):
    """Scenes of earlier versions call the baseline "control"."""
    for index in range(table.GetNumberOfColumns()):
        column = table.GetColumn(index)
        if column.GetName().startswith("control_"):
            column.SetName(column.GetName().replace("control_", "baseline_", 1))


def _addMissingColumns(table, row):
    """Those of row that a new table, or one of an earlier version, lacks; of its former rows nothing is known."""
    for name, value in row.items():
        if table.GetColumnByName(name) is None:
            column = vtk.vtkStringArray() if isinstance(value, str) else vtk.vtkDoubleArray()
            column.SetName(name)
            for _row in range(table.GetNumberOfRows() if table.GetNumberOfColumns() else 0):
                column.InsertNextValue("" if isinstance(value, str) else float("nan"))
            table.AddColumn(column)


def _newTable():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", _("ReVert results"))
    node.SetUndoEnabled(True)
    node.SetAttribute(RESULTS, "1")
    return node


def _row(modelNode, comparison):
    """Values by column, in order. A baseline that is missing is NaN."""
    radiograph = modelNode.GetNodeReference(hierarchy.RADIOGRAPH)
    image = modelNode.GetAttribute(IMAGE)
    figures = asdict(comparison.metrics)
    baseline = asdict(comparison.baseline) if comparison.baseline else dict.fromkeys(figures, float("nan"))
    return {
        "radiograph": radiograph.GetName() if radiograph else modelNode.GetName(),
        "case": image[:_CASE_DIGITS] if image else modelNode.GetID(),
        "level": comparison.level or "",
        "alignment": comparison.mode,
        "date": now(),
        "weights_sha256": modelNode.GetAttribute("ReVert.WeightsSha256") or "",
        **figures,
        **motionOf(modelNode, comparison.alignment),
        "baseline_alignment": comparison.baseline_mode or "",
        **{f"baseline_{name}": value for name, value in baseline.items() if name != "target_volume_mm3"},
    }


def _rowOf(table, row):
    """The index of the row with the same KEY, or None."""
    for index in range(table.GetNumberOfRows()):
        if all(table.GetValueByName(index, name).ToString() == row[name] for name in KEY):
            return index
    return None
