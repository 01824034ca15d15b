"""The beam beside an aligned surface: it moves with it when asked, and goes back to where it was."""

import numpy as np
import pytest
import slicer
from scene_host import reopened
from scene_nodes import ABOUT, AP, box_segmentation, comparison_of, fresh, outcome, radiograph_node, shift


@pytest.fixture
def parts():
    return fresh("scene.beam_alignment", "scene.reconstruction_nodes", "scene.comparison_nodes", "scene.hierarchy")


def aligned(parts, level="L3"):
    """(radiograph, model), the model moved by (0, 700, 0)."""
    _follow, result, comparison, _hierarchy = parts
    radiograph = radiograph_node()
    (model,) = result.showReconstructions(radiograph, [outcome(level)], AP, ABOUT)
    comparison.showComparison(model, *box_segmentation(), comparison_of(model, motion_mm=(0.0, 700.0, 0.0)))
    return radiograph, model


def moved_mm(hierarchy, radiograph):
    """How far along y each of plane, beam and outlines is from where it was made."""
    parts = [part for kind in ("plane", "beam") for part in hierarchy.parts(radiograph, kind)]
    parts += [node for model in hierarchy.parts(radiograph, "surface") for node in hierarchy.parts(model, "outline")]
    found = []
    for node in parts:
        here, there = [0.0] * 6, [0.0] * 6
        node.GetBounds(here)
        node.GetRASBounds(there)
        found.append(there[2] - here[2])
    return found


def test_all_of_it_follows_and_goes_back(parts):
    follow, _result, _comparison, hierarchy = parts
    radiograph, model = aligned(parts)
    assert moved_mm(hierarchy, radiograph) == pytest.approx([0, 0, 0])
    for _again in range(2):
        follow.followSurface(radiograph, model)
        assert moved_mm(hierarchy, radiograph) == pytest.approx([700, 700, 700])
    follow.followSurface(radiograph, None)
    assert moved_mm(hierarchy, radiograph) == pytest.approx([0, 0, 0])


def test_the_users_own_transform_comes_back(parts):
    follow, _result, _comparison, hierarchy = parts
    radiograph, model = aligned(parts)
    plane = hierarchy.part(radiograph, "plane")
    shift(plane, (0, 5, 0))
    own = plane.GetParentTransformNode()
    follow.followSurface(radiograph, model)
    follow.followSurface(radiograph, None)
    assert plane.GetParentTransformNode() is own


def test_a_model_that_is_not_aligned_or_of_another_film_moves_nothing(parts):
    follow, _result, comparison, hierarchy = parts
    radiograph, model = aligned(parts)
    other = radiograph_node(name="other")
    follow.followSurface(other, model)
    follow.followSurface(radiograph, model)
    comparison.removeAlignment(model)
    follow.followSurface(radiograph, model)
    assert moved_mm(hierarchy, radiograph) == pytest.approx([0, 0, 0])
    comparison.showComparison(model, *box_segmentation(), comparison_of(model, motion_mm=(0.0, 100.0, 0.0)))
    follow.followSurface(radiograph, model)
    assert moved_mm(hierarchy, radiograph) == pytest.approx([100, 100, 100])


def test_it_follows_in_a_scene_that_was_opened_again(parts, tmp_path):
    follow, _result, _comparison, hierarchy = parts
    follow.followSurface(*aligned(parts))
    reopened(tmp_path)
    (model,) = hierarchy.allParts("surface")
    radiograph = model.GetNodeReference("ReVert.Radiograph")
    assert np.all(np.abs(np.array(moved_mm(hierarchy, radiograph)) - 700) < 1e-3)
    follow.followSurface(radiograph, None)
    assert moved_mm(hierarchy, radiograph) == pytest.approx([0, 0, 0])
    assert slicer.mrmlScene.IsNodePresent(model)
