"""Line integrals against values by hand, and against a second, slow way of computing them."""

import numpy as np
import pytest
from other_projectors import marched_integrals
from projections import CAMERA, SIZE_PX, VIEWS, blob, centre_of, grid, one_voxel, pose
from scipy import ndimage

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.projector import line_integrals


@pytest.mark.parametrize("axis", range(3))
def test_a_ray_through_the_centre_of_one_voxel_of_1_per_voxel_length_has_integral_1(axis):
    spacing = np.array([2.0, 1.5, 3.0])
    volume = one_voxel(1.0 / spacing[axis], spacing)
    # Trilinear interpolation makes a hat of base 2 and height 1 voxel length around the voxel: its area is 1.
    angles = [(90, 0, 0), (0, 0, 0), (0, 90, 0)][axis]
    image = line_integrals(volume, pose(angles, centre_of(volume, (3, 4, 5))), CAMERA, SIZE_PX)
    assert image[16, 20] == pytest.approx(1.0, abs=2e-3)
    assert image.max() == image[16, 20]


@pytest.mark.parametrize("angles", VIEWS)
def test_the_whole_image_of_one_voxel_has_its_mass_magnified(angles):
    volume = one_voxel(0.7, (2.0, 2.0, 2.0))
    image = line_integrals(volume, pose(angles, centre_of(volume, (3, 4, 5))), CAMERA, SIZE_PX)
    # Joseph's planes sample a lone voxel unevenly.
    assert image.sum() == pytest.approx(0.7 * 8.0 * 2.0**2 / 0.8**2, rel=0.02)


@pytest.mark.parametrize("angles", VIEWS)
@pytest.mark.parametrize("at", [(3, 4, 5), (1, 7, 2)])
def test_a_voxel_is_seen_where_the_pixel_formula_says(angles, at):
    volume = one_voxel(1.0, (2.0, 1.5, 2.5), at)
    camera = Geometry(1000.0, 500.0, (0.8, 0.5), (40.0, 66.0))
    image = line_integrals(volume, pose(angles, (20.0, 0.0, 40.0)), camera, (81, 133))
    x, y, z = view_rotation(*angles) @ (centre_of(volume, at) - [20.0, 0.0, 40.0]) + [0, 0, 500.0]
    expected = [40.0 + 1000.0 / 0.8 * x / z, 66.0 + 1000.0 / 0.5 * y / z]
    v, u = np.indices(image.shape)
    found = [(u * image).sum() / image.sum(), (v * image).sum() / image.sum()]
    assert image.max() > 0.5
    assert np.allclose(found, expected, atol=0.05)


def naive_joseph(volume: Volume, where: RigidTransform, target: np.ndarray) -> float:
    """One ray from the source to a point in the camera frame: at every plane of voxel centres of its fastest axis the
    value there, between plane and plane the mean of both, cut where the ray begins and ends."""
    to_ijk = np.linalg.inv(volume.ijk_to_lps) @ where.inverse.matrix
    source, end = to_ijk[:3, 3], (to_ijk @ [*target, 1.0])[:3]
    way = end - source
    axis = np.abs(way).argmax()
    padded, total = np.pad(volume.array, 1), 0.0

    def value(n: float) -> float:
        at = source + (n - source[axis]) / way[axis] * way
        return ndimage.map_coordinates(padded, at[::-1, None] + 1, order=1, cval=0.0, mode="constant")[0]

    first, last = sorted((source[axis], end[axis]))
    for n in range(-1, volume.array.shape[::-1][axis]):
        lower, upper = max(n, first), min(n + 1, last)
        if lower < upper:
            middle = (lower + upper) / 2 - n  # the mean of a straight line is its value there
            total += (upper - lower) * ((1 - middle) * value(n) + middle * value(n + 1))
    return total * np.linalg.norm(target) / abs(way[axis])


@pytest.mark.parametrize(
    ("angles", "turn", "position"),
    [
        ((0, 0, 0), 0.0, (0, 0, 500)),
        ((25, -40, 15), 0.0, (5, -3, 500)),
        ((45, 0, 0), 0.0, (0, 0, 500)),  # half of the rays run faster along the one axis, half along the other
        ((100, 20, 3), 33.0, (0, 0, 300)),
        ((40, 30, 0), 20.0, (2, 3, 15)),  # the source is inside, rays go every way
        ((70, -20, 0), 0.0, (0, 0, 995)),  # the detector is inside
    ],
)
def test_agrees_with_one_ray_at_a_time(angles, turn, position):
    volume = blob(turn=turn)
    where = RigidTransform.about(centre_of(volume, (7, 9, 11)), view_rotation(*angles), np.array(position, float))
    spacing = 6.0 if position[2] > 20 else 200.0
    camera = Geometry(1000.0, 500.0, (spacing, spacing), (5.0, 6.0))
    image = line_integrals(volume, where, camera, (12, 13))
    for v, u in np.ndindex(image.shape):
        target = np.array([(u - 5.0) * spacing, (v - 6.0) * spacing, 1000.0])
        assert image[v, u] == pytest.approx(naive_joseph(volume, where, target), abs=1e-4), (u, v)
    assert image.max() > 0.3


def bell(widths_mm: np.ndarray) -> Volume:
    """A Gaussian of these standard deviations along x, y, z about LPS 0, 1 per mm at its top, in voxels of 1 mm."""
    at_mm = np.arange(-30.0, 31.0)
    z, y, x = np.meshgrid(at_mm, at_mm, at_mm, indexing="ij")
    exponent = sum((a / w) ** 2 for a, w in zip((x, y, z), widths_mm, strict=True))
    return grid(np.exp(-exponent / 2), origin=(-30.0,) * 3)


