"""Surfaces over the template measured, with errors: motions, mirror images, scale, files, what is refused."""

import json

import numpy as np
import pytest

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.measurement import errors
from ReVertLib.measurement.landmarks import landmarks
from ReVertLib.measurement.measure import Measured, measure, template_vertices
from ReVertLib.measurement.records import VERTEBRA_TERMS, measurements_from
from ReVertLib.mesh.io import read_mesh, write_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts

FRONT = RigidTransform(view_rotation(0.0), np.array([20.0, -40.0, 800.0]))


def seen(level="L3", expected_mm=1.0, motion=FRONT):
    """A mean vertebra in the camera's frame, the same expected of all its vertices."""
    vertices = motion.apply(load_template().mean(level).vertices)
    each = np.full(len(vertices), expected_mm)
    return Measured(vertices, each, ErrorParts(0.7 * each, 0.6 * each, 2 * each))


def test_errors_grow_with_what_is_expected():
    usual, double = (measure({"L3": seen(expected_mm=mm)}, in_camera=True).levels["L3"] for mm in (1.0, 2.0))
    for name, one in usual.items():
        assert double[name].value == pytest.approx(one.value)
        assert double[name].sd == pytest.approx(2 * one.sd, rel=0.005)
        assert one.sd > 0.1
    assert usual["canal width"].worth_a_look
    assert not measure({"L3": seen(expected_mm=9.0)}, in_camera=True).levels["L3"]["canal width"].worth_a_look


def test_doubt_of_the_distance_moves_places_and_scales_lengths():
    far = measure({"L3": seen()}, in_camera=True, growths=[{"L3": 0.05}]).levels["L3"]
    near = measure({"L3": seen()}, in_camera=True).levels["L3"]
    tip = np.linalg.norm(near["spinous process tip"].value)
    assert far["spinous process tip"].sd == pytest.approx(
        np.hypot(near["spinous process tip"].sd, 0.05 * tip), rel=0.01
    )
    width = near["upper endplate width"]
    assert far["upper endplate width"].sd == pytest.approx(np.hypot(width.sd, 0.05 * width.value), rel=0.01)
    assert far["canal depth"].sd > near["canal depth"].sd
    angle = "left pedicle transverse angle"
    assert far[angle].sd == pytest.approx(near[angle].sd, rel=1e-3)


def test_the_doubt_of_the_scale_is_one_for_all_levels():
    pair = {"L3": seen(), "L4": seen("L4", motion=RigidTransform.shift([0.0, 38.0, 0.0]) @ FRONT)}
    sure, unsure = (measure(pair, in_camera=True, growths=[{"L3": share, "L4": share}]) for share in (0.0, 0.08))
    height = "middle disc height"
    before, after = sure.discs["L3/L4"][height], unsure.discs["L3/L4"][height]
    assert before.value == pytest.approx(after.value) and 4 < after.value < 16
    assert after.sd == pytest.approx(np.hypot(before.sd, 0.08 * after.value), rel=0.01)
    assert unsure.spine["lordosis"].sd == pytest.approx(sure.spine["lordosis"].sd, rel=1e-3)
    assert list(sure.levels) == ["L3", "L4"] and list(sure.discs) == ["L3/L4"]


def test_levels_that_are_not_neighbours_have_no_disc():
    pair = {"L5": seen("L5"), "L2": seen("L2", motion=RigidTransform.shift([0.0, -110.0, 0.0]) @ FRONT)}
    found = measure(pair, in_camera=True)
    assert list(found.levels) == ["L2", "L5"] and not found.discs and "lordosis" in found.spine


def test_a_motion_changes_no_length_and_no_angle():
    turned = RigidTransform.shift([3.0, 5.0, 100.0]) @ RigidTransform.turn(view_rotation(40.0, 20.0)) @ FRONT
    plain, moved = (measure({"L3": Measured(seen(motion=m).vertices)}, in_camera=False) for m in (FRONT, turned))
    for name, term in VERTEBRA_TERMS.items():
        one, other = plain.levels["L3"][name], moved.levels["L3"][name]
        assert one.sd is None and not one.worth_a_look
        if term.kind not in ("point", "direction"):
            assert other.value == pytest.approx(one.value, abs=1e-6)
    assert "rotation against the beam" not in plain.levels["L3"]


def test_a_mirrored_person_has_left_and_right_swapped():
    """A symmetric vertebra whose left is larger: by what left grows, the right of its mirror image does."""
    mean = symmetric_means()[2]

    def grown(points):
        return np.where(points[:, :1] > 0, 0.15, 0.03) * points * [1.0, 0.5, 0.5]

    mirror = np.array([-1.0, 1.0, 1.0])
    shapes = mean, mean + grown(mean), mean + mirror * grown(mirror * mean)
    none, person, image = (measure({"L3": Measured(shape)}, in_camera=False).levels["L3"] for shape in shapes)
    for name in ("pedicle width", "pedicle transverse angle", "pedicle length"):
        left, right = f"left {name}", f"right {name}"
        changed = person[left].value - none[left].value
        assert image[right].value - none[right].value == pytest.approx(changed, rel=0.25, abs=0.1)
        assert abs(person[right].value - none[right].value) < 0.8 * abs(changed)


