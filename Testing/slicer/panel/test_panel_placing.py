"""Placing vertebrae from the panel: in a row, in one slice view, and with few clicks."""

import types

import numpy as np
import pytest
import slicer
from dicom_files import dicom
from panel_host import panel, predictor, radiograph, reconstructed  # noqa: F401
from qt_host import QtCore, QtGui
from scene_nodes import LENGTHS, radiograph_node
from slicer_host import messages, run_until

from ReVertLib.geometry.levels import LEVELS


@pytest.fixture
def views(panel):
    """(selection node, interaction node), as Slicer's application has them."""
    nodes = (slicer.vtkMRMLSelectionNode(), slicer.vtkMRMLInteractionNode())
    return [slicer.mrmlScene.AddNode(node) for node in nodes]


def click_in_the_slice_view(views, u, v):
    """What a click does while something is placed; then Slicer ends placing."""
    selection, interaction = views
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    node = slicer.mrmlScene.GetNodeByID(selection.GetActivePlaceNodeID())
    count = node.GetNumberOfControlPoints()
    node.AddControlPointWorld(0.5 * u, 0.25 * v, 0)
    interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    assert node.GetNumberOfControlPoints() == count + 1
    run_until(lambda: interaction.GetCurrentInteractionMode() == interaction.Place, 0.5)


def keys_of(panel):
    """The keys for placing; those for names that were found are others."""
    keys = panel.parent.findChildren(QtGui.QShortcut)
    return [key for key in keys if key.key.toString() not in ("PgUp", "PgDown")]


def table(panel):
    """(level, centre) of every row."""
    shown = panel.ui.vertebraTable
    return [(shown.item(row, 0).text(), shown.item(row, 2).text()) for row in range(shown.rowCount)]


@pytest.mark.parametrize(("first", "order"), [("L1", LEVELS), ("L5", LEVELS[::-1]), ("L3", ("L3", "L4", "L5"))])
def test_levels_are_placed_in_a_row(panel, views, first, order):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    panel.ui.levelSelector.setCurrentText(first)
    panel.ui.placePointButton.click()
    for number, level in enumerate(order):
        assert panel.ui.stageLabel.text == f"Click on {level} in a slice view; 1 to 5: another level; Esc: end."
        click_in_the_slice_view(views, 40, 10 * (number + 1))
    assert table(panel) == sorted((level, f"40, {10 * (number + 1)}") for number, level in enumerate(order))
    assert views[1].GetCurrentInteractionMode() != views[1].Place
    assert (panel.ui.stageLabel.text, messages) == ("", [])


def test_a_digit_chooses_the_level_that_is_placed_next(panel, views):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    keys = {key.key.toString(): key for key in keys_of(panel)}
    assert list(keys) == [*"12345", "Esc"]
    assert not any(key.enabled for key in keys.values())  # they are for typing
    panel.ui.levelSelector.setCurrentText("L1")
    panel.ui.placePointButton.click()
    keys["4"].activated.emit()
    click_in_the_slice_view(views, 40, 30)
    click_in_the_slice_view(views, 40, 40)
    assert table(panel) == [("L4", "40, 30"), ("L5", "40, 40")]
    assert not any(key.enabled for key in keys.values())


def test_another_radiograph_ends_placing(panel, views):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    panel.ui.placePointButton.click()
    assert all(key.enabled for key in keys_of(panel))
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    assert not any(key.enabled for key in keys_of(panel))


