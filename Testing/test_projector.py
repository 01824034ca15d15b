"""Line integrals against values by hand, and against a second, slow way of computing them."""

import numpy as np
import pytest
from scipy import ndimage

from ReVertLib.geometry import Geometry, camera_from_lps
from ReVertLib.projector import Pose, Projector, attenuation, line_integrals
from ReVertLib.volume import Volume

SIZE_PX = (41, 33)
CAMERA = Geometry(1000.0, 500.0, (0.8, 0.8), (20.0, 16.0))
VIEWS = [(0, 0, 0), (90, 0, 0), (0, 90, 0), (25, -40, 15)]


def grid(array: np.ndarray, spacing_mm=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), turn=0.0) -> Volume:
    """A volume of (k, j, i) values, its axes turned about the superior axis."""
    matrix = np.eye(4)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * spacing_mm
    matrix[:3, 3] = origin
    return Volume(np.asarray(array, np.float32), matrix)


def one_voxel(value: float, spacing_mm, at=(3, 4, 5), size=9) -> Volume:
    array = np.zeros((size,) * 3)
    array[at] = value
    return grid(array, spacing_mm, (12.0, -7.0, 30.0))


def pose(angles=(0, 0, 0), centre=(0.0, 0.0, 0.0), depth_mm=500.0) -> Pose:
    return Pose(camera_from_lps(*angles), np.array(centre), np.array([0.0, 0.0, depth_mm]))


def centre_of(volume: Volume, kji) -> np.ndarray:
    return (volume.ijk_to_lps @ [*kji[::-1], 1.0])[:3]


