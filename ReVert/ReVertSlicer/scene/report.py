"""The surfaces of a radiograph as a page with pictures, from what the scene holds of them; without names and dates."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError
from ReVertLib.files import check_writable
from ReVertLib.geometry.sidecar import complete_geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.orientation import shown_size
from ReVertLib.inference.results import About, Outcome, Reconstruction
from ReVertLib.inference.verdict import Verdict
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.mesh.silhouette import outlines
from ReVertLib.metrics.records import SurfaceMetrics
from ReVertLib.report.records import Compared, Film, ReportedVertebra
from ReVertSlicer.input import placement, radiograph_check
from ReVertSlicer.input.sources import sourcesOf

from . import hierarchy, measured
from .beam import rasFromCamera
from .colours import EXPECTED_ERROR, SIGNED_DISTANCE
from .comparison_nodes import ALIGNMENT, WARNINGS
from .result_state import ASKED, SLICE, resultStates

SUFFIXES = (".html", ".htm")


def exportReport(modelNode, path):
    """Writes all surfaces of the radiograph and slice that modelNode is of as an HTML page. Raises InputError for
    another suffix, a path that cannot be written, a model without a radiograph, and an image that has changed since."""
    from ReVertLib.report.page import Page

    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        suffix = path.suffix or _("no suffix")
        raise InputError(_("report {name}: expected .html, got {suffix!r}").format(name=path.name, suffix=suffix))
    check_writable(path, "report")
    page = Page()
    page.add(_film(modelNode))
    page.write(path, _about(modelNode))


def _film(modelNode):
    radiographNode, index = modelNode.GetNodeReference(hierarchy.RADIOGRAPH), int(modelNode.GetAttribute(SLICE) or 0)
    if radiographNode is None:
        raise InputError(_("model: expected one whose radiograph is in the scene, got one without"))
    check, sources = radiograph_check.checkRadiograph(radiographNode, index), sourcesOf(radiographNode, index)
    for problem in check.problems:
        raise InputError(problem)
    placed = placement.placements(radiographNode, index, sources.geometry.values, sources.turn)
    states = resultStates(radiographNode, index, check, placed)
    if any({_("Image"), _("Orientation")} & set(state.changed) for state in states.values()):
        raise InputError(_("report: expected the image the surfaces were made of, got another one; reconstruct again"))
    models = sorted(map(slicer.mrmlScene.GetNodeByID, states), key=lambda node: node.GetAttribute("ReVert.Level") or "")
    sizePx = shown_size(check.sizePx, check.turn)
    vertebrae = tuple(_vertebra(model, states[model.GetID()].reason, sizePx) for model in models)
    known = {key: _source(key, found, modelNode) for key, found in check.known.items()}
    pixels = radiograph_check.pixelsOf(radiographNode, index, sources)
    view, found = json.loads(modelNode.GetAttribute("ReVert.View") or "{}"), measured.ofSlice(radiographNode, index)
    return Film(pixels, vertebrae, known, view, found)


def _source(key, found, modelNode):
    """Where the value a surface was made with is from; of another than is known now nothing tells."""
    names = ("ReVert.Geometry", "ReVert.View", ASKED)  # of a film its own distance, not that of each vertebra
    used = {k: v for name in names for k, v in json.loads(modelNode.GetAttribute(name) or "{}").items()}
    same = key in used and (key in ("level", "box_px") or np.allclose(used[key], found.value))
    return found.source if same else _("another value is known now")


def _vertebra(modelNode, outOfDate, sizePx):
    polydata, view = modelNode.GetPolyData(), json.loads(modelNode.GetAttribute("ReVert.View"))
    mesh = from_polydata(polydata).moved(RigidTransform.turn(rasFromCamera(view).T))
    geometry = complete_geometry(json.loads(modelNode.GetAttribute("ReVert.Geometry")), sizePx)
    warnings = [outOfDate, *(modelNode.GetAttribute("ReVert.Warnings") or "").splitlines()]
    expected = _values(modelNode, EXPECTED_ERROR)
    reconstruction = Reconstruction(mesh, geometry, 0.0, tuple(filter(None, warnings)), expected)
    word, _colon, reason = (modelNode.GetAttribute("ReVert.Verdict") or "").partition(": ")
    outcome = Outcome(reconstruction, outlines(mesh, geometry, sizePx))
    return ReportedVertebra(outcome, Verdict(word, reason, None), _compared(modelNode))


def _compared(modelNode):
    """The comparison of this very surface, None where there is none."""
    table, distances = hierarchy.part(modelNode, "comparison"), _values(modelNode, SIGNED_DISTANCE)
    if table is None or distances is None:
        return None
    rows = {}
    for row in range(table.GetTable().GetNumberOfRows()):
        name, *values = (table.GetTable().GetValue(row, column) for column in range(3))
        rows[name.ToString()] = [value.ToDouble() for value in values]
    metrics, baseline = (_metrics({name: values[column] for name, values in rows.items()}) for column in range(2))
    notes = (table.GetAttribute(WARNINGS) or "").splitlines()
    if "turned_deg" in rows and table.GetAttribute(ALIGNMENT) != "none":
        text = _("the alignment turned the surface by {degrees:.1f}° and moved it by {mm:.1f} mm")
        notes.append(text.format(degrees=rows["turned_deg"][0], mm=rows["moved_mm"][0]))
    hasBaseline = not np.isnan(baseline.dice)
    return Compared(table.GetAttribute(ALIGNMENT), metrics, baseline if hasBaseline else None, distances, tuple(notes))


def _metrics(values):
    """SurfaceMetrics of values by name; NaN for what a table of an earlier version lacks."""
    return SurfaceMetrics(**{field.name: values.get(field.name, float("nan")) for field in fields(SurfaceMetrics)})


def _values(modelNode, name):
    """An array of the vertices, None where the model has none of that name."""
    array = modelNode.GetPolyData().GetPointData().GetArray(name)
    return None if array is None else vtk_to_numpy(array).astype(float)


def _about(modelNode):
    names = ("WeightsSha256", "Architecture", "Device")
    texts = (modelNode.GetAttribute(f"ReVert.{name}") or _("not known") for name in names)
    return About(*texts, json.loads(modelNode.GetAttribute("ReVert.Versions") or "{}"))
