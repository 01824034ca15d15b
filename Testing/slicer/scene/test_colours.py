"""Colours of the surface: a table of the scene, fixed limits, one legend."""

import numpy as np
import pytest
import scene_host
import slicer
from scene_nodes import ABOUT, AP, fresh, outcome, radiograph_node
from vtk.util.numpy_support import numpy_to_vtk


@pytest.fixture
def parts():
    return fresh("scene.reconstruction_nodes", "scene.colours")


def shown(result, **options):
    return result.showReconstructions(radiograph_node(), [outcome(**options)], AP, ABOUT)[0]


def with_distances(model):
    array = numpy_to_vtk(np.linspace(-3, 3, 8), deep=True)
    array.SetName("signed_distance_mm")
    model.GetPolyData().GetPointData().AddArray(array)
    return model


def legend(model):
    return slicer.modules.colors.logic().GetColorLegendDisplayNode(model)


def rgb(model, value):
    """The colour of a value on a model, as the views map it."""
    display = model.GetDisplayNode()
    low, high = display.GetScalarRange()
    table = display.GetColorNode().GetLookupTable()
    return np.array(table.GetTableValue(round(255 * (value - low) / (high - low)))[:3])


def test_a_new_model_is_like_bone(parts):
    result, colours = parts
    model = shown(result, expected_error_mm=1.0)
    assert not model.GetDisplayNode().GetScalarVisibility()
    assert model.GetDisplayNode().GetColor() == colours.BONE
    assert legend(model) is None


def test_expected_error_from_0_to_5_mm(parts):
    result, _colours = parts
    model = shown(result, expected_error_mm=1.0)
    result.colourBy(model, "expected_error_mm")
    display = model.GetDisplayNode()
    assert display.GetScalarVisibility()
    assert display.GetActiveScalarName() == "expected_error_mm"
    assert display.GetScalarRange() == (0, 5)
    assert rgb(model, 0).sum() > rgb(model, 2.5).sum() > rgb(model, 5).sum()  # the worse, the darker
    assert (legend(model).GetTitleText(), legend(model).GetVisibility()) == ("Expected error", 1)
    assert "mm" in legend(model).GetLabelFormat()


def test_signed_distance_is_symmetric_blue_inside_orange_outside(parts):
    result, _colours = parts
    model = with_distances(shown(result))
    result.colourBy(model, "signed_distance_mm")
    assert model.GetDisplayNode().GetScalarRange() == (-4, 4)
    inside, on, outside = (rgb(model, value) for value in (-2, 0, 2))
    assert inside[2] > inside[0] and outside[0] > outside[2]
    assert np.ptp(on) < 0.06


def test_an_array_that_is_not_there_changes_nothing(parts):
    result, _colours = parts
    model = shown(result)
    result.colourBy(model, "signed_distance_mm")
    assert not model.GetDisplayNode().GetScalarVisibility()
    assert legend(model) is None


def test_back_to_bone_hides_the_legend(parts):
    result, _colours = parts
    model = shown(result, expected_error_mm=1.0)
    result.colourBy(model, "expected_error_mm")
    result.colourBy(model, None)
    assert not model.GetDisplayNode().GetScalarVisibility()
    assert not legend(model).GetVisibility()


def test_models_coloured_alike_share_table_and_legend(parts):
    result, _colours = parts
    first, second = (shown(result, expected_error_mm=1.0) for _ in range(2))
    result.colourBy(first, "expected_error_mm")
    result.colourBy(second, "expected_error_mm")
    assert first.GetDisplayNode().GetColorNode() is second.GetDisplayNode().GetColorNode()
    assert [legend(model).GetVisibility() for model in (first, second)] == [0, 1]
    result.colourBy(with_distances(first), "signed_distance_mm")  # another scale: a legend of its own, elsewhere
    assert [legend(model).GetVisibility() for model in (first, second)] == [1, 1]
    assert legend(first).GetPosition()[0] > 0.5 > legend(second).GetPosition()[0]


def test_colouring_again_adds_nothing(parts):
    result, _colours = parts
    model = shown(result, expected_error_mm=1.0)
    result.colourBy(model, "expected_error_mm")
    count = slicer.mrmlScene.GetNumberOfNodes()
    result.colourBy(model, None)
    result.colourBy(model, "expected_error_mm")
    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_without_slicers_colour_module_there_is_no_legend(parts, monkeypatch):
    result, _colours = parts
    monkeypatch.delattr(slicer.modules, "colors")
    model = shown(result, expected_error_mm=1.0)
    result.colourBy(model, "expected_error_mm")
    assert model.GetDisplayNode().GetScalarVisibility()


def test_colours_and_legend_after_saving_and_loading(parts, tmp_path):
    result, _colours = parts
    model = with_distances(shown(result))
    result.colourBy(model, "signed_distance_mm")
    before = [rgb(model, value) for value in (-4, -1, 0, 1, 4)]
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    again = result.modelOf(radiograph, "L3")
    assert [rgb(again, value) for value in (-4, -1, 0, 1, 4)] == [pytest.approx(colour, abs=0.01) for colour in before]
    assert legend(again).GetTitleText() == "Distance to CT"
    assert legend(again).GetVisibility()
    count = slicer.mrmlScene.GetNumberOfNodes()
    result.colourBy(again, "signed_distance_mm")
    assert slicer.mrmlScene.GetNumberOfNodes() == count