def blob(seed=0, turn=0.0) -> Volume:
    """Random smooth bone with holes, and a loose piece, in an anisotropic grid."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((14, 18, 22)), 2.0)
    array = np.where(field > 0.03, 0.05 + field, 0.0)
    array[0, 0, 0] = 0.5
    return grid(array, (1.0, 1.5, 2.0), (3.0, -20.0, 8.0), turn)


@pytest.mark.parametrize("axis", range(3))
def test_a_ray_through_the_centre_of_one_voxel_of_1_per_voxel_length_has_integral_1(axis):
    spacing = np.array([2.0, 1.5, 3.0])
    volume = one_voxel(1.0 / spacing[axis], spacing)
    # Trilinear interpolation makes a hat of base 2 and height 1 voxel length around the voxel: its area is 1.
    angles = [(90, 0, 0), (0, 0, 0), (0, 90, 0)][axis]
    image = line_integrals(volume, pose(angles, centre_of(volume, (3, 4, 5))), CAMERA, SIZE_PX, step_mm=0.02)
    assert image[16, 20] == pytest.approx(1.0, abs=2e-3)
    assert image.max() == image[16, 20]


@pytest.mark.parametrize("angles", VIEWS)
def test_the_whole_image_of_one_voxel_has_its_mass_magnified(angles):
    volume = one_voxel(0.7, (2.0, 2.0, 2.0))
    image = line_integrals(volume, pose(angles, centre_of(volume, (3, 4, 5))), CAMERA, SIZE_PX, step_mm=0.05)
    assert image.sum() == pytest.approx(0.7 * 8.0 * 2.0**2 / 0.8**2, rel=0.01)


@pytest.mark.parametrize("angles", VIEWS)
@pytest.mark.parametrize("at", [(3, 4, 5), (1, 7, 2)])
def test_a_voxel_is_seen_where_the_pixel_formula_says(angles, at):
    volume = one_voxel(1.0, (2.0, 1.5, 2.5), at)
    camera = Geometry(1000.0, 500.0, (0.8, 0.5), (40.0, 66.0))
    image = line_integrals(volume, pose(angles, (20.0, 0.0, 40.0)), camera, (81, 133), step_mm=0.1)
    x, y, z = camera_from_lps(*angles) @ (centre_of(volume, at) - [20.0, 0.0, 40.0]) + [0, 0, 500.0]
    expected = [40.0 + 1000.0 / 0.8 * x / z, 66.0 + 1000.0 / 0.5 * y / z]
    v, u = np.indices(image.shape)
    found = [(u * image).sum() / image.sum(), (v * image).sum() / image.sum()]
    assert image.max() > 0.5
    assert np.allclose(found, expected, atol=0.05)


def naive_integral(volume: Volume, where: Pose, target: np.ndarray, step_mm: float) -> float:
    """One ray from the source to a point in the camera frame, sampled in small steps."""
    count = int(np.linalg.norm(target) / step_mm)
    points = target * ((np.arange(count) + 0.5) / count)[:, None]
    lps = (points - where.position_mm) @ where.rotation + where.centre_lps
    ijk = (np.linalg.inv(volume.ijk_to_lps) @ np.c_[lps, np.ones(count)].T)[:3]
    padded = np.pad(volume.array, 1)
    values = ndimage.map_coordinates(padded, ijk[::-1] + 1, order=1, cval=0.0, mode="constant")
    return values.sum() * np.linalg.norm(target) / count


@pytest.mark.parametrize(("angles", "turn"), [((0, 0, 0), 0.0), ((25, -40, 15), 0.0), ((100, 20, 3), 33.0)])
def test_agrees_with_a_plain_sum_along_every_ray(angles, turn):
    volume = blob(turn=turn)
    where = pose(angles, centre_of(volume, (7, 9, 11)))
    camera = Geometry(1000.0, 500.0, (6.0, 6.0), (5.0, 6.0))
    image = line_integrals(volume, where, camera, (12, 13), step_mm=0.05)
    for v, u in np.ndindex(image.shape):
        target = np.array([(u - 5.0) * 6.0, (v - 6.0) * 6.0, 1000.0])
        assert image[v, u] == pytest.approx(naive_integral(volume, where, target, 0.02), abs=2e-3)
    assert image.max() > 0.5


@pytest.mark.parametrize(("seed", "position"), [(0, (0, 0, 480)), (1, (6, -9, 480)), (2, (-8, 12, 300))])
@pytest.mark.parametrize("angles", VIEWS)
def test_rays_that_are_not_sampled_would_have_been_zero(monkeypatch, seed, position, angles):
    volume = blob(seed, turn=10.0 * seed)
    where = Pose(camera_from_lps(*angles), centre_of(volume, (7, 9, 11)), np.array(position, float))
    camera = Geometry(1000.0, 480.0, (1.2, 0.9), (30.0, 45.0))
    projector = Projector(volume)
    quick = projector.line_integrals(where, camera, (64, 80))
    sampled = projector._touched(where, camera, (64, 80))
    monkeypatch.setattr(Projector, "_touched", lambda *_: np.ones((80, 64), bool))
    assert np.allclose(quick, projector.line_integrals(where, camera, (64, 80)), atol=1e-5)
    assert sampled.mean() < 0.9
    assert quick.max() > 0.5


def test_many_rays_are_taken_in_parts_with_the_same_result(monkeypatch):
    volume = blob()
    where = pose((25, 0, 0), centre_of(volume, (7, 9, 11)))
    whole = line_integrals(volume, where, CAMERA, SIZE_PX)
    monkeypatch.setattr("ReVertLib.projector._SAMPLES_AT_ONCE", 5_000)
    assert np.allclose(line_integrals(volume, where, CAMERA, SIZE_PX), whole, atol=1e-6)


def test_a_source_inside_the_volume_still_sees_what_is_before_it():
    array = np.full((21, 21, 21), 0.1)
    array[1:-1, 1:-1, 1:-1] = 0.0  # a box with walls of one voxel
    image = line_integrals(grid(array, origin=(-10.0,) * 3), pose(depth_mm=0.5), CAMERA, SIZE_PX, 0.02)
    # Straight on, one wall: a hat of 0.1 per mm and of area 1 mm. Aside, the path through it is longer by Pythagoras.
    assert image[16, 20] == pytest.approx(0.1, abs=2e-3)
    assert image[0, 0] == pytest.approx(0.1 * np.sqrt(1 + (20 * 0.8e-3) ** 2 + (16 * 0.8e-3) ** 2), abs=2e-3)
    assert image.min() > 0.09
    rod = grid(np.full((5, 41, 5), 0.1), origin=(-2.0, -20.0, -2.0))
    image = line_integrals(rod, pose(depth_mm=0.5), CAMERA, SIZE_PX, 0.02)
    # 20.5 mm to the last voxel's centre, then half a hat.
    assert image[16, 20] == pytest.approx(0.1 * 21.0, abs=5e-3)


def test_an_empty_volume_and_one_out_of_sight_give_zeros():
    assert not line_integrals(grid(np.zeros((4, 4, 4))), pose(), CAMERA, SIZE_PX).any()
    assert not line_integrals(grid(np.ones((4, 4, 4))), pose(centre=(400.0, 0, 0)), CAMERA, SIZE_PX).any()


def test_pose_matrices_are_each_other_s_inverse():
    where = Pose(camera_from_lps(20, 30, 40), np.array([3.0, -8.0, 5.0]), np.array([1.0, 2.0, 600.0]))
    assert np.allclose(where.camera_from_lps @ where.lps_from_camera, np.eye(4), atol=1e-12)
    assert np.allclose(where.camera_from_lps @ [3.0, -8.0, 5.0, 1.0], [1.0, 2.0, 600.0, 1.0])


def test_attenuation_of_air_water_and_bone():
    ct = grid(np.array([[[-2000.0, -1000.0, 0.0, 1000.0, 2000.0]]]))
    assert np.allclose(attenuation(ct).array.ravel(), [0.0, 0.0, 0.0192, 0.0573, 0.0954], atol=1e-6)
    inside = np.array([[[True, True, False, True, False]]])
    assert np.allclose(attenuation(ct, inside).array.ravel(), [0.0, 0.0, 0.0, 0.0573, 0.0], atol=1e-6)
