"""Errors of place, summaries and the time left, by hand."""

from pathlib import Path

import numpy as np
import pytest
import tiny

from ReVertLib import evaluate as module
from ReVertLib.evaluation_report import chosen_shots, summaries
from ReVertLib.geometry import Geometry, rotation_about
from ReVertLib.measure import Evaluation, PoseError, Row, Shot, pose_error, volume_centroid
from ReVertLib.mesh import Mesh
from ReVertLib.metrics import SurfaceMetrics


def row(dice, level="L3", view="ap", answer="network", pose=(1.0, 2.0, 3.0)):
    metrics = SurfaceMetrics(dice, 10 * dice, dice, dice, dice, 1.0, 1.0)
    return Row("v", "c", level, view, answer, "rigid", metrics, PoseError(*pose) if pose else None, True, 0)


def test_summaries_by_hand():
    rows = [
        row(0.8),
        row(0.9, "L4"),
        row(1.0, "L3", "lat", pose=(7.0, 8.0, 90.0)),
        row(0.5, answer="control", pose=None),
    ]
    found = {(s.group, s.name, s.answer): s for s in summaries(rows)}
    overall = found["overall", "all", "network"]
    assert (overall.images, overall.dice, overall.hd95_mm) == (3, pytest.approx(0.9), pytest.approx(9.0))
    assert (overall.median_across_beam_mm, overall.median_along_beam_mm, overall.median_rotation_deg) == (1, 2, 3)
    assert found["level", "L3", "network"].dice == pytest.approx(0.9)
    assert found["level", "L4", "network"].images == 1
    assert found["view", "lat", "network"].median_rotation_deg == 90
    assert np.isnan(found["level", "L3", "control"].median_rotation_deg)
    assert len(found) == 1 + 1 + 2 + 1 + 2 + 1


def test_centroid_of_the_volume_and_not_of_the_vertices():
    """A cube with one face cut finely: the vertices' mean moves, the volume's does not."""
    source = tiny.CUBE
    a, b, c = source.vertices[source.faces[0]]
    fine = Mesh(
        np.vstack([source.vertices, (a + b + c) / 3]),
        np.vstack([source.faces[1:], [[*source.faces[0][[i, (i + 1) % 3]], 8] for i in range(3)]]),
    )
    assert np.allclose(volume_centroid(fine), 0.5)
    assert not np.allclose(fine.vertices.mean(0), 0.5, atol=0.01)


def test_along_the_beam_follows_the_ray():
    """The truth lies at (300, 0, 400), so the ray is (0.6, 0, 0.8): 10 mm along it, and 10 mm across."""
    shift = np.array([300.0, 0, 400])
    truth = Mesh(tiny.CUBE.vertices - 0.5 + shift, tiny.CUBE.faces)
    for off, expected in (([6.0, 0, 8], (0, 10)), ([8.0, 0, -6], (10, 0)), ([-6.0, 10, -8], (10, 10))):
        error = pose_error(Mesh(truth.vertices + off, truth.faces), truth, rotation_about("z", -30.0))
        assert (error.across_beam_mm, error.along_beam_mm) == pytest.approx(expected, abs=1e-4)
        assert error.rotation_deg == pytest.approx(30.0)


def test_best_median_and_worst():
    rows = [row(dice, view=str(i)) for i, dice in enumerate((0.3, 0.9, 0.5, 0.7, 0.1))]
    camera = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5))
    shots = tuple(Shot("v", "c", "L3", str(i), Path("i"), Path("m"), camera, np.eye(4)) for i in range(5))
    for count, expected in (
        (5, {"best": "1", "median": "2", "worst": "4"}),
        (3, {"best": "1", "median": "2", "worst": "0"}),
        (2, {"best": "1", "worst": "0"}),
        (1, {"best": "0"}),
        (0, {}),
    ):
        evaluation = Evaluation("data", "template", "0", shots, tuple(rows[:count]), ())
        assert {name: shot.view for name, shot in chosen_shots(evaluation).items()} == expected


def test_progress_says_the_time_left(monkeypatch):
    """15 seconds an image: after three of ten, 105 s are left; a line only when 30 seconds have passed."""
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    lines = []
    assert list(module._with_progress(range(10), 10, lines.append)) == list(range(10))
    assert lines[0] == "3 of 10 images, 1.8 min left"
    assert len(lines) == 3