def test_from_a_dicom_film_to_five_levels_in_twelve_clicks(panel, views, predictor, tmp_path):
    """The film says its distances; only what the user clicks is done here, a choice of a list being two clicks."""
    tags = {"DistanceSourceToDetector": 1020, "DistanceSourceToPatient": 700, "ImagerPixelSpacing": [0.25, 0.5]}
    panel.exit()
    film = radiograph_node()
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(dicom(tmp_path / "film", Modality="XA", **tags)))
    film.SetAndObserveStorageNodeID(storage.GetID())
    panel.enter()
    clicks = 0
    assert panel.state.radiograph is film  # the one that was loaded last
    if panel.ui.viewSelector.currentText == "not known":
        panel.ui.viewSelector.setCurrentText("AP")
        clicks += 2
    panel.ui.levelSelector.setCurrentText("L1")
    clicks += 2
    panel.ui.placePointButton.click()
    clicks += 1
    for number in range(5):
        click_in_the_slice_view(views, 40, 10 * (number + 1))
        clicks += 1
    reconstructed(panel)
    clicks += 1
    assert [geometry.level for _pixels, geometry in predictor.asked] == list(LEVELS)
    assert clicks <= 12


def test_a_film_is_not_chosen_over_the_one_that_is_selected(panel, radiograph):
    panel.exit()
    radiograph_node()
    panel.enter()
    assert panel.state.radiograph is radiograph


