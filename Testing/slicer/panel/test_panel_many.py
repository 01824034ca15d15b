"""Many radiographs from the panel: files for each, a list of those that could not be used, and a clean stop."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from panel_host import panel, predictor, radiograph  # noqa: F401
from slicer_host import messages, run_until

SIDECAR = {"sdd_mm": 1000, "sod_mm": 700, "pixel_spacing_mm": [0.5, 0.5], "level": "L2", "box_px": [10, 10, 60, 50]}


@pytest.fixture
def folders(panel, tmp_path):
    """Two films, of which the second has no sidecar; entered into the panel."""
    films = tmp_path / "films"
    films.mkdir()
    pixels = np.tile(np.arange(80, dtype=np.uint16), (60, 1)) * 100
    for name in ("a.png", "b.png"):
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(films / name))
    (films / "a.json").write_text(json.dumps(SIDECAR))
    panel.ui.manyInputEdit.setText(str(films))
    panel.ui.manyOutputEdit.setText(str(tmp_path / "out"))
    return films, tmp_path / "out"


def test_both_folders_have_to_be_chosen(panel):
    assert not panel.ui.manyButton.enabled
    assert panel.ui.manySection.collapsed
    panel.ui.manyInputEdit.setText("a")
    panel.ui.manyOutputEdit.setText("b")
    assert panel.ui.manyButton.enabled
    panel.ui.manyButton.click()
    assert messages[-1] == ("error", "Radiographs: expected an existing folder, got none of that name")


def test_all_are_done_and_the_bad_one_is_named(panel, folders):
    _films, output = folders
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    panel.ui.manyButton.click()
    assert panel.ui.manyButton.text == "Cancel"
    assert run_until(lambda: not panel.runner.isRunning)
    assert sorted(path.name for path in output.iterdir()) == ["0001.html", "0001.stl", "table.csv"]
    first, second = panel.ui.manyResultLabel.text.splitlines()
    assert first == "1 of 2 radiographs reconstructed."
    expected = "Source to detector, Source to object, Detector spacing from a sidecar or DICOM"
    assert second == f"b.png: geometry: expected {expected}, got none"
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes
    assert panel.ui.manyButton.text == "Reconstruct all"
    assert panel.ui.manyButton.enabled


@pytest.mark.parametrize("stop", ["its own button", "the other button", "the scene is closed", "the module is left"])
def test_a_cancel_leaves_nothing_unfinished(panel, radiograph, folders, stop):
    from ReVertSlicer.work.jobs import UNFINISHED

    _films, output = folders
    panel.worker.delay_ms = 60_000
    panel.ui.manyButton.click()
    (output / UNFINISHED).mkdir(parents=True)  # as the process would have it
    (output / UNFINISHED / ".1-0002.stl").write_text("half")
    (output / "0001.stl").write_text("whole")
    if stop == "its own button":
        panel.ui.manyButton.click()
    elif stop == "the other button":
        panel.ui.reconstructButton.click()
    elif stop == "the scene is closed":
        slicer.mrmlScene.Clear(0)
    else:
        panel.cleanup()
    assert [path.name for path in output.iterdir()] == ["0001.stl"]
    assert not panel.runner.isRunning


def test_other_work_waits_meanwhile(panel, radiograph, folders):
    panel.worker.delay_ms = 60_000
    panel.ui.reconstructButton.click()
    assert not panel.ui.manyButton.enabled
    panel.ui.reconstructButton.click()
    assert panel.ui.manyButton.enabled
    panel.ui.manyButton.click()
    assert not panel.ui.compareButton.enabled


def test_no_folder_is_kept_in_the_scene(panel, folders, tmp_path):
    slicer.mrmlScene.SetSaveToXMLString(1)
    slicer.mrmlScene.Commit()
    assert str(tmp_path) not in slicer.mrmlScene.GetSceneXMLString()
