"""What is found on a film, in the panel: names, boxes and readings, looked at and put right."""

import numpy as np
import pytest
import slicer
from few_points import few_points  # noqa: F401
from film_host import (  # noqa: F401
    FOUND,
    KNOWN,
    SIZE_PX,
    T12,
    box_px,
    boxes,
    clicked,
    film,
    film_node,
    finder,
    names_on_film,
    panel,
    predictor,
    spine,
    surfaces,
)
from qt_host import QtGui
from slicer_host import messages, run_until

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS


@pytest.mark.parametrize(("way", "level"), [("PgDown", 1), ("PgUp", -1)])
def test_one_key_moves_all_names(panel, film, way, level):
    clicked(panel, "findButton")
    keys = {key.key.toString(): key for key in panel.parent.findChildren(QtGui.QShortcut) if key.enabled}
    keys[way].activated.emit()
    now = boxes(film)
    if level == 1:  # T12 is L1 now, L5 has become S1, the sacrum has no name any more
        assert now == {"L1": box_px(0), **{LEVELS[i]: box_px(i) for i in range(1, 5)}}
        assert names_on_film() == ["L1", "L2", "L3", "L4", "L5", "S1"]
    else:  # the sacrum is L5 now
        assert now == {LEVELS[i]: box_px(i + 2) for i in range(5)}
        assert names_on_film() == ["L1", "L2", "L3", "L4", "L5", "T11", "T12"]
    assert panel.ui.readingSelector.currentText.endswith("by hand")
    (panel.ui.namesUpButton if level == 1 else panel.ui.namesDownButton).click()
    assert boxes(film) == FOUND
    assert panel.ui.readingSelector.currentText == "T12–S1, 100% likely"


def test_names_cannot_be_moved_until_none_is_left(panel, film):
    clicked(panel, "findButton")
    for _ in range(5):
        panel.ui.namesUpButton.click()
    before = boxes(film)
    assert (list(before), messages) == (["L1"], [])
    panel.ui.namesUpButton.click()
    assert messages.pop() == ("error", "names: expected one of L1 to L5 to be left on the film, got none")
    assert boxes(film) == before


def test_another_reading_is_offered_and_taken(panel, film, finder):
    others = [((18, 19, 20, 21, 22, 23, 24), 0.25)]
    finder.spine = spine(others=others, warnings=["the names are uncertain, 75% likely"])
    clicked(panel, "findButton")
    selector = panel.ui.readingSelector
    assert [selector.itemText(i) for i in range(selector.count)] == ["T12–S1, 75% likely", "T11–L5, 25% likely"]
    assert panel.ui.filmDoubtsLabel.text == "the names are uncertain, 75% likely"
    selector.setCurrentIndex(1)
    assert boxes(film) == {LEVELS[i]: box_px(i + 2) for i in range(5)}
    clicked(panel, "reconstructButton")
    verdict = surfaces()["L3"].GetAttribute("ReVert.Verdict")
    assert verdict.startswith("check: ")
    assert verdict.endswith("the name is uncertain: T11–L5, 25% likely")


def test_a_box_may_be_moved_and_a_level_removed(panel, film, predictor):
    clicked(panel, "findButton")
    (box,) = [node for node in slicer.util.getNodesByClass("vtkMRMLMarkupsROINode") if node.GetName() == "L2"]
    centre = np.array(box.GetCenter())
    box.SetCenter(*(centre - [5, 0, 0]))  # five voxels of 1 mm to the patient's right, which is left on the film
    panel.ui.vertebraTable.selectRow(4)
    panel.ui.removeVertebraButton.click()
    moved = boxes(film)
    assert list(moved) == ["L1", "L2", "L3", "L4"]
    assert np.abs(np.array(moved["L2"]) - FOUND["L2"]).tolist() == [5, 0, 5, 0]
    panel.ui.namesDownButton.click()
    assert boxes(film) == {"L1": box_px(0), "L2": FOUND["L1"], "L3": moved["L2"], "L4": FOUND["L3"], "L5": FOUND["L4"]}
    panel.ui.namesUpButton.click()
    assert boxes(film) == moved
    clicked(panel, "reconstructButton")
    assert sorted(surfaces()) == ["L1", "L2", "L3", "L4"]
    assert [state.changed for state in panel.results.values()] == [()] * 4


def test_a_level_between_two_others_is_put_there_and_is_not_out_of_date(panel, film):
    clicked(panel, "findButton")
    panel.ui.vertebraTable.selectRow(2)
    panel.ui.removeVertebraButton.click()
    clicked(panel, "reconstructButton")
    assert sorted(surfaces()) == list(LEVELS)
    assert "L3 was not found" in surfaces()["L3"].GetAttribute("ReVert.Warnings")
    assert [state.changed for state in panel.results.values()] == [()] * 5


def test_what_was_placed_by_hand_stays(panel, film):
    panel.logic.addVertebra(film, "L3", box=(10, 10, 60, 60))
    clicked(panel, "findButton")
    assert boxes(film) == {**FOUND, "L3": (10, 10, 60, 60)}
    clicked(panel, "findButton")
    assert boxes(film) == {**FOUND, "L3": (10, 10, 60, 60)}


