"""Drawn bone: the mass of its sheets, and where it is dense."""

import numpy as np
import pytest
from solids import ball
from tiny import CUBE

from ReVertLib.anatomy.template import load_template
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, mesh_area_mm2, vertex_normals
from ReVertLib.synthesis import bone_texture as module
from ReVertLib.synthesis.bone_texture import _sheet, _sheet_mass, drawn_hu
from ReVertLib.synthesis.ct_scanner import scan_grid

SHAPE = load_template().mean("L3")


def test_a_sheet_keeps_its_mass_whatever_the_grid():
    for seed in range(3):
        grid = scan_grid(SHAPE, np.random.default_rng(seed))
        sheet = _sheet(SHAPE, np.full(len(SHAPE.vertices), 500.0), grid)
        assert sheet.sum() * grid.spacing_mm.prod() == pytest.approx(500.0 * mesh_area_mm2(SHAPE), rel=1e-4)


def test_a_sheet_lies_where_its_mass_does():
    """A cube of 8 mm: its moments by hand. Mass at the corners with x = 8 alone falls off linearly from there."""
    cube = Mesh(CUBE.vertices * 8.0 + 2.0, CUBE.faces)
    grid = Volume(np.zeros((12, 12, 12), np.float32), np.eye(4))
    even = _sheet(cube, np.full(8, 1.0), grid)
    k, j, i = np.nonzero(even)
    for axis in (i, j, k):
        assert np.average(axis, weights=even[k, j, i]) == pytest.approx(6.0, abs=1e-4)
    one_side = _sheet(cube, (CUBE.vertices[:, 0] == 1).astype(float), grid)
    assert one_side.sum() == pytest.approx(64.0 + 4 * 32.0, rel=1e-4)


def test_endplates_and_arch_are_denser_than_the_wall():
    normals = vertex_normals(SHAPE)
    masses = np.mean([_sheet_mass(SHAPE.vertices, normals, np.random.default_rng(s)) for s in range(40)], axis=0)
    body = SHAPE.vertices[:, 1] < 2
    plates, wall = body & (np.abs(normals[:, 2]) > 0.9), body & (np.abs(normals[:, 2]) < 0.4)
    arch = (SHAPE.vertices[:, 1] > 16) & (np.abs(SHAPE.vertices[:, 0]) < 18)
    assert masses[plates].mean() > 1.5 * masses[wall].mean()
    assert masses[arch].mean() > 1.5 * masses[wall].mean()
    assert masses.min() > 0


def test_marrow_has_the_mean_and_the_spread_that_its_draws_have():
    """In the middle of the body, away from the vein and the arch, it is density times 60 to 200 HU: 130 times
    exp(0.045), the mean of a log-normal density, and a deviation of 61; patches add some 25."""
    middle = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        hu = drawn_hu(SHAPE, scan_grid(SHAPE, rng), rng)
        x, y, z = hu.coordinates_lps()
        middle.append(hu.array[(np.abs(x) < 10) & (np.abs(y + 15) < 6) & (np.abs(z) < 5)].mean())
    assert np.mean(middle) == pytest.approx(136, abs=35)
    assert np.std(middle) == pytest.approx(66, abs=25)


def test_the_cortex_lies_inside_the_bone(monkeypatch):
    """What the sheets add to a ball of bone, and nothing else: below the surface by the depths and the rim that are
    drawn, on the mean 1.1 + 0.25 mm; as much as their mass times the root of the density, whose mean is near 1."""
    matrix, depths, amounts = np.eye(4), [], []
    matrix[:3, 3] = -32.0
    for seed in range(8):
        hu = {}
        for mass in (0.0, 1000.0):
            monkeypatch.setattr(module, "_sheet_mass", lambda vertices, *_, mass=mass: np.full(len(vertices), mass))
            grid = Volume(np.zeros((65, 65, 65), np.float32), matrix)
            hu[mass] = drawn_hu(ball(25.0, (0, 0, 0)), grid, np.random.default_rng(seed)).array
        added = (hu[1000.0] - hu[0.0]).astype(float)
        x, y, z = Volume(added, matrix).coordinates_lps()
        radius = np.average(np.sqrt(x**2 + y**2 + z**2), weights=added)
        depths.append(25.0 - radius)
        amounts.append(added.sum() / (1000.0 * 4 * np.pi * radius**2))
    assert min(depths) > 0.3
    assert np.mean(depths) == pytest.approx(1.35, abs=0.4)
    assert np.mean(amounts) == pytest.approx(1.0, abs=0.15)
