"""Pictures by Slicer's displayable managers: the silhouette is drawn around the vertebra, the plane behind it."""

import numpy as np
import scene_pictures
import slicer
import vtk
from scene_nodes import ABOUT, AP, fresh, outcome, radiograph_node
from vtk.util.numpy_support import vtk_to_numpy


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


def test_slice_view_and_3d_view(tmp_path):
    result, colours = fresh("result", "colours")
    radiograph = radiograph_node(spacing=(0.5, 0.5, 1.0))
    result.showReconstructions(radiograph, [outcome()], AP, ABOUT)
    count = slicer.mrmlScene.GetNumberOfNodes()
    scene_pictures.picture_slice(radiograph, tmp_path / "slice.png", (400, 300))
    scene_pictures.picture_3d(tmp_path / "3d.png", (400, 300), azimuth_deg=-60, elevation_deg=20)
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    outline = coloured(pixels(tmp_path / "slice.png"), colours.OUTLINE)
    # 5 picture pixels to a pixel of the radiograph: a cube of 8 mm covers 8 * 1000 / 696 / 0.5 = 23 columns, 46 rows
    assert np.ptp(outline[:, 1]) == np.clip(np.ptp(outline[:, 1]), 5 * 23 - 3, 5 * 23 + 6)
    assert np.ptp(outline[:, 0]) == np.clip(np.ptp(outline[:, 0]), 5 * 46 - 3, 5 * 46 + 6)
    space = pixels(tmp_path / "3d.png")
    assert len(coloured(space, colours.BEAM)) > 100
    assert len(coloured(space, (1, 1, 1), 60)) > 20  # the bright end of the plane's ramp
