"""Measurements in the scene: where points and axes lie, what the table says, and that all goes with its surface."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import scene_host
import slicer
from scene_nodes import (
    ABOUT,
    AP,
    CAMERA,
    box_segmentation,
    comparison_of,
    fresh,
    outcome,
    radiograph_node,
    shift,
    vertices,
)

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Outcome, Reconstruction
from ReVertLib.measurement.measure import Measured, measure
from ReVertLib.measurement.records import DISC_TERMS, POINT, SPINE_TERMS
from ReVertLib.metrics.records import ErrorParts

VIEW = {"yaw_deg": 90.0, "pitch_deg": 10.0, "roll_deg": 0.0}
APART_MM = 35.0
MARKUPS = ("measuredPoints", "leftPedicleAxis", "rightPedicleAxis")


@pytest.fixture
def parts():
    return fresh("scene.measurement_nodes", "scene.reconstruction_nodes", "scene.hierarchy", "scene.undo")


def together(*levels, moved_mm=0.0, error_mm=1.0):
    """Outcomes of mean vertebrae above each other, measured together."""
    found = {}
    for i, level in enumerate(levels):
        place = RigidTransform(view_rotation(), np.array([moved_mm, APART_MM * i, 700.0]))
        mesh = load_template().mean(level).moved(place)
        errors = np.full(len(mesh.vertices), error_mm)
        found[level] = Reconstruction(
            mesh, replace(CAMERA, level=level), 0.1, (), errors, error_parts=ErrorParts(errors, errors, 3 * errors)
        )
    given = {level: Measured(one.mesh.vertices, one.expected_error_mm, one.error_parts) for level, one in found.items()}
    measurements = measure(given, in_camera=True)
    return [Outcome(one, (), measurements) for one in found.values()]


def show(result, radiograph, outcomes, view=AP):
    return result.showReconstructions(radiograph, outcomes, view, ABOUT)


def places(node):
    """{label: place} of a markups node, RAS."""
    labels = [node.GetNthControlPointLabel(i) for i in range(node.GetNumberOfControlPoints())]
    return dict(zip(labels, slicer.util.arrayFromMarkupsControlPoints(node, world=True), strict=True))


def points_of(hierarchy, model):
    """(n, 3) places of a model's points, RAS."""
    return np.array([*places(hierarchy.part(model, "measuredPoints")).values()])


def rows(table_node):
    """{(of, measurement): the other columns} of a table."""
    table = table_node.GetTable()
    found = [[table.GetValue(i, k) for k in range(6)] for i in range(table.GetNumberOfRows())]
    return {
        (of.ToString(), what.ToString()): (value.ToDouble(), unit.ToString(), sd.ToDouble(), look.ToString())
        for of, what, value, unit, sd, look in found
    }


def markups(hierarchy, *models):
    return [node for model in models for kind in MARKUPS for node in hierarchy.parts(model, kind)]


def kinds(hierarchy):
    return sorted(node.GetAttribute("ReVert.Kind") for node in hierarchy.allParts())


@pytest.mark.parametrize("view", [AP, VIEW])
def test_points_and_axes_lie_where_they_are_on_the_surface(parts, view):
    nodes, result, hierarchy, _undo = parts
    (model,) = show(result, radiograph_node(), together("L3"), view)
    nodes.showMeasurements(model)
    there = measure({"L3": Measured(vertices(model))}, in_camera=False).levels["L3"]
    points = places(hierarchy.part(model, "measuredPoints"))
    assert set(points) == {name for name, one in there.items() if one.kind == POINT}
    for name, place in points.items():
        assert place == pytest.approx(there[name].value, abs=0.02)
    for side in ("left", "right"):
        entry, axis, length = (np.array(there[f"{side} pedicle {what}"].value) for what in ("entry", "axis", "length"))
        line = places(hierarchy.part(model, f"{side}PedicleAxis"))
        assert line["entry"] == pytest.approx(entry, abs=0.02)
        assert line["end"] == pytest.approx(entry + length * axis, abs=0.05)


def test_what_is_worth_a_look_is_selected_and_says_its_error(parts):
    nodes, result, hierarchy, _undo = parts
    for error_mm, said in ((0.2, {True}), (3.0, {False})):
        radiograph = radiograph_node()
        (model,) = show(result, radiograph, together("L3", error_mm=error_mm))
        nodes.showMeasurements(model)
        lists = markups(hierarchy, model)
        assert len(lists) == 3
        assert {node.GetNthControlPointSelected(i) for node in lists for i in range(2)} == said
        assert all(node.GetLocked() for node in lists)
    sd = together("L3", error_mm=3.0)[0].measurements.levels["L3"]["left pedicle axis"].sd
    line = hierarchy.part(model, "leftPedicleAxis")
    assert line.GetNthControlPointDescription(0) == f"standard deviation {sd:.1f} degrees"