def test_the_view_that_is_seen_is_offered(panel):
    node = film_node()
    panel.logic.setGeometry(node, **{key: value for key, value in KNOWN.items() if key != "yaw_deg"})
    panel.ui.radiographSelector.setCurrentNode(node)
    clicked(panel, "findButton")
    assert panel.ui.takeViewButton.text == "Take the view AP, 80%"
    assert not panel.ui.takeSecondViewButton.isVisibleTo(panel.ui.vertebraSection)
    panel.ui.takeViewButton.click()
    assert panel.ui.viewSelector.currentText == "AP"
    assert not panel.ui.takeViewButton.isVisibleTo(panel.ui.vertebraSection)


def test_a_film_that_hangs_upside_down_is_read_turned_until_the_user_says_no(panel, film, finder, predictor):
    finder.spine = spine(upside_down=True, warnings=["the film hangs upside down: it is read turned"])
    stored = slicer.util.arrayFromVolume(film).copy()
    clicked(panel, "findButton")
    assert "turned by 180 degrees" in panel.ui.domainLabel.text
    assert boxes(film) == FOUND
    clicked(panel, "reconstructButton")
    pixels, geometries = predictor.asked[-1]
    np.testing.assert_array_equal(pixels, stored[0, ::-1, ::-1])
    u0, v0, u1, v1 = FOUND["L1"]
    expected = (SIZE_PX[0] - u1, SIZE_PX[1] - v1, SIZE_PX[0] - u0, SIZE_PX[1] - v0)
    assert geometries[0].box_px == pytest.approx(expected)
    assert surfaces()["L1"].GetAttribute("ReVert.Verdict").startswith("trust")
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(film), stored)
    assert panel.ui.turnFilmButton.text == "Do not turn the film"
    panel.ui.turnFilmButton.click()
    assert (panel.check.turn, panel.ui.turnFilmButton.text) == (1, "Turn the film")
    clicked(panel, "reconstructButton")
    assert surfaces()["L1"].GetAttribute("ReVert.Verdict").endswith("but the film hangs upside down and is not turned")
    panel.ui.turnFilmButton.click()
    clicked(panel, "findButton")  # on the turned picture the head is up, but this finder says again that it is not
    assert panel.check.turn == 1


def test_dark_bone_is_read_as_it_was_found_unless_the_user_says(panel, film, finder):
    finder.spine = spine(inverted=True)
    clicked(panel, "findButton")
    assert panel.ui.boneSelector.currentText == "dark"
    panel.ui.boneSelector.setCurrentText("bright")
    clicked(panel, "findButton")
    assert panel.ui.boneSelector.currentText == "bright"


def test_two_films_keep_what_was_found_on_each(panel, film, finder):
    clicked(panel, "findButton")
    other = film_node("other")
    panel.logic.setGeometry(other, **KNOWN)
    panel.ui.radiographSelector.setCurrentNode(other)
    assert not panel.ui.readingSelector.isVisibleTo(panel.ui.vertebraSection)
    finder.spine = spine(labels=(21, 22, 23))
    clicked(panel, "findButton")
    assert list(boxes(other)) == ["L2", "L3", "L4"]
    assert boxes(film) == FOUND
    slicer.mrmlScene.RemoveNode(film)
    run_until(lambda: False, 0.1)
    assert not {"T12", "S1"} & set(names_on_film())


def test_what_is_found_belongs_to_the_film_that_was_searched(panel, film):
    other = film_node("other")
    panel.worker.delay_ms = 100
    panel.ui.findButton.click()
    panel.ui.radiographSelector.setCurrentNode(other)
    assert run_until(lambda: not panel.runner.isRunning)
    assert (boxes(film), boxes(other)) == (FOUND, {})


def test_another_image_is_said(panel, film):
    clicked(panel, "findButton")
    slicer.util.updateVolumeFromArray(film, slicer.util.arrayFromVolume(film)[:, :, ::-1].copy())
    panel.refresh()
    assert panel.ui.filmDoubtsLabel.text == "The image has changed since: find again."
    film.SetAndObserveImageData(None)
    panel.refresh()
    assert not panel.ui.findButton.enabled
    assert panel.ui.filmDoubtsLabel.text == "The image has changed since: find again."


def test_nothing_found_is_said_and_boxes_by_hand_are_taken_together(panel, film, finder):
    finder.spine = spine(labels=(), warnings=["no vertebra was found"])
    finder.spine = type(finder.spine)(**{**vars(finder.spine), "readings": ()})
    clicked(panel, "findButton")
    assert panel.ui.findLabel.text == "None of L1 to L5 was found: place boxes or points by hand."
    assert panel.ui.filmDoubtsLabel.text == "no vertebra was found"
    panel.ui.reconstructButton.click()
    assert messages.pop()[1].startswith("film: expected a box or point for at least one of L1 to L5, got none")
    for number, level in enumerate(("L2", "L3"), 2):
        panel.logic.addVertebra(film, level, box=box_px(number))
    clicked(panel, "reconstructButton")
    assert sorted(surfaces()) == ["L2", "L3"]


def test_missing_weights_are_one_line(panel, film, finder, monkeypatch):
    def missing(*_given):
        raise InputError("weights finder.safetensors: expected an existing file, got none")

    monkeypatch.setattr(finder, "find", missing, raising=False)
    panel.ui.findButton.click()
    assert run_until(lambda: messages)
    assert messages == [("error", "weights finder.safetensors: expected an existing file, got none")]
    assert (panel.ui.findButton.text, boxes(film)) == ("Find vertebrae", {})
