"""How the distances of a surface to the CT are distributed: a histogram as a table, a series and a chart."""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from ReVertLib.mesh.polydata import from_polydata

from . import hierarchy

BIN_MM = 0.25
DISTANCE, SHARE = "distance_mm", "share_percent"
"""Columns of the table: the middle of a bin, and how much of the surface lies in it."""
_COLOUR = (0.18, 0.50, 0.77)


def showDistribution(modelNode, distancesMm):
    """Makes or updates table, series and chart of a model's distances, one for each vertex; returns the chart node."""
    chart = _part(modelNode, "chart", _("{model} distance to CT"))  # first: undo removes it before what it refers to
    series = _part(modelNode, "series", _("{model} distance to CT"))
    table = _part(modelNode, "distances", _("{model} distances"))
    mesh = from_polydata(modelNode.GetPolyData())
    centres, shares = distribution(distancesMm, _vertexAreas(mesh))
    table.SetAndObserveTable(_columns({DISTANCE: centres, SHARE: shares}))
    with slicer.util.NodeModify(series):
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(DISTANCE)
        series.SetYColumnName(SHARE)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetLineWidth(3)
        series.SetColor(_COLOUR)
    with slicer.util.NodeModify(chart):
        if chart.GetNumberOfPlotSeriesNodes() == 0:
            chart.AddAndObservePlotSeriesNodeID(series.GetID())
        level = modelNode.GetAttribute("ReVert.Level") or _("vertebra")
        chart.SetTitle(_("{level}: distance of the surface to the CT").format(level=level))
        chart.SetXAxisTitle(_("signed distance, mm (below 0: inside the CT's bone)"))
        chart.SetYAxisTitle(_("share of the surface, % per {width:g} mm").format(width=BIN_MM))
        chart.SetLegendVisibility(False)
    return chart


def distribution(distancesMm, weights):
    """(middles of the bins, % of the weight in each); the bins reach beyond all values, have BIN_MM, and the middle one
    is centred at 0."""
    reach = int(np.ceil(np.abs(distancesMm).max() / BIN_MM)) + 1
    centres = BIN_MM * np.arange(-reach, reach + 1)
    edges = np.append(centres, centres[-1] + BIN_MM) - BIN_MM / 2
    counts = np.histogram(distancesMm, edges, weights=weights)[0]
    return centres, 100 * counts / counts.sum()


def _vertexAreas(mesh):
    """(n,) a third of the area of every face around a vertex."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    thirds = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(mesh.faces.ravel(), np.repeat(thirds, 3), len(mesh.vertices))


def _part(modelNode, kind, title):
    return hierarchy.part(modelNode, kind) or hierarchy.newPart(
        modelNode, kind, title.format(model=modelNode.GetName())
    )


def _columns(columns):
    table = vtk.vtkTable()
    for name, values in columns.items():
        array = numpy_to_vtk(np.array(values, float), deep=True)
        array.SetName(name)
        table.AddColumn(array)
    return table
