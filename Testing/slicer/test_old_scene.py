"""A scene that version 0.1.0 saved opens with everything in it.

scene_0_1_0.zip was written by that version: the ramp of `scene_nodes.radiograph_node`, a box for L3 and a point for L4,
a cube with an expected error of 1.5 mm as the surface of both, and a comparison of L3, moved by (1, 2, 3) mm. It cannot
be made again, so that no change here goes unseen; a scene of another version is one more file.
"""

import json
import zipfile
from pathlib import Path

import pytest
import slicer
from panel_host import panel, predictor, reconstructed  # noqa: F401
from scene_nodes import comparison_of
from slicer_host import messages

SCENE = Path(__file__).with_name("scene_0_1_0.zip")


@pytest.fixture
def opened(panel, tmp_path):
    """The panel after the scene was opened."""
    with zipfile.ZipFile(SCENE) as file:
        file.extractall(tmp_path)
    _mark_references(tmp_path / "scene.mrml")
    scene = slicer.mrmlScene
    scene.SetURL(str(tmp_path / "scene.mrml"))
    assert scene.Import()
    return panel


def _mark_references(path):
    """Adds the empty parameter that Slicer's own parameter nodes keep beside each reference to a node, and the stand-in
    that wrote the scene did not."""
    marks = "".join(f'parameter{10 + i}= "{name} " ' for i, name in enumerate(("model", "radiograph", "segmentation")))
    text = path.read_text()
    assert text.count('parameter0= "alignment') == 1
    path.write_text(text.replace('parameter0= "alignment', marks + 'parameter0= "alignment'))


def test_radiograph_geometry_and_vertebrae_are_found(opened):
    assert opened.state.radiograph.GetName() == "film"
    assert {key: (found.value, found.source) for key, found in opened.check.known.items()} == {
        "sdd_mm": (1000, "entered"),
        "sod_mm": (700, "entered"),
        "yaw_deg": (25, "entered"),
        "pixel_spacing_mm": ((0.5, 0.25), "volume header"),
    }
    assert (opened.check.problems, opened.check.missing) == ((), {})
    assert [(placed.level, placed.pointIndex, placed.problem) for placed in opened.placed] == [
        ("L3", None, ""),
        ("L4", 0, ""),
    ]
    assert opened.placed[0].boxPx == pytest.approx((10, 10, 60, 50))


def test_choices_are_those_that_were_saved(opened):
    state = opened.state
    assert (state.level, state.device, state.colour, state.alignment, state.segmentId) == (
        "L4",
        "cpu",
        "distance to CT",
        "similarity",
        "L3",
    )
    assert (state.model.GetName(), state.segmentation.GetName()) == ("film L3", "CT")


def test_verdict_alignment_and_distances_are_shown(opened):
    model = opened.state.model
    assert opened.ui.resultNote.text == "check: the mean error to be expected is 1.5 mm\na warning"
    assert json.loads(model.GetAttribute("ReVert.Geometry"))["sod_mm"] == 700
    assert opened.ui.showPlotButton.enabled
    opened.ui.removeAlignmentButton.click()
    assert model.GetParentTransformNode() is None
    assert not opened.ui.removeAlignmentButton.enabled


def test_the_table_of_all_results_goes_on(opened):
    from ReVertSlicer.scene import results_table

    model = opened.state.model
    results_table.appendResult(model, comparison_of(model))
    table = results_table.resultsTable().GetTable()
    assert table.GetNumberOfRows() == 1
    assert table.GetValueByName(0, "dice").ToDouble() == 0.9


def test_a_reconstruction_updates_the_surface_that_was_saved(opened, predictor):
    model, surfaces = opened.state.model, slicer.util.getNodesByClass("vtkMRMLModelNode")
    reconstructed(opened)
    assert [geometry.level for _, geometry in predictor.asked] == ["L3", "L4"]
    assert slicer.util.getNodesByClass("vtkMRMLModelNode") == surfaces
    assert model.GetPolyData().GetNumberOfPoints() == 4
    assert model.GetParentTransformNode() is None
    assert [kind for kind, _ in messages if kind == "error"] == []
