"""The radiograph, its source and its beam in 3D, and the silhouette in its slice view, at places worked out by hand."""

import numpy as np
import pytest
import scene_host
import slicer
import vtk
from scene_nodes import ABOUT, AP, fresh, outcome, radiograph_node, shift
from vtk.util.numpy_support import vtk_to_numpy


@pytest.fixture
def parts():
    return fresh("scene.reconstruction_nodes", "scene.beam", "scene.hierarchy")


def show(result, radiograph, found=None, view=None, slice_index=0):
    return result.showReconstructions(radiograph, [found or outcome()], view or AP, ABOUT, result.Taken(slice_index))[0]


def points(node):
    return vtk_to_numpy(node.GetPolyData().GetPoints().GetData())


def test_plane_lies_at_the_detector_as_large_as_it_is(parts):
    """AP: the beam runs to the patient's back (-A), columns to the left (-R), rows down (-S); 80 x 0.5 mm by 60 x
    0.25 mm around the principal ray."""
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    plane = points(hierarchy.part(radiograph, "plane"))
    assert plane.min(0) == pytest.approx([-20, -1000, -7.5], abs=1e-4)
    assert plane.max(0) == pytest.approx([20, -1000, 7.5], abs=1e-4)


def test_plane_shows_the_pixels_where_they_are(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    array = slicer.util.arrayFromVolume(radiograph)
    array[0, 3, 70] = 500  # the upper right of the picture: to the patient's left, above the principal ray
    show(result, radiograph)
    plane = hierarchy.part(radiograph, "plane")
    grey = vtk_to_numpy(plane.GetPolyData().GetPointData().GetArray("grey"))
    assert len(grey) == 80 * 60
    right, _ahead, up = points(plane)[grey.argmax()]
    assert (right, up) == pytest.approx((-(70 - 39.5) * 0.5, (29.5 - 3) * 0.25), abs=0.3)
    assert (points(plane)[np.isclose(grey, 0)][:, 0] > 19).all()  # the ramp is dark at the first column


def test_yaw_turns_the_plane_with_the_beam(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    show(result, radiograph, view={**AP, "yaw_deg": 90.0})
    assert points(hierarchy.part(radiograph, "plane")).mean(0) == pytest.approx([1000, 0, 0], abs=1e-3)


def test_a_large_image_is_thinned_to_means(parts):
    _result, view, _hierarchy = parts
    pixels = np.add.outer(np.arange(2048), np.arange(1024)).astype(np.uint16)
    thin = view._downsampled(pixels)
    assert thin.shape == (256, 128)
    assert thin[3, 5] == pixels[24:32, 40:48].mean()
    assert view._downsampled(np.full((300, 7), 5, np.int16)).shape == (256, 6)
    assert (view._downsampled(np.full((1000, 999), 65535, np.uint16)) == 65535).all()


def test_plane_has_window_level_and_colours_of_the_slice_view(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    radiograph.GetDisplayNode().SetAutoWindowLevel(False)
    radiograph.GetDisplayNode().SetWindowLevelMinMax(10, 30)
    radiograph.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeInvertedGrey")
    show(result, radiograph)
    display = hierarchy.part(radiograph, "plane").GetDisplayNode()
    assert display.GetScalarRange() == pytest.approx((10, 30))
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"
    assert display.GetScalarVisibility() and not display.GetVisibility2D()


def test_beam_runs_from_the_source_to_the_corners_and_along_the_principal_ray(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    beam = hierarchy.part(radiograph, "beam").GetPolyData()
    source, *corners, principal = points(hierarchy.part(radiograph, "beam"))[:6]
    assert source.tolist() == [0, 0, 0]
    assert np.abs(corners) / 0.999 == pytest.approx(np.tile([20, 1000, 7.5], (4, 1)), abs=1e-3)
    assert principal / 0.999 == pytest.approx([0, -1000, 0], abs=1e-3)
    assert beam.GetNumberOfLines() == 6
    ball = points(hierarchy.part(radiograph, "beam"))[6:]
    assert np.linalg.norm(ball, axis=1) == pytest.approx(8, abs=1e-4)


def cut(polydata, origin, normal):
    """(k, 3) where a plane cuts a surface, as a slice view does it."""
    plane, cutter = vtk.vtkPlane(), vtk.vtkCutter()
    plane.SetOrigin(*origin)
    plane.SetNormal(*normal)
    cutter.SetInputData(polydata)
    cutter.SetCutFunction(plane)
    cutter.Update()
    return vtk_to_numpy(cutter.GetOutput().GetPoints().GetData())


@pytest.mark.parametrize("slice_index", [0, 2])
def test_silhouette_lies_on_its_slice_around_what_is_covered(parts, slice_index):
    """The near face of a cube of 8 mm covers 4 mm x 1000/696 to each side: 11.49 columns, 22.99 rows."""
    result, _view, hierarchy = parts
    radiograph = radiograph_node(slices=3, spacing=(0.5, 0.25, 2.0))
    model = show(result, radiograph, slice_index=slice_index)
    silhouette = hierarchy.part(model, "silhouette")
    found = cut(silhouette.GetPolyData(), (0, 0, 2.0 * slice_index), (0, 0, 1))
    half = 4 * 1000 / 696 * np.array([1, 1])  # mm on the detector, and in the slice view, whose voxels are as large
    centre = np.array([39.5 * 0.5, 29.5 * 0.25])
    assert found[:, :2].min(0) == pytest.approx(centre - half, abs=1e-3)
    assert found[:, :2].max(0) == pytest.approx(centre + half, abs=1e-3)
    levels = np.unique(np.round(points(silhouette)[:, 2], 6))
    assert levels == pytest.approx([2.0 * slice_index - 0.9, 2.0 * slice_index + 0.9])


def test_silhouette_moves_with_the_radiographs_transform(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    shift(radiograph, [7, 0, 0])
    model = show(result, radiograph)
    silhouette = hierarchy.part(model, "silhouette")
    assert silhouette.GetTransformNodeID() == radiograph.GetTransformNodeID()
    assert model.GetTransformNodeID() is None
    radiograph.SetAndObserveTransformNodeID(None)
    show(result, radiograph)
    assert silhouette.GetTransformNodeID() is None


def test_silhouette_shows_in_slices_only_and_the_outline_in_3d_only(parts):
    result, _view, hierarchy = parts
    model = show(result, radiograph_node())
    shown = {
        kind: (display.GetVisibility2D(), display.GetVisibility3D())
        for kind in ("silhouette", "outline")
        for display in [hierarchy.part(model, kind).GetDisplayNode()]
    }
    assert shown == {"silhouette": (1, 0), "outline": (0, 1)}
    outline = points(hierarchy.part(model, "outline")) / 0.999
    assert outline[:, 1] == pytest.approx(-1000)
    assert np.abs(outline[:, [0, 2]]).max(0) == pytest.approx([4 * 1000 / 696] * 2, abs=1e-3)


def test_a_surface_outside_the_image_has_an_empty_silhouette(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    model = show(result, radiograph)
    show(result, radiograph, outcome(centre_mm=(200, 0, 700)))
    assert hierarchy.part(model, "silhouette").GetPolyData().GetNumberOfPoints() == 0
    assert hierarchy.part(model, "outline").GetPolyData().GetNumberOfPoints() == 0


def test_one_plane_and_beam_for_all_levels_kept_in_step(parts):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    result.showReconstructions(radiograph, [outcome("L2"), outcome("L3")], AP, ABOUT)
    (plane,) = hierarchy.parts(radiograph, "plane")
    (_beam,) = hierarchy.parts(radiograph, "beam")
    slicer.util.updateVolumeFromArray(radiograph, slicer.util.arrayFromVolume(radiograph)[:, :30] * 2)
    show(result, radiograph)
    assert hierarchy.parts(radiograph, "plane") == [plane]
    assert plane.GetPolyData().GetNumberOfPoints() == 80 * 30
    assert plane.GetPolyData().GetPointData().GetArray("grey").GetRange() == (0, 158)


def test_the_view_can_be_hidden_and_stays_hidden(parts):
    result, view, hierarchy = parts
    radiograph = radiograph_node()
    model = show(result, radiograph)
    view.setViewVisible(radiograph, False)
    show(result, radiograph)
    hidden = [hierarchy.part(radiograph, "plane"), hierarchy.part(radiograph, "beam"), hierarchy.part(model, "outline")]
    assert not any(node.GetDisplayVisibility() for node in hidden)
    assert model.GetDisplayVisibility() and hierarchy.part(model, "silhouette").GetDisplayVisibility()
    view.setViewVisible(radiograph, True)
    assert all(node.GetDisplayVisibility() for node in hidden)
    view.setViewVisible(radiograph_node(), False)  # one that nothing was made from


def test_pixels_of_another_size_wait_for_the_next_reconstruction(parts):
    result, view, hierarchy = parts
    radiograph = radiograph_node()
    show(result, radiograph)
    slicer.util.updateVolumeFromArray(radiograph, np.ones((1, 10, 10), np.int16))
    view.updatePixels(radiograph, 0)
    assert hierarchy.part(radiograph, "plane").GetPolyData().GetNumberOfPoints() == 80 * 60


def test_the_view_is_the_same_after_saving_and_loading(parts, tmp_path):
    result, _view, hierarchy = parts
    radiograph = radiograph_node()
    shift(radiograph, [7, 0, 0])
    show(result, radiograph)
    plane = points(hierarchy.part(radiograph, "plane")).copy()
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    again = hierarchy.part(radiograph, "plane")
    assert points(again) == pytest.approx(plane, abs=1e-3)
    assert again.GetPolyData().GetPointData().GetArray("grey").GetRange() == (0, 79)
    display = again.GetDisplayNode()
    assert (display.GetActiveScalarName(), display.GetColorNodeID()) == ("grey", "vtkMRMLColorTableNodeGrey")
    assert not display.GetLighting()
    silhouette = hierarchy.part(result.modelOf(radiograph, "L3"), "silhouette")
    assert silhouette.GetTransformNodeID() == radiograph.GetTransformNodeID()
    assert (silhouette.GetDisplayNode().GetVisibility2D(), silhouette.GetDisplayNode().GetVisibility3D()) == (1, 0)


def test_ras_from_camera_of_an_ap_view(parts):
    assert parts[1].rasFromCamera(AP) @ [1, 2, 3] == pytest.approx([-1, -3, -2])
