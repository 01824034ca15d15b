"""Errors are seen where they are, one colour bar for all."""

import numpy as np
import pytest
import SimpleITK as sitk

from ReVertLib.anatomy.template import load_template
from ReVertLib.evaluation.error_map import FIELD_MM, VIEWS, error_map, range_mm
from ReVertLib.evaluation.figure_style import ERRORS, colour_map
from ReVertLib.geometry.views import view_rotation

X, Y, Z = load_template().mean("L3").vertices.T


def drawn(path, errors_mm):
    error_map(path, errors_mm)
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., :3] / 255.0


def redness(image):
    """(rows, columns) red less blue: nearly none on bone, on text and on the page."""
    return image[..., 0] - image[..., 2]


def test_what_is_off_is_coloured_in_the_row_of_its_answer(tmp_path):
    """The upper answer is off on the patient's left alone, which lies on the right of the view from the front left and
    on the left of that from behind; the lower is right all over."""
    image = redness(drawn(tmp_path / "x.png", {"one": np.where(X > 5, 2.0, 0.0), "other": np.zeros(3000)}))
    height, width = image.shape
    rows = [image[: int(0.42 * height)], image[int(0.5 * height) : int(0.84 * height)]]
    assert (rows[0] > 0.15).sum() > 50 * max(1, (rows[1] > 0.15).sum())
    behind = rows[0][:, int(0.51 * width) : int(0.75 * width)] > 0.15
    left, right = np.array_split(behind, 2, axis=1)
    assert left.sum() > 1_000
    assert right.sum() < 0.2 * left.sum()


def test_no_view_cuts_the_vertebra_off():
    for angles in VIEWS.values():
        seen = load_template().mean("L3").vertices @ view_rotation(*angles).T
        assert np.ptp(seen[:, :2], axis=0).max() < FIELD_MM


def test_the_bar_ends_where_nearly_all_vertices_do():
    most = np.concatenate([np.full(2990, 1.2), np.full(10, 30.0)])
    assert range_mm({"a": most}) == 1.5
    assert range_mm({"a": most, "b": np.full(3000, 2.6)}) == 3.0


def test_colours_fall_in_lightness_all_along():
    luminance = colour_map(ERRORS)(np.linspace(0, 1, 101))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) < 0).all()


@pytest.mark.parametrize("count", [1, 2])
def test_a_row_for_each_answer(tmp_path, count):
    image = drawn(tmp_path / "x.png", {str(i): np.ones(3000) for i in range(count)})
    assert image.shape[0] == pytest.approx(88 * (2.75 * count + 1.05), abs=1)