@pytest.mark.parametrize("angles", [*VIEWS, (45, 0, 0), (45, 35, 0)])
def test_the_integrals_through_an_ellipsoidal_bell_are_those_of_the_formula(angles):
    widths = np.array([6.0, 8.0, 7.0])
    where = pose(angles)
    image = line_integrals(bell(widths), where, CAMERA, SIZE_PX)
    for v, u in ((16, 20), (4, 31), (28, 8)):
        target = np.array([(u - 20) * 0.8, (v - 16) * 0.8, 1000.0])
        unit = where.rotation.T @ target / np.linalg.norm(target) / widths  # of the ray where the bell is round
        foot = where.rotation.T @ -where.translation_mm / widths
        distance2 = foot @ foot - (foot @ unit) ** 2 / (unit @ unit)
        expected = np.sqrt(2 * np.pi / (unit @ unit)) * np.exp(-distance2 / 2)
        assert image[v, u] == pytest.approx(expected, rel=4e-3)  # what is linear between voxels is lower


@pytest.mark.parametrize(("yaw", "spacing"), [(0, (1.0, 1.0, 1.0)), (30, (1.0, 1.0, 1.0)), (20, (1.0, 0.5, 2.0))])
def test_the_integral_through_a_box_is_the_way_in_it(yaw, spacing):
    size = np.array([60, 40, 20])  # wide enough for the ray to enter and leave by the faces before and behind
    box = grid(np.full(size[::-1], 0.25), spacing, -np.array(spacing) * (size - 1) / 2)
    image = line_integrals(box, pose((yaw, 0, 0)), CAMERA, SIZE_PX)
    assert image[16, 20] == pytest.approx(0.25 * 40 * spacing[1] / np.cos(np.radians(yaw)), rel=1e-5)


@pytest.mark.parametrize("angles", [*VIEWS, (45, 0, 0)])
def test_agrees_with_a_ray_marcher(angles):
    """nanodrr samples trilinearly in small steps."""
    volume = grid(ndimage.gaussian_filter(np.pad(np.ones((9, 12, 14)), 8), 1.5), (1.5, 1.0, 2.0), (-20.0, -14.0, -25.0))
    image = line_integrals(volume, pose(angles), CAMERA, SIZE_PX)
    marched = marched_integrals(volume, pose(angles), CAMERA, SIZE_PX, step_mm=0.05)
    assert np.abs(image - marched).max() < 0.003 * marched.max()
    assert marched.max() > 5.0


@pytest.mark.parametrize(("seed", "position"), [(0, (0, 0, 480)), (1, (6, -9, 480)), (2, (-8, 12, 300))])
@pytest.mark.parametrize("angles", [*VIEWS, (45, 0, 0)])
def test_pixels_that_are_not_computed_would_have_been_zero(monkeypatch, seed, position, angles):
    volume = blob(seed, turn=10.0 * seed)
    where = RigidTransform.about(centre_of(volume, (7, 9, 11)), view_rotation(*angles), np.array(position, float))
    camera = Geometry(1000.0, 480.0, (1.2, 0.9), (30.0, 45.0))
    quick = line_integrals(volume, where, camera, (64, 80))
    computed = []

    def everything(boxes_mm, geometry, size_px):
        computed.append(size_px)
        return np.tile([0, 0, *size_px], (len(boxes_mm), 1))

    monkeypatch.setattr("ReVertLib.projection.projector._rectangles", everything)
    assert np.allclose(quick, line_integrals(volume, where, camera, (64, 80)), atol=1e-5)
    assert set(computed) == {(64, 80)}
    assert quick.max() > 0.5


def test_many_rays_are_taken_in_parts_with_the_same_result(monkeypatch):
    volume = blob()
    where = pose((25, 0, 0), centre_of(volume, (7, 9, 11)))
    whole = line_integrals(volume, where, CAMERA, SIZE_PX)
    monkeypatch.setattr("ReVertLib.projection.projector._SAMPLES_AT_ONCE", 500)
    assert np.allclose(line_integrals(volume, where, CAMERA, SIZE_PX), whole, atol=1e-6)


def test_a_source_inside_the_volume_still_sees_what_is_before_it():
    array = np.full((21, 21, 21), 0.1)
    array[1:-1, 1:-1, 1:-1] = 0.0  # a box with walls of one voxel
    image = line_integrals(grid(array, origin=(-10.0,) * 3), pose(depth_mm=0.5), CAMERA, SIZE_PX)
    # Straight on, one wall: a hat of 0.1 per mm and of area 1 mm. Aside, the path through it is longer by Pythagoras.
    assert image[16, 20] == pytest.approx(0.1, abs=2e-3)
    assert image[0, 0] == pytest.approx(0.1 * np.sqrt(1 + (20 * 0.8e-3) ** 2 + (16 * 0.8e-3) ** 2), abs=2e-3)
    assert image.min() > 0.09
    rod = grid(np.full((5, 41, 5), 0.1), origin=(-2.0, -20.0, -2.0))
    image = line_integrals(rod, pose(depth_mm=0.5), CAMERA, SIZE_PX)
    # 20.5 mm to the last voxel's centre, then half a hat.
    assert image[16, 20] == pytest.approx(0.1 * 21.0, abs=5e-3)


def test_an_empty_volume_and_one_out_of_sight_give_zeros():
    assert not line_integrals(grid(np.zeros((4, 4, 4))), pose(), CAMERA, SIZE_PX).any()
    assert not line_integrals(grid(np.ones((4, 4, 4))), pose(centre=(400.0, 0, 0)), CAMERA, SIZE_PX).any()