def test_plain_data_are_json():
    found = json.loads(json.dumps(measure({"L3": seen()}, in_camera=True).plain))
    entry = found["levels"]["L3"]["left pedicle entry"]
    assert len(entry["value"]) == 3 and entry["unit"] == "mm" and entry["sd"] > 0
    assert found["discs"] == {} and found["spine"] == {}


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".vtp", ".obj"])
def test_files_keep_the_order_of_the_template(tmp_path, suffix):
    mesh = load_template().mean("L4").moved(FRONT)
    write_mesh(mesh, tmp_path / f"L4{suffix}", frame="camera")
    read = read_mesh(tmp_path / f"L4{suffix}")
    assert np.abs(template_vertices(read, "L4") - mesh.vertices).max() < 1e-3


def test_another_order_of_vertices_is_put_right():
    mesh, order = load_template().mean("L4"), np.random.default_rng(0).permutation(3000)
    shuffled = Mesh(mesh.vertices[order], np.argsort(order)[mesh.faces])
    assert np.array_equal(template_vertices(shuffled, "L4"), mesh.vertices)


def test_surfaces_that_are_not_the_templates_are_refused():
    mesh = load_template().mean("L4")
    other = Mesh(mesh.vertices, mesh.faces[::-1])
    for wrong in (other, Mesh(mesh.vertices[:4], np.array([[0, 1, 2], [0, 2, 3]]))):
        with pytest.raises(
            InputError, match=r"L4\.stl: expected a surface over the template, as ReVert makes them, got"
        ):
            template_vertices(wrong, "L4.stl")
    with pytest.raises(InputError, match="level: expected one of L1, L2, L3, L4, L5, got 'T12'"):
        measure({"T12": seen()}, in_camera=True)


def test_expected_errors_are_those_of_drawn_surfaces():
    """Surfaces drawn as the model of errors has it, vertex by vertex, scatter as much as it says."""
    one, rng, drawn = seen(), np.random.default_rng(0), []
    middle, across, along = one.vertices.mean(0), 0.7, 0.6
    beam = middle / np.linalg.norm(middle)
    centres = load_template().mean("L3").vertices[:: 3000 // 60]
    apart = np.linalg.norm(load_template().mean("L3").vertices[:, None] - centres, axis=2)
    bumps = np.exp(-((apart / errors.REACH_MM) ** 2))
    bumps /= np.sqrt((bumps**2).sum(1, keepdims=True))
    for _ in range(150):
        turn = np.radians(errors.TURN_DEG * rng.normal(size=3))
        turn += (errors.TURN_ABOUT_BEAM_DEG / errors.TURN_DEG - 1) * (turn @ beam) * beam
        moved = one.vertices + np.cross(turn, one.vertices - middle)
        moved = moved + errors.GROWTH * rng.normal() * (one.vertices - middle)
        shift = errors.SHIFT_ACROSS * across * rng.normal(size=3)
        shift += errors.SHIFT_ALONG * along * rng.normal() * beam - (shift @ beam) * beam
        moved = moved + shift
        local = bumps @ rng.normal(size=(len(centres), 3))
        along_beam = (local @ beam)[:, None] * beam
        moved = moved + errors.LOCAL_ACROSS * across * (local - along_beam) + errors.LOCAL_ALONG * along * along_beam
        drawn.append(measure({"L3": Measured(moved)}, in_camera=True).levels["L3"])
    said = measure({"L3": one}, in_camera=True).levels["L3"]
    for name in ("upper endplate depth", "canal width", "left pedicle length", "rotation against the beam"):
        assert np.std([found[name].value for found in drawn]) == pytest.approx(said[name].sd, rel=0.3)
    middles = np.array([found["upper endplate centre"].value for found in drawn])
    scatter = np.sqrt(np.square(middles - middles.mean(0)).sum(1).mean())
    assert scatter == pytest.approx(said["upper endplate centre"].sd, rel=0.12)


def test_all_of_it_is_shifted_farther_along_the_beam_than_across():
    one = seen()
    modes = errors.error_modes(errors.Expected(one.vertices, 1.0, one.error_parts), landmarks("L3"))
    beam = one.vertices.mean(0) / np.linalg.norm(one.vertices.mean(0))
    shifts = [mode for mode in modes if np.ptp(mode, axis=0).max() < 1e-9 and np.abs(mode).max() > 0]
    assert len(shifts) == 3
    covariance = sum(np.outer(mode[0], mode[0]) for mode in shifts)
    assert beam @ covariance @ beam == pytest.approx((errors.SHIFT_ALONG * 0.6) ** 2)
    assert np.trace(covariance) - beam @ covariance @ beam == pytest.approx(2 * (errors.SHIFT_ACROSS * 0.7) ** 2)


def test_what_was_written_as_plain_data_is_read_again():
    found = measure({level: seen(level, motion=FRONT) for level in ("L2", "L3")}, in_camera=True)
    plain = json.loads(json.dumps(found.plain))
    read = measurements_from(plain)
    assert read.plain == plain
    for name, one in read.levels["L3"].items():
        original = found.levels["L3"][name]
        assert (one.kind, one.unit, one.worth_a_look) == (original.kind, original.unit, original.worth_a_look)
        assert one.value == pytest.approx(original.value, abs=0.006)
    plain["spine"]["of another version"] = plain["spine"]["lordosis"]
    assert list(measurements_from(plain).spine) == ["lordosis", "coronal Cobb angle"]