def test_neither_a_stack_nor_a_label_map_is_taken_for_a_film(panel):
    panel.exit()
    radiograph_node(slices=3)
    slicer.util.addVolumeFromArray(np.ones((1, 60, 80), np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode")
    panel.enter()
    assert panel.state.radiograph is None


def test_a_level_is_changed_in_the_table(panel, radiograph):
    panel.logic.addVertebra(radiograph, "L1", point=(40, 30))
    assert run_until(lambda: panel.ui.vertebraTable.rowCount == 2)
    panel.ui.vertebraTable.item(0, 0).setText("l2")
    assert [placed.level for placed in panel.logic.vertebrae(radiograph)] == ["L2", "L3"]
    panel.ui.vertebraTable.item(0, 0).setText("L3")
    assert [level for level, _centre in table(panel)] == ["L2", "L3"]
    assert [kind for kind, _text in messages] == ["error"]
    editable = [bool(panel.ui.vertebraTable.item(0, column).flags() & QtCore.Qt.ItemIsEditable) for column in range(4)]
    assert editable == [True, False, False, False]


class SliceView:
    """That of the application's layout; fitted: how often its zoom was changed."""

    def __init__(self, name):
        self.visible, self.fitted = True, 0
        self.composite = slicer.mrmlScene.AddNode(slicer.vtkMRMLSliceCompositeNode())
        self.node = slicer.vtkMRMLSliceNode()
        self.node.SetLayoutName(name)
        slicer.mrmlScene.AddNode(self.node)

    def sliceLogic(self):
        return types.SimpleNamespace(
            GetSliceCompositeNode=lambda: self.composite, GetSliceNode=lambda: self.node, FitSliceToBackground=self.fit
        )

    def fit(self):
        self.fitted += 1


def test_placing_touches_one_slice_view_and_keeps_zoom_and_window(panel, views, monkeypatch):
    node = radiograph_node()
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAutoWindowLevel(False)
    node.GetDisplayNode().SetWindowLevel(12, 34)
    shown = {name: SliceView(name) for name in ("Red", "Green", "Yellow")}
    shown["Red"].visible = False
    manager = types.SimpleNamespace(sliceViewNames=lambda: tuple(shown), sliceWidget=shown.get)
    monkeypatch.setattr(type(slicer.app), "layoutManager", lambda _: manager)
    panel.ui.radiographSelector.setCurrentNode(node)
    panel.logic.setGeometry(node, **LENGTHS)
    panel.ui.placePointButton.click()
    panel.ui.placeBoxButton.click()
    backgrounds = [view.composite.GetBackgroundVolumeID() for view in shown.values()]
    assert backgrounds == [None, node.GetID(), None]
    assert [view.fitted for view in shown.values()] == [0, 1, 0]
    display = node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (12, 34)


@pytest.mark.parametrize("by", ["key", "button", "slicer"])
@pytest.mark.parametrize("kind", ["point", "box"])
def test_esc_or_a_second_click_ends_placing(panel, views, by, kind):
    """Slicer's own ways to end it show in the interaction node alone."""
    _selection, interaction = views
    panel.exit()
    panel.enter()  # the application's nodes are there before the panel
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    button = getattr(panel.ui, f"place{kind.capitalize()}Button")
    button.click()
    assert (button.checked, interaction.GetCurrentInteractionMode()) == (True, interaction.Place)
    if by == "key":
        (esc,) = (key for key in panel.parent.findChildren(QtGui.QShortcut) if key.key.toString() == "Esc")
        esc.activated.emit()
    elif by == "button":
        button.click()
    else:
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
    assert run_until(lambda: not button.checked)
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    assert not any(key.enabled for key in keys_of(panel))
    assert panel.ui.stageLabel.text == ""
    assert not run_until(lambda: interaction.GetCurrentInteractionMode() == interaction.Place, 0.2)
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsNode") == []
    assert messages == []


def test_a_level_that_is_placed_already_is_not_asked_for(panel, views):
    node = radiograph_node()
    panel.logic.addVertebra(node, "L1", point=(40, 10))
    panel.ui.radiographSelector.setCurrentNode(node)
    panel.ui.levelSelector.setCurrentText("L3")
    panel.ui.placePointButton.click()
    panel.ui.levelSelector.setCurrentText("L1")
    assert [kind for kind, _text in messages] == ["error"]
    assert panel.state.level == "L3"
    click_in_the_slice_view(views, 40, 30)
    assert [level for level, _centre in table(panel)] == ["L1", "L3"]
    assert panel.ui.stageLabel.text.startswith("Click on L4")


def test_a_film_that_comes_while_the_panel_is_open_is_selected(panel):
    first = radiograph_node()
    assert run_until(lambda: panel.state.radiograph is first)
    second = radiograph_node()
    assert run_until(lambda: panel.state.radiograph is second)
    radiograph_node(slices=3)
    slicer.util.addVolumeFromArray(np.ones((1, 60, 80), np.uint8), nodeClassName="vtkMRMLLabelMapVolumeNode")
    assert not run_until(lambda: panel.state.radiograph is not second, 0.2)
    panel.ui.radiographSelector.setCurrentNode(first)
    panel.refresh()
    assert panel.state.radiograph is first  # the user's choice; nothing new has come


@pytest.mark.parametrize("work", ["placed", "entered", "begun"])
def test_a_film_that_comes_does_not_take_away_the_one_in_use(panel, views, work):
    node = radiograph_node()
    panel.ui.radiographSelector.setCurrentNode(node)
    if work == "placed":
        panel.logic.addVertebra(node, "L3", point=(40, 30))
    elif work == "entered":
        panel.ui.sodSpinBox.setValue(700)
    else:
        panel.ui.placePointButton.click()
    radiograph_node()
    assert not run_until(lambda: panel.state.radiograph is not node, 0.3)


def test_a_film_that_was_loaded_in_another_module_is_selected(panel):
    panel.ui.radiographSelector.setCurrentNode(radiograph_node())
    panel.exit()
    film = radiograph_node()
    panel.enter()
    assert panel.state.radiograph is film


def test_a_pressed_button_is_seen_in_the_dark_theme(panel):
    palette = QtGui.QPalette()
    for role, colour in (
        ("Window", "#353535"),
        ("Button", "#353535"),
        ("ButtonText", "white"),
        ("Highlight", "#2a82da"),
    ):
        palette.setColor(getattr(QtGui.QPalette, role), QtGui.QColor(colour))
    for button in (panel.ui.placeBoxButton, panel.ui.placePointButton):
        button.setPalette(palette)
        button.setEnabled(True)
        seen = []
        for pressed in (False, True):
            button.setChecked(pressed)
            picture = button.grab().toImage()
            seen.append(picture.pixelColor(6, picture.height() // 2).lightness())  # beside the text
        assert seen[1] - seen[0] > 40
