"""What may stand beside the surfaces of a film, in the panel: measurements, the second view."""

import json

import pytest
import slicer
from few_points import few_points  # noqa: F401
from film_host import (  # noqa: F401
    FOUND,
    KNOWN,
    boxes,
    clicked,
    film,
    film_node,
    finder,
    panel,
    predictor,
    spine,
    surfaces,
)
from slicer_host import run_until

from ReVertLib.geometry.levels import LEVELS
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.mesh.polydata import from_polydata


def measured():
    """How many nodes of each class show measurements."""
    nodes = [node for kind in ("Fiducial", "Line") for node in slicer.util.getNodesByClass(f"vtkMRMLMarkups{kind}Node")]
    ours = [node.GetClassName() for node in nodes if node.GetNodeReferenceID("ReVert.Surface")]
    tables = slicer.util.getNodesByClass("vtkMRMLTableNode")
    return len(tables), ours.count("vtkMRMLMarkupsFiducialNode"), ours.count("vtkMRMLMarkupsLineNode")


def test_measurements_come_and_go_with_one_click_and_change_nothing_else(panel, film):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    box, placed = panel.ui.measurementsCheckBox, boxes(film)
    assert (box.enabled, box.checked, measured()) == (True, False, (0, 0, 0))
    box.click()
    run_until(lambda: False, 0.1)
    assert (box.checked, measured(), boxes(film)) == (True, (1, 5, 10), placed)
    (table,) = slicer.util.getNodesByClass("vtkMRMLTableNode")
    of = {table.GetTable().GetValue(i, 0).ToString() for i in range(table.GetTable().GetNumberOfRows())}
    assert of == {*LEVELS, "L1/L2", "L2/L3", "L3/L4", "L4/L5", "spine"}
    assert all(state.word != "out of date" and not state.changed for state in panel.results.values())
    clicked(panel, "reconstructButton")
    assert (box.checked, measured()) == (True, (1, 5, 10))
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert (box.checked, measured()) == (False, (0, 0, 0))
    panel.ui.redoButton.click()
    assert (box.checked, measured()) == (True, (1, 5, 10))
    box.click()
    assert (box.checked, measured()) == (False, (0, 0, 0))
    other = film_node("other")
    panel.ui.radiographSelector.setCurrentNode(other)
    assert (box.enabled, box.checked) == (False, False)


BOTH_SIDES = ((0.0, 0.0, 0.0), (-180.0, 0.0, 0.0))


@pytest.mark.parametrize("isFilm", [True, False])
def test_what_may_be_from_two_sides_is_taken_from_either_without_computing_again(panel, predictor, isFilm):
    predictor.sides, node = BOTH_SIDES, film_node()
    panel.logic.setGeometry(node, **{key: value for key, value in KNOWN.items() if key != "yaw_deg"})
    panel.ui.radiographSelector.setCurrentNode(node)
    if isFilm:
        clicked(panel, "findButton")
    else:
        for level in ("L2", "L3"):
            panel.logic.addVertebra(node, level, FOUND[level])
    clicked(panel, "reconstructButton")
    buttons, asked = (panel.ui.firstViewButton, panel.ui.secondViewButton), len(predictor.asked)
    shown = panel.ui.reconstructSection
    assert [(button.isVisibleTo(shown), button.enabled, button.text) for button in buttons] == [
        (True, True, "Take AP, 50%"),
        (True, True, "Take PA, 50%"),
    ]
    assert {state.word for state in panel.results.values()} == {"check"}
    models, places = surfaces(), []
    for index in (1, 0):
        buttons[index].click()
        assert len(predictor.asked) == asked
        assert surfaces() == models
        assert [button.enabled for button in buttons] == [index == 1, index == 0]
        assert {state.text for state in panel.results.values()} == {"trust, 1.0 mm"}
        views = {json.loads(model.GetAttribute("ReVert.View"))["yaw_deg"] for model in models.values()}
        assert views == {BOTH_SIDES[index][0]}
        places.append(volume_centroid(from_polydata(models["L3"].GetPolyData())))
    assert places[0][:2] == pytest.approx(-places[1][:2], abs=3)  # seen from behind, the source lies behind
    panel.logic.setGeometry(node, yaw_deg=90.0)
    panel.refresh()
    assert [button.isVisibleTo(shown) for button in buttons] == [False, False]


def test_frames_are_measured_only_where_that_is_shown(panel, film, predictor):
    clicked(panel, "findButton")
    clicked(panel, "reconstructButton")
    (model, *_others), box = surfaces().values(), panel.ui.measurementsCheckBox
    for shown in (False, True):
        if shown:
            box.click()
        panel.ui.liveCheckBox.click()
        assert run_until(lambda: panel._reconstruct._follower.framesDone == 1, 60)
        panel.ui.liveCheckBox.click()
        assert (model.GetAttribute("ReVert.Measurements") is not None, box.enabled) == (shown, shown)
        if not shown:
            clicked(panel, "reconstructButton")
