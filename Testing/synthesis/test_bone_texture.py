"""Drawn bone: the mass of its sheets, its fields, and where it is dense."""

import numpy as np
import pytest
from tiny import CUBE

from ReVertLib.anatomy.template import load_template
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, mesh_area_mm2, vertex_normals
from ReVertLib.synthesis.bone_texture import _sheet, _sheet_mass, drawn_hu, smooth_field
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


def test_a_smooth_field_has_unit_variance_and_its_length():
    rng = np.random.default_rng(0)
    points = np.array([[0.0, 0.0, 0.0], [5.0, 0.0, 0.0], [60.0, 0.0, 0.0]])
    values = np.array([smooth_field(points, 10.0, rng) for _ in range(3000)])
    assert values.var(0) == pytest.approx(np.ones(3), rel=0.1)
    assert np.corrcoef(values.T)[0, 1:] == pytest.approx([np.exp(-0.125), 0.0], abs=0.06)


def test_endplates_and_arch_are_denser_than_the_wall():
    normals = vertex_normals(SHAPE)
    masses = np.mean([_sheet_mass(SHAPE.vertices, normals, np.random.default_rng(s)) for s in range(40)], axis=0)
    body = SHAPE.vertices[:, 1] < 2
    plates, wall = body & (np.abs(normals[:, 2]) > 0.9), body & (np.abs(normals[:, 2]) < 0.4)
    arch = (SHAPE.vertices[:, 1] > 16) & (np.abs(SHAPE.vertices[:, 0]) < 18)
    assert masses[plates].mean() > 1.5 * masses[wall].mean()
    assert masses[arch].mean() > 1.5 * masses[wall].mean()
    assert masses.min() > 0


def test_hounsfield_units_are_those_of_bone():
    deep = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        hu = drawn_hu(SHAPE, scan_grid(SHAPE, rng), rng)
        assert hu.array.min() > -700
        assert hu.array.max() < 4000
        k, j, i = np.indices(hu.array.shape).reshape(3, -1)
        points = np.stack([i, j, k, np.ones(len(i))], 1) @ hu.ijk_to_lps.T
        core = (np.abs(points[:, 0]) < 10) & (np.abs(points[:, 1] + 15) < 6) & (np.abs(points[:, 2]) < 5)
        deep.append(hu.array.ravel()[core].mean())
    assert min(deep) > 20
    assert max(deep) < 500
    assert np.std(deep) > 15
