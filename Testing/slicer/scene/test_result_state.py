"""What a reconstruction is worth now: verdict, expected error, and whether its radiograph has changed since."""

from dataclasses import replace

import numpy as np
import pytest
import slicer
from scene_nodes import ABOUT, AP, CAMERA, fresh, outcome, radiograph_node

BOX = (20.0, 15.0, 60.0, 45.0)


@pytest.fixture
def parts():
    return fresh("scene.result_state", "scene.reconstruction_nodes", "input.radiograph_check", "input.placement")


@pytest.fixture
def film(parts):
    """A radiograph taken by CAMERA, of an AP view."""
    node = radiograph_node()
    parts[2].enter(node, sdd_mm=CAMERA.sdd_mm, sod_mm=CAMERA.sod_mm, **AP)
    return node


def states(parts, film, sliceIndex=0):
    found, _result, check, placement = parts
    placed = placement.placements(film, sliceIndex)
    return found.resultStates(film, sliceIndex, check.checkRadiograph(film, sliceIndex), placed)


def shown(parts, film, *outcomes):
    return parts[1].showReconstructions(film, outcomes, AP, ABOUT)


def test_verdict_and_mean_expected_error(parts, film):
    (model,) = shown(parts, film, outcome(expected_error_mm=0.84))
    (state,) = states(parts, film).values()
    assert (state.level, state.word, state.text, state.reason) == ("L3", "trust", "trust, 0.8 mm", "")
    assert state.verdict == model.GetAttribute("ReVert.Verdict")


def test_without_expected_errors_the_word_stands_alone(parts, film):
    shown(parts, film, outcome())
    (state,) = states(parts, film).values()
    assert (state.text, state.expectedMm) == ("check", None)


def test_the_worst_is_the_worst_verdict_then_the_largest_error(parts, film):
    errors = {"L1": 0.5, "L2": 1.4, "L3": 1.2}
    shown(parts, film, *(outcome(level, expected_error_mm=mm) for level, mm in errors.items()))
    found = states(parts, film)
    assert len(found) == 3
    assert parts[0].worst(found.values()).level == "L2"
    assert parts[0].worst([]) is None


@pytest.mark.parametrize(
    ("entered", "what"),
    [
        ({"sdd_mm": 1100.0}, "Source to detector"),
        ({"sod_mm": 650.0}, "Source to object"),
        ({"pixel_spacing_mm": (0.4, 0.25)}, "Detector spacing"),
        ({"principal_point_px": (30.0, 29.5)}, "Principal point"),
        ({"yaw_deg": 90.0}, "View"),
    ],
)
def test_another_geometry_makes_it_out_of_date_and_the_former_one_does_not(parts, film, entered, what):
    shown(parts, film, outcome())
    before = parts[2].entered(film)
    parts[2].enter(film, **entered)
    (state,) = states(parts, film).values()
    assert state.changed == (what,)
    assert state.text == "out of date"
    assert what in state.reason
    parts[2].enter(film, **{key: before.get(key) for key in entered})
    assert next(iter(states(parts, film).values())).changed == ()


def test_a_box_that_was_moved_makes_it_out_of_date_and_one_of_another_size_does_not(parts, film):
    made = outcome()
    geometry = replace(made.reconstruction.geometry, box_px=BOX)
    shown(parts, film, replace(made, reconstruction=replace(made.reconstruction, geometry=geometry)))
    box = parts[3].addBox(film, "L3", BOX)
    assert next(iter(states(parts, film).values())).changed == ()
    box.SetSize(*(0.8 * np.array(box.GetSize())))
    assert next(iter(states(parts, film).values())).changed == ()
    box.SetCenter(*(np.add(box.GetCenter(), [2.0, 0, 0])))
    assert next(iter(states(parts, film).values())).changed == ("Place",)


def test_another_image_makes_all_its_results_out_of_date(parts, film):
    shown(parts, film, outcome("L2"), outcome("L3"))
    slicer.util.updateVolumeFromArray(film, slicer.util.arrayFromVolume(film)[..., ::-1].copy())
    assert [state.changed for state in states(parts, film).values()] == [("Image",), ("Image",)]
    slicer.util.updateVolumeFromArray(film, slicer.util.arrayFromVolume(film)[..., ::-1].copy())
    assert [state.changed for state in states(parts, film).values()] == [(), ()]


def test_an_outdated_result_comes_before_a_bad_one(parts, film):
    first = shown(parts, film, outcome("L2", expected_error_mm=9.0), outcome("L3", expected_error_mm=0.5))
    first[1].SetAttribute("ReVert.ImageSha256", "0" * 64)
    found = states(parts, film)
    assert found[first[0].GetID()].word == "do not use"
    assert parts[0].worst(found.values()).level == "L3"


def test_only_the_results_of_the_slice_are_looked_at(parts):
    stack = radiograph_node(slices=2)
    parts[2].enter(stack, sdd_mm=CAMERA.sdd_mm, sod_mm=CAMERA.sod_mm, **AP)
    parts[1].showReconstructions(stack, [outcome("L3")], AP, ABOUT, parts[1].Taken(sliceIndex=1))
    assert states(parts, stack, 0) == {}
    assert [state.changed for state in states(parts, stack, 1).values()] == [()]


def test_a_stack_that_has_lost_the_slice_is_another_image(parts):
    stack = radiograph_node(slices=2)
    parts[1].showReconstructions(stack, [outcome("L3")], AP, ABOUT, parts[1].Taken(sliceIndex=1))
    check = parts[2].checkRadiograph(stack, 1)
    slicer.util.updateVolumeFromArray(stack, slicer.util.arrayFromVolume(stack)[:1].copy())
    (state,) = parts[0].resultStates(stack, 1, check, []).values()
    assert "Image" in state.changed