def test_the_table_has_every_number_of_vertebrae_discs_and_spine(parts):
    nodes, result, _hierarchy, _undo = parts
    outcomes = together("L2", "L3")
    model, _other = show(result, radiograph_node(), outcomes)
    found, made = rows(nodes.showMeasurements(model)), outcomes[0].measurements
    groups = {**made.levels, **made.discs, "spine": made.spine}
    numbers = {(of, what): one for of, group in groups.items() for what, one in group.items()}
    numbers = {key: one for key, one in numbers.items() if not isinstance(one.value, tuple)}
    assert list(found) == list(numbers)
    assert {of for of, _what in found} == {"L2", "L3", "L2/L3", "spine"}
    for key, (value, unit, sd, look) in found.items():
        assert (value, sd) == pytest.approx((numbers[key].value, numbers[key].sd), abs=0.006)
        assert (unit, look) == (numbers[key].unit, "yes" if numbers[key].worth_a_look else "no")


def test_discs_and_spine_count_while_their_surfaces_are_those_they_were_measured_with(parts):
    nodes, result, _hierarchy, _undo = parts
    radiograph = radiograph_node()
    model, *_others = show(result, radiograph, together("L2", "L3", "L4"))
    table = nodes.showMeasurements(model)
    assert {of for of, _what in rows(table)} == {"L2", "L3", "L4", "L2/L3", "L3/L4", "spine"}
    show(result, radiograph, together("L4", moved_mm=5))
    assert {of for of, _what in rows(table)} == {"L2", "L3", "L4", "L2/L3"}
    show(result, radiograph, together("L3", "L4", moved_mm=5))
    found = rows(table)
    assert {of for of, _what in found} == {"L2", "L3", "L4", "L3/L4", "spine"}
    assert len([of for of, _what in found if of == "L3/L4"]) == len(DISC_TERMS)
    assert len([of for of, _what in found if of == "spine"]) == len(SPINE_TERMS)


def test_a_vertebra_by_itself_has_no_discs_and_slices_are_named(parts):
    nodes, result, _hierarchy, _undo = parts
    radiograph = radiograph_node(slices=3)
    for index in (0, 2):
        (model,) = result.showReconstructions(radiograph, together("L3"), AP, ABOUT, result.Taken(index))
    assert {of for of, _what in rows(nodes.showMeasurements(model))} == {"L3, slice 0", "L3, slice 2"}


def test_they_move_with_the_surface(parts):
    nodes, result, hierarchy, _undo = parts
    comparison = import_module("ReVertSlicer.scene.comparison_nodes")
    radiograph, (segmentation, segment) = radiograph_node(), box_segmentation()
    model, other = show(result, radiograph, together("L3", "L4"))
    nodes.showMeasurements(model)
    before, still = points_of(hierarchy, model), points_of(hierarchy, other)
    comparison.showComparison(model, segmentation, segment, comparison_of(model, motion_mm=(5, 0, 0)))
    assert points_of(hierarchy, model) == pytest.approx(before + np.array([5, 0, 0]))
    shift(model, [0, 7, 0])
    assert {node.GetTransformNodeID() for node in markups(hierarchy, model)} == {model.GetTransformNodeID()}
    assert points_of(hierarchy, model) == pytest.approx(before + np.array([0, 7, 0]))
    comparison.removeAlignment(model)
    assert points_of(hierarchy, other) == pytest.approx(still)
    show(result, radiograph, together("L3"))
    assert {node.GetTransformNodeID() for node in markups(hierarchy, model)} == {model.GetTransformNodeID()}


def test_doing_it_again_updates_them_and_undo_brings_back_those_before(parts):
    nodes, result, hierarchy, undo = parts
    radiograph = radiograph_node()
    (model,) = show(result, radiograph, together("L3"))
    table = nodes.showMeasurements(model)
    hierarchy.part(model, "measuredPoints").GetDisplayNode().SetOpacity(0.5)
    count, first = slicer.mrmlScene.GetNumberOfNodes(), (points_of(hierarchy, model), rows(table))
    show(result, radiograph, together("L3", moved_mm=5, error_mm=2.0))
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    assert hierarchy.part(model, "measuredPoints").GetDisplayNode().GetOpacity() == 0.5
    assert points_of(hierarchy, model) == pytest.approx(first[0] - [5, 0, 0])
    assert rows(table)["L3", "canal depth"][2] > 1.5 * first[1]["L3", "canal depth"][2]
    undo.undo()
    assert points_of(hierarchy, model) == pytest.approx(first[0])
    assert rows(hierarchy.part(radiograph, "measurements")) == first[1]


