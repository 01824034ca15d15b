"""Pictures by Slicer's displayable managers: the silhouette is drawn around the vertebra, the plane behind it."""

import importlib

import numpy as np
import pytest
import scene_pictures
import slicer
import vtk
from scene_nodes import ABOUT, AP, box_segmentation, fresh, outcome, radiograph_node
from vtk.util.numpy_support import vtk_to_numpy

ABOVE_AXES = 220
"""Rows of a picture of 300 in which neither ruler nor the patient's axes, red, green and blue, are drawn."""


def pixels(path):
    """(rows, columns, 3), the first row on top."""
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    columns, rows, _ = reader.GetOutput().GetDimensions()
    return vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3]


def coloured(picture, colour, tolerance=40):
    """Rows and columns (n, 2) of about this colour, 0..1."""
    return np.argwhere(np.abs(picture.astype(int) - 255 * np.array(colour)).max(-1) < tolerance)


@pytest.fixture
def scene():
    """Film, and the file with the colours."""
    result, colours = fresh("scene.reconstruction_nodes", "scene.colours")
    radiograph = radiograph_node(spacing=(0.5, 0.5, 1.0))
    radiograph.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)  # as Slicer reads image files
    result.showReconstructions(radiograph, [outcome()], AP, ABOUT)
    return radiograph, colours


def test_silhouette_in_the_slice_view(scene, tmp_path):
    """5 pixels of the picture to one of the film, on which a cube of 8 mm covers 23 columns and 46 rows."""
    radiograph, colours = scene
    count = slicer.mrmlScene.GetNumberOfNodes()
    scene_pictures.picture_slice(radiograph, tmp_path / "slice.png", (400, 300))
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    picture = pixels(tmp_path / "slice.png")
    outline = coloured(picture, colours.OUTLINE)
    assert np.ptp(outline, axis=0) == pytest.approx([5 * 46, 5 * 23], abs=5)
    assert outline.mean(0) == pytest.approx([150, 200], abs=5)
    assert picture[20, 40].max() < 60  # the film's ramp, brighter to the right
    assert picture[20, 360].min() > 150


def test_film_and_beam_in_3d(scene, tmp_path):
    """Seen from the source, the film shows as in the slice view: its bright end is at the patient's left. Asked for
    alone, it fills the picture but for a little air; the whole beam is seen from aside."""
    radiograph, colours = scene
    count = slicer.mrmlScene.GetNumberOfNodes()
    plane, beam = (slicer.util.getNode(f"{radiograph.GetName()} {of}") for of in ("in 3D", "X-ray beam"))
    beam.SetDisplayVisibility(False)  # the source would hide the outline
    scene_pictures.picture_3d(tmp_path / "3d.png", (400, 300), shown=[plane])
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    picture = pixels(tmp_path / "3d.png")[:ABOVE_AXES]
    bright, dark = (coloured(picture, [grey] * 3, 50)[:, 1] for grey in (1, 0.1))
    assert len(bright) > 100 and len(dark) > 100
    assert bright.min() > dark.max()
    assert len(coloured(picture, colours.OUTLINE)) > 30
    beam.SetDisplayVisibility(True)
    scene_pictures.picture_3d(tmp_path / "all.png", (400, 300), azimuth_deg=-60)
    lines = coloured(pixels(tmp_path / "all.png"), colours.BEAM, 100)  # thin ones are mixed with what is behind
    assert np.ptp(lines, axis=0).max() > 0.85 * 400
    assert lines.min() > 0 and (lines.max(0) < (299, 399)).all()


def test_boxes_and_points_take_part_in_3d(scene, tmp_path):
    """A red point before everything is seen; the box on the film, which lies at its coordinates, hides in 3D."""
    from ReVertSlicer.input import placement

    radiograph, _colours = scene
    box = placement.addBox(radiograph, "L4", (10, 10, 30, 30))
    red = (1.0, 0.0, 0.0)
    box.GetDisplayNode().SetSelectedColor(red)
    scene_pictures.picture_3d(tmp_path / "box.png", (400, 300))
    assert len(coloured(pixels(tmp_path / "box.png")[:ABOVE_AXES], red, 60)) == 0
    point = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    point.CreateDefaultDisplayNodes()
    point.GetDisplayNode().SetSelectedColor(red)
    point.GetDisplayNode().SetGlyphScale(5)
    point.AddControlPoint(0, 30, 0)
    scene_pictures.picture_3d(tmp_path / "point.png", (400, 300))
    assert len(coloured(pixels(tmp_path / "point.png")[:ABOVE_AXES], red, 60)) > 10
    box.GetDisplayNode().SetVisibility3D(True)
    slicer.mrmlScene.RemoveNode(point)
    scene_pictures.picture_3d(tmp_path / "shown.png", (400, 300))
    assert len(coloured(pixels(tmp_path / "shown.png")[:ABOVE_AXES], red, 60)) > 10


def test_a_ct_that_is_shown_takes_part_in_3d(scene, tmp_path):
    segmentation, _segment = box_segmentation()
    segmentation.GetSegmentation().GetNthSegment(0).SetColor(0, 0, 1)
    ct = importlib.import_module("ReVertSlicer.scene.ct_in_3d")
    ct.show(segmentation, True)
    scene_pictures.picture_3d(tmp_path / "with.png", (400, 300))
    blue = pixels(tmp_path / "with.png")[:ABOVE_AXES].astype(int)
    assert (blue[..., 2] > 2 * blue[..., 0] + 40).sum() > 100
