"""Closed surfaces from points of shapes whose volume and Euler number are known."""

import numpy as np
import pytest

from ReVertLib.errors import InputError
from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.mesh.point_cloud import closed_surface, upsampled


def sphere_points(count, seed=0):
    points = np.random.default_rng(seed).normal(size=(count, 3))
    return points / np.linalg.norm(points, axis=1)[:, None]


def torus_points(count, ring=30.0, tube=11.0, seed=0):
    """Uniform in area: angles around the tube are kept with a chance proportional to the radius there."""
    random = np.random.default_rng(seed)
    v, keep = random.uniform(0, 2 * np.pi, 4 * count), random.random(4 * count)
    v = v[keep < (ring + tube * np.cos(v)) / (ring + tube)][:count]
    u = random.uniform(0, 2 * np.pi, count)
    radius = ring + tube * np.cos(v)
    return np.stack([radius * np.cos(u), radius * np.sin(u), tube * np.sin(v)], 1)


def check(mesh, euler_number, volume, tolerance):
    quality = mesh_quality(mesh)
    assert quality.closed
    assert quality.consistently_wound
    assert quality.euler_number == euler_number
    assert quality.volume_mm3 == pytest.approx(volume, rel=tolerance)


@pytest.mark.parametrize(("scale", "centre"), [(1.0, 0.0), (25.0, 700.0)])
def test_sphere_in_any_unit_and_place(scale, centre):
    mesh = closed_surface(scale * sphere_points(2_048) + centre)
    check(mesh, 2, 4 / 3 * np.pi * scale**3, 0.02)
    radii = np.linalg.norm(mesh.vertices - centre, axis=1) / scale
    assert abs(radii - 1).max() < 0.03


def test_torus_keeps_its_hole():
    """A vertebra has one such hole."""
    points = torus_points(2_048)
    mesh = closed_surface(points)
    check(mesh, 0, 2 * np.pi**2 * 30 * 11**2, 0.04)
    ring = np.hypot(mesh.vertices[:, 0], mesh.vertices[:, 1]) - 30
    assert np.percentile(np.abs(np.hypot(ring, mesh.vertices[:, 2]) - 11), 95) < 0.5


def test_noise_is_bridged():
    points = 25 * sphere_points(2_048) + np.random.default_rng(3).normal(0, 0.5, (2_048, 3))
    check(closed_surface(points), 2, 4 / 3 * np.pi * 25**3, 0.03)


@pytest.mark.parametrize("count", [100, 500])
def test_few_points(count):
    check(closed_surface(sphere_points(count)), 2, 4 / 3 * np.pi, 0.08)


def test_uneven_points():
    """Ten times as many points on the upper cap than elsewhere: the sparse part must not leak."""
    dense = sphere_points(4_000)
    points = np.vstack([sphere_points(300, 1), dense[dense[:, 2] > 0.7]])
    check(closed_surface(points), 2, 4 / 3 * np.pi, 0.15)


def test_repeated_points_change_nothing():
    points = sphere_points(400)
    once, thrice = closed_surface(points), closed_surface(np.repeat(points, 3, axis=0))
    assert np.array_equal(once.vertices, thrice.vertices)
    assert np.array_equal(once.faces, thrice.faces)


def test_upsampled_adds_each_midpoint_once():
    """On a unit lattice line of 8 points the six neighbours of each give the midpoints of all pairs at most 6 apart."""
    points = np.stack([np.arange(8.0), np.zeros(8), np.zeros(8)], 1)
    dense = upsampled(points)
    assert np.array_equal(dense[:8], points)
    pairs = {(i, j) for i in range(8) for j in sorted(range(8), key=lambda j: (abs(j - i), j)) if i < j}
    far = {(i, j) for i, j in pairs if j - i == 7}
    assert len(dense) == 8 + len(pairs - far)


@pytest.mark.parametrize(
    ("points", "text"),
    [
        (np.zeros((5, 3)), "points: expected at least 20 points"),
        (np.zeros((30, 2)), r"points: expected at least 20 points \(n, 3\), got an array of shape"),
        (np.where(np.eye(3)[[0] * 30] > 0, np.nan, sphere_points(30)), "points: expected finite coordinates, got NaN"),
        (sphere_points(50) * [1, 1, 0], "points: expected points around a volume, got points in one plane"),
        (sphere_points(2_000) * [1, 0.02, 0.02], "points: expected points around a volume, got none inside"),
    ],
)
def test_unusable_points(points, text):
    with pytest.raises(InputError, match=text):
        closed_surface(points)