def test_showing_and_hiding_are_steps_of_undo(parts):
    nodes, result, hierarchy, undo = parts
    radiograph = radiograph_node()
    models = show(result, radiograph, together("L3", "L4"))
    without = kinds(hierarchy)
    nodes.showMeasurements(models[0])
    shown = kinds(hierarchy)
    assert len(shown) == len(without) + 7
    folder = hierarchy.folder(radiograph)
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()
    assert {tree.GetItemParent(tree.GetItemByDataNode(node)) for node in nodes.nodesOf(radiograph)} == {folder}
    assert nodes.showMeasurements(models[0], False) is None
    assert kinds(hierarchy) == without
    undo.undo()
    assert kinds(hierarchy) == shown
    assert len(nodes.nodesOf(radiograph)) == 7
    undo.undo()
    assert kinds(hierarchy) == without
    undo.redo()
    assert kinds(hierarchy) == shown
    nodes.follow(radiograph)
    shift(models[0], [1, 2, 3])
    assert {node.GetTransformNodeID() for node in markups(hierarchy, models[0])} == {models[0].GetTransformNodeID()}


def test_a_level_that_joins_is_measured_and_leaves_with_undo(parts):
    nodes, result, hierarchy, undo = parts
    radiograph = radiograph_node()
    (model,) = show(result, radiograph, together("L3"))
    nodes.showMeasurements(model)
    before = kinds(hierarchy)
    show(result, radiograph, together("L3", "L4"))
    assert len(nodes.nodesOf(radiograph)) == 7
    undo.undo()
    assert kinds(hierarchy) == before
    assert {of for of, _what in rows(hierarchy.part(radiograph, "measurements"))} == {"L3"}


@pytest.mark.parametrize("hide", [True, False])
def test_those_of_a_deleted_surface_go_with_the_next_step(parts, hide):
    nodes, result, hierarchy, _undo = parts
    radiograph = radiograph_node()
    model, other = show(result, radiograph, together("L3", "L4"))
    nodes.showMeasurements(model)
    slicer.mrmlScene.RemoveNode(other)
    if hide:
        nodes.showMeasurements(model, False)
        assert hierarchy.allParts("measurements", *MARKUPS) == []
    else:
        show(result, radiograph, together("L3"))
        assert len(hierarchy.allParts(*MARKUPS)) == 3
        assert {of for of, _what in rows(hierarchy.part(radiograph, "measurements"))} == {"L3"}


def test_a_stream_moves_them_without_nodes_or_undo(parts):
    nodes, result, hierarchy, _undo = parts
    radiograph = radiograph_node()
    (model,) = show(result, radiograph, together("L3"))
    table = nodes.showMeasurements(model)
    count, states = slicer.mrmlScene.GetNumberOfNodes(), slicer.mrmlScene.GetNumberOfUndoLevels()
    before, figures = points_of(hierarchy, model), rows(table)
    result.updateLive({model: together("L3", moved_mm=4, error_mm=2.0)[0]})
    assert points_of(hierarchy, model) == pytest.approx(before - [4, 0, 0])
    assert rows(table) != figures
    assert (slicer.mrmlScene.GetNumberOfNodes(), slicer.mrmlScene.GetNumberOfUndoLevels()) == (count, states)


def test_nothing_is_shown_unasked_or_of_surfaces_that_were_not_measured(parts):
    nodes, result, hierarchy, _undo = parts
    radiograph = radiograph_node()
    (model,) = show(result, radiograph, [outcome()])
    with pytest.raises(InputError, match="measurements: expected surfaces that were measured, got none; reconstruct"):
        nodes.showMeasurements(model)
    show(result, radiograph, together("L3"))
    assert nodes.nodesOf(radiograph) == []
    nodes.showMeasurements(model)
    show(result, radiograph, [outcome()])
    assert markups(hierarchy, model) == []
    assert rows(hierarchy.part(radiograph, "measurements")) == {}
    slicer.mrmlScene.RemoveNode(radiograph)
    with pytest.raises(InputError, match="model: expected one whose radiograph is in the scene, got one without"):
        nodes.showMeasurements(model)


def test_all_is_there_after_saving_and_loading(parts, tmp_path):
    nodes, result, hierarchy, _undo = parts
    radiograph = radiograph_node(name="film")
    model, _other = show(result, radiograph, together("L3", "L4"))
    figures, there = rows(nodes.showMeasurements(model)), points_of(hierarchy, model)
    scene_host.reopened(tmp_path)
    (radiograph,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    model = result.modelOf(radiograph, "L3")
    assert nodes.isShown(radiograph)
    assert len(nodes.nodesOf(radiograph)) == 7
    assert points_of(hierarchy, model) == pytest.approx(there, abs=1e-3)
    found = rows(hierarchy.part(radiograph, "measurements"))
    assert list(found) == list(figures)
    assert [row[0] for row in found.values()] == pytest.approx([row[0] for row in figures.values()], abs=1e-3)
    nodes.follow(radiograph)
    shift(model, [1, 2, 3])
    assert {node.GetTransformNodeID() for node in markups(hierarchy, model)} == {model.GetTransformNodeID()}
    show(result, radiograph, together("L3", "L4", moved_mm=4))
    assert len(nodes.nodesOf(radiograph)) == 7
    nodes.showMeasurements(model, False)
    assert nodes.nodesOf(radiograph) == []
