"""Errors of place, the rows of one image and the time left, by hand."""

from dataclasses import replace

import numpy as np
import pytest
import tiny

from ReVertLib.anatomy.template import baseline_mesh, load_template
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.evaluation.measure import Job, images_of, measured, measured_constants
from ReVertLib.evaluation.pose_error import pose_error
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.io import read_mesh, write_mesh
from ReVertLib.mesh.mesh import Mesh, vertex_normals, volume_centroid
from ReVertLib.mesh.self_intersection import self_intersections
from ReVertLib.metrics.unit_ball import onto_ball
from ReVertLib.shape.best_fit import BestFit


@pytest.fixture
def image(tmp_path):
    """One AP image of an L4."""
    tiny.write_vertebra(tmp_path, "L4", 600.0, {"ap": 0.0})
    return images_of(read_dataset(tmp_path)[0])[0]


def real_errors(image, mesh, name="network"):
    """What is measured of one answer, by alignment."""
    job = Job(image, {name: Reconstruction(mesh, image.geometry, 0.0, ())}, (), 1_000)
    found = measured(job)
    return {row.alignment: row for row in found.rows}, found


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
        error = pose_error(
            Mesh(truth.vertices + off, truth.faces), truth, RigidTransform.turn(rotation_about("z", -30.0))
        )
        assert (error.across_beam_mm, error.along_beam_mm) == pytest.approx(expected, abs=1e-4)
        assert error.rotation_deg == pytest.approx(30.0)


def test_an_answer_from_behind_is_turned_by_half_a_turn(image):
    """The alignment may not end at the nearest bad fit, which would turn the answer by a few degrees only."""
    truth, centre = image.truth, volume_centroid(image.truth)
    for degrees in (90.0, 180.0):
        turn = rotation_about("y", degrees)
        rows, _ = real_errors(image, truth.moved(RigidTransform(turn, centre - turn @ centre)))
        assert rows["none"].pose.rotation_deg == pytest.approx(degrees, abs=0.5)
        assert rows["rigid"].metrics.dice > 0.99 > rows["none"].metrics.dice + 0.2


def test_the_unit_ball_takes_size_and_place_and_no_turn_from_the_truth(image):
    truth, centre = image.truth, volume_centroid(image.truth)
    rows, _ = real_errors(image, truth.moved(SimilarityTransform(np.eye(3), np.array([9.0, -4.0, 30.0]), 0.7)))
    assert rows["unit ball"].metrics.dice > 0.99
    assert rows["rigid"].metrics.dice < 0.9
    turn = rotation_about("y", 15.0)
    rows, _ = real_errors(image, truth.moved(RigidTransform(turn, centre - turn @ centre)))
    assert rows["unit ball"].metrics.dice < 0.9 < rows["rigid"].metrics.dice


def test_darkness_is_not_measured_in_the_unit_ball(image):
    assert list(real_errors(image, image.truth, "blank")[0]) == ["none", "translation", "rigid"]


def test_errors_of_vertices_need_the_vertices_of_the_template(image):
    """The mean vertebra grown by 1 mm: each vertex of the same surface in its own place is at most that far off, most
    of them nearly that."""
    assert real_errors(image, unlike(image.truth))[1].vertex_errors_mm == {}
    mean = baseline_mesh("L4").moved(RigidTransform.shift(np.array([0.0, 0.0, 600.0])))
    write_mesh(mean, image.mesh)
    there = replace(image, camera_from_lps=RigidTransform.identity())
    grown = Mesh(mean.vertices + vertex_normals(mean), mean.faces)
    errors = real_errors(there, grown)[1].vertex_errors_mm["network"]
    assert errors.shape == (3000,)
    assert np.median(errors) == pytest.approx(1.0, abs=0.1)


def unlike(mesh):
    """The same surface by other faces than the template's."""
    return Mesh(mesh.vertices, mesh.faces[::-1])


def test_triangles_that_run_through_others_are_counted(image):
    """Two cubes, one corner of the one inside the other: 3 sides of each are cut, and of their 2 triangles some."""
    one = Mesh(30 * tiny.CUBE.vertices + [0, 0, 600], tiny.CUBE.faces)
    moved = one.vertices + np.array([14.0, 15.0, 16.0])
    two = Mesh(np.vstack([one.vertices, moved]), np.vstack([one.faces, one.faces + 8]))
    assert real_errors(image, one)[0]["rigid"].crossing_share == 0.0
    share = real_errors(image, two)[0]["rigid"].crossing_share
    assert share == len(set(self_intersections(two).ravel().tolist())) / 24
    assert 6 / 24 <= share <= 12 / 24


def test_the_constants_are_the_mean_and_the_best_of_the_model(image):
    """The truth is a bent mean L4; a model that has just this bend finds it, the baseline does not bend."""
    mean = load_template().means
    bend = tiny.deformed(Mesh(mean[3], load_template().faces)).vertices - mean[3]
    found = measured_constants((image, BestFit(mean, bend[:, :, None]), 1_000))
    rows = {(row.answer, row.alignment): row for row in found.rows}
    assert list(rows) == [("baseline", "rigid"), ("baseline", "unit ball"), ("best fit", "rigid")]
    assert rows["best fit", "rigid"].metrics.dice > 0.98
    assert rows["baseline", "rigid"].metrics.dice < 0.95
    volumes = [rows["baseline", name].metrics.volume_mm3 for name in ("rigid", "unit ball")]
    scale = onto_ball(baseline_mesh("L4"), read_mesh(image.mesh)).scale
    assert volumes[1] == pytest.approx(scale**3 * volumes[0])
    assert all(row.pose is None for row in found.rows)
    assert list(found.vertex_errors_mm) == ["baseline"]
    assd_mm = rows["baseline", "rigid"].metrics.assd_mm
    assert found.vertex_errors_mm["baseline"].mean() == pytest.approx(assd_mm, rel=0.15)


def test_constants_stand_beside_every_view(image):
    constant = measured_constants((image, BestFit(load_template().means, np.zeros((3000, 3, 1))), 1_000))
    _, found = real_errors(image, unlike(image.truth))
    both = found.beside(constant, "lateral")
    assert [row.view for row in both.rows] == ["ap"] * 4 + ["lateral"] * 3
    assert both.rows[-1].metrics == constant.rows[-1].metrics
    assert list(both.vertex_errors_mm) == ["baseline"]
