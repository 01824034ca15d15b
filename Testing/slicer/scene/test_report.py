"""A report from the scene: what it shows is what the scene holds, whoever opened it, and it names nobody."""

import re
from dataclasses import replace

import numpy as np
import pytest
import slicer
from scene_host import reopened
from scene_nodes import ABOUT, AP, CAMERA, box_segmentation, comparison_of, fresh, outcome, radiograph_node

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.measurement.measure import Measured, measure

VIEW = {"yaw_deg": 90.0, "pitch_deg": 10.0, "roll_deg": 0.0}


@pytest.fixture
def parts():
    return fresh("scene.report", "scene.reconstruction_nodes", "scene.comparison_nodes")


@pytest.fixture
def film(monkeypatch, parts):
    """The Film that a report was given, kept by a page that draws nothing."""
    from ReVertLib.report.page import Page

    films = []
    monkeypatch.setattr(Page, "add", lambda _page, film, title="": films.append(film))
    return films


def radiograph():
    from ReVertSlicer.input import radiograph_check

    node = radiograph_node()
    radiograph_check.enter(node, sdd_mm=1000.0, sod_mm=700.0, pixel_spacing_mm=(0.5, 0.25), **VIEW)
    return node


def shown(result, node, *outcomes, view=VIEW):
    outcomes = outcomes or [outcome(expected_error_mm=0.7, warnings=("a warning",))]
    return result.showReconstructions(node, outcomes, view, ABOUT)[0]


def test_the_surface_is_back_in_the_camera_frame_with_its_errors(parts, film, tmp_path):
    report, result, _comparison = parts
    expected = outcome(expected_error_mm=0.7, warnings=("a warning",)).reconstruction
    report.exportReport(shown(result, radiograph()), tmp_path / "a.html")
    (vertebra,) = film[0].vertebrae
    found = vertebra.outcome.reconstruction
    assert found.mesh.vertices == pytest.approx(expected.mesh.vertices, abs=1e-4)
    assert np.array_equal(found.mesh.faces, expected.mesh.faces)
    assert found.expected_error_mm == pytest.approx(0.7)
    assert (found.geometry, found.warnings) == (CAMERA, ("a warning",))
    assert np.ptp(np.vstack(vertebra.outcome.outlines_px), axis=0) == pytest.approx([22.99, 45.98], abs=0.4)
    assert (vertebra.verdict.word, vertebra.verdict.reason) == ("trust", "the mean error to be expected is 0.7 mm")
    assert vertebra.compared is None


def test_values_say_where_they_are_from(parts, film, tmp_path):
    report, result, _comparison = parts
    node = radiograph()
    model = shown(result, node)
    report.exportReport(model, tmp_path / "a.html")
    assert film[0].sources["sod_mm"] == film[0].sources["yaw_deg"] == "entered"
    assert film[0].view == VIEW
    from ReVertSlicer.input import radiograph_check

    radiograph_check.enter(node, sod_mm=650.0)
    report.exportReport(model, tmp_path / "a.html")
    assert film[1].sources["sod_mm"] == "another value is known now"
    assert film[1].sources["sdd_mm"] == "entered"
    assert "Source to object" in film[1].vertebrae[0].outcome.reconstruction.warnings[0]


def test_the_comparison_is_shown_while_it_is_of_this_surface(parts, film, tmp_path):
    report, result, comparison = parts
    node = radiograph()
    model = shown(result, node)
    comparison.showComparison(model, *box_segmentation(), comparison_of(model, motion_mm=(3.0, 4.0, 0.0)))
    report.exportReport(model, tmp_path / "a.html")
    compared = film[0].vertebrae[0].compared
    assert (compared.alignment, compared.metrics.dice, compared.baseline.dice) == ("rigid", 0.9, 0.87)
    assert compared.signed_distance_mm == pytest.approx(np.linspace(-1, 1, 8))
    assert compared.notes[-1] == "the alignment turned the surface by 0.0° and moved it by 5.0 mm"
    comparison.showComparison(model, *box_segmentation(), comparison_of(model, mode="none", baseline=None))
    report.exportReport(model, tmp_path / "a.html")
    compared = film[1].vertebrae[0].compared
    assert (compared.alignment, compared.baseline) == ("none", None)
    shown(result, node)
    report.exportReport(model, tmp_path / "a.html")
    assert film[2].vertebrae[0].compared is None


def test_all_levels_of_the_slice_come_in_order(parts, film, tmp_path):
    report, result, _comparison = parts
    model = shown(result, radiograph(), outcome("L4"), outcome("L2"))
    report.exportReport(model, tmp_path / "a.html")
    levels = [one.outcome.reconstruction.geometry.level for one in film[0].vertebrae]
    assert levels == ["L2", "L4"]


def test_measurements_are_shown_whether_they_are_in_the_scene_or_not(parts, film, tmp_path):
    report, result, _comparison = parts
    node = radiograph()
    found = measure({"L3": Measured(load_template().mean("L3").vertices)}, in_camera=True)
    model = shown(result, node, replace(outcome("L3"), measurements=found), outcome("L4"))
    report.exportReport(model, tmp_path / "a.html")
    assert film[0].measurements.plain == found.plain
    shown(result, node)
    report.exportReport(model, tmp_path / "a.html")
    assert film[1].measurements is None


def test_the_page_names_nobody_and_survives_the_scene(parts, tmp_path):
    report, result, _comparison = parts
    shown(result, radiograph())
    reopened(tmp_path)
    (model,) = (node for node in slicer.util.getNodesByClass("vtkMRMLModelNode") if node.GetAttribute("ReVert.Level"))
    report.exportReport(model, tmp_path / "a.html")
    text = re.sub("base64,[^']*", "", (tmp_path / "a.html").read_text(encoding="utf-8"))  # may hold any letters
    assert "yaw 90°" in text and ABOUT.weights_sha256 in text
    time = model.GetAttribute("ReVert.Time")
    assert not any(secret in text for secret in ("DOE", "JANE", time[:10], str(tmp_path)))


def test_what_cannot_be_reported_is_refused_and_leaves_no_file(parts, tmp_path):
    report, result, _comparison = parts
    node = radiograph()
    model = shown(result, node, view=AP)
    with pytest.raises(InputError, match=r"report a.txt: expected .html, got '.txt'"):
        report.exportReport(model, tmp_path / "a.txt")
    slicer.util.updateVolumeFromArray(node, slicer.util.arrayFromVolume(node)[..., ::-1].copy())
    with pytest.raises(InputError, match="report: expected the image the surfaces were made of"):
        report.exportReport(model, tmp_path / "a.html")
    slicer.mrmlScene.RemoveNode(node)
    with pytest.raises(InputError, match="model: expected one whose radiograph is in the scene"):
        report.exportReport(model, tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []
