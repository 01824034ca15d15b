"""One film, stored in each of the eight ways in which DICOM can state how it lies: always the same reconstruction, and
what is drawn over the film lies on it."""

import itertools

import numpy as np
import pytest
import slicer
from dicom_files import dicom
from scene_nodes import AP, OneTetrahedron, fresh, outcome, radiograph_node
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.imaging.orientation import turn_of_letters, turned
from ReVertLib.mesh.polydata import from_polydata

SHOWN_UV = (50, 20)
"""The pixel of the shown film that is bright."""
OPPOSITE = dict(zip("LRHF", "RLFH", strict=True))
LETTERS = {turn_of_letters(*pair): pair for pair in itertools.permutations("LRHF", 2) if pair[1] != OPPOSITE[pair[0]]}
SPACING_UV = (0.5, 0.25)


@pytest.fixture
def parts():
    return fresh("work.jobs", "input.placement", "input.radiograph_check", "scene.result_state", "scene.hierarchy")


def film(turn, folder):
    """(node, the shown picture): the node's pixels are stored so that DICOM asks for turn."""
    shown = np.tile(np.arange(80, dtype=np.uint16), (60, 1))
    shown[SHOWN_UV[1], SHOWN_UV[0]] = 4000
    turns_back = (turned(shown, back) for back in range(1, 9))
    stored = next(one for one in turns_back if np.array_equal(turned(one, turn), shown))
    spacing = SPACING_UV if stored.shape == shown.shape else SPACING_UV[::-1]
    node = radiograph_node(spacing=(*spacing, 1.0))
    slicer.util.updateVolumeFromArray(node, stored[None].copy())
    tags = {"ImagerPixelSpacing": list(spacing[::-1]), "PatientOrientation": list(LETTERS[turn]), "ViewPosition": "AP"}
    path = dicom(folder / "film", stored.copy(), DistanceSourceToDetector=1000, **tags)
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    node.SetAndObserveStorageNodeID(storage.GetID())
    return node, shown


def bright_px(node):
    """(u, v) of the volume's pixel that is bright."""
    pixels = slicer.util.arrayFromVolume(node)[0]
    return np.unravel_index(pixels.argmax(), pixels.shape)[::-1]


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_stored_film_is_reconstructed_alike(parts, tmp_path, turn):
    jobs, placement, check, *_ = parts
    node, shown = film(turn, tmp_path)
    check.enter(node, sod_mm=700)
    placement.addPoint(node, "L3", [float(value) for value in bright_px(node)])
    job = jobs.placedJob(node)
    np.testing.assert_array_equal(job.pixels, shown)
    (geometry,) = job.geometries
    assert geometry.pixel_spacing_mm == pytest.approx(SPACING_UV)
    assert geometry.principal_point_px == pytest.approx((39.5, 29.5))
    u0, v0, u1, v1 = geometry.box_px
    assert ((u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2) == pytest.approx(SHOWN_UV)
    assert (job.turn, job.view) == (turn, AP)


@pytest.mark.parametrize("turn", range(1, 9))
def test_what_is_drawn_lies_on_the_film(parts, tmp_path, turn):
    """A small cube on the ray through the bright pixel: its outline surrounds that pixel in the volume, and in 3D the
    plane is brightest where the ray through the cube meets it."""
    jobs, placement, check, state, hierarchy = parts
    node, _shown = film(turn, tmp_path)
    check.enter(node, sod_mm=700)
    placement.addPoint(node, "L3", [float(value) for value in bright_px(node)])
    job = jobs.placedJob(node)
    centre = job.geometries[0].backproject(np.array([SHOWN_UV]), 700.0)[0]
    found = outcome(centre_mm=centre, half_mm=0.5)
    (model,) = jobs.showReconstructions(job, [found], _about())
    ribbon = points_of(hierarchy.part(model, "silhouette"))
    ijk = (ribbon / (*node.GetSpacing()[:2], 1.0))[:, :2]  # its axes are those of RAS
    assert (ijk.max(0) + ijk.min(0)) / 2 == pytest.approx(bright_px(node), abs=0.6)
    plane = hierarchy.part(node, "plane").GetPolyData()
    brightest = np.array(plane.GetPoint(int(vtk_to_numpy(plane.GetPointData().GetArray("grey")).argmax())))
    along = from_polydata(model.GetPolyData()).vertices.mean(0)
    assert brightest / np.linalg.norm(brightest) == pytest.approx(along / np.linalg.norm(along), abs=5e-4)
    placed = placement.placements(node, 0, {}, turn)
    (now,) = state.resultStates(node, 0, check.checkRadiograph(node), placed).values()
    assert now.changed == ()


@pytest.mark.parametrize("turn", [1, 6])
def test_the_report_shows_the_turned_film(parts, tmp_path, turn):
    from ReVertSlicer.scene import report

    jobs, _placement, check, *_ = parts
    node, shown = film(turn, tmp_path)
    check.enter(node, sod_mm=700)
    (model,) = jobs.showReconstructions(jobs.placedJob(node), [outcome()], _about())
    pictured = report._film(model)
    np.testing.assert_array_equal(pictured.pixels, shown)
    (one,) = pictured.vertebrae
    outlines = np.vstack(one.outcome.outlines_px)
    assert (outlines.max(0) + outlines.min(0)) / 2 == pytest.approx((39.5, 29.5), abs=0.6)


def test_a_result_of_the_stored_picture_is_out_of_date(parts, tmp_path):
    """As earlier versions made it."""
    jobs, _placement, check, state, _hierarchy = parts
    node, _shown = film(3, tmp_path)
    check.enter(node, sod_mm=700)
    (model,) = jobs.showReconstructions(jobs.placedJob(node), [outcome()], _about())
    model.SetAttribute(state.TURN, None)
    (now,) = state.resultStates(node, 0, check.checkRadiograph(node), []).values()
    assert "Orientation" in now.changed


def _about():
    from ReVertLib.service.service import Service

    return Service(predictor=OneTetrahedron()).about


def points_of(node):
    return vtk_to_numpy(node.GetPolyData().GetPoints().GetData())
