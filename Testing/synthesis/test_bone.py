"""What fills a shape ends where the shape does, and is the bone it was said to be."""

import numpy as np
import pytest
from scipy import ndimage
from tiny import CUBE, deformed, write_case

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import find_cases
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3, vertex_normals
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.synthesis import bone as module
from ReVertLib.synthesis import ct_scanner
from ReVertLib.synthesis.bone import CtSource, drawn_bone, load_ct_source, voxelised, warped_ct

FACES = load_template().faces
OFFSET_MM = np.array([60.0, -30.0, 250.0])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A bent L3 with a CT."""
    folder = tmp_path_factory.mktemp("bone")
    person = deformed(load_template().mean("L3")).moved(RigidTransform.shift(OFFSET_MM))
    write_case(folder / "person", person, "L3", spacing_mm=1.0)
    return load_ct_source(find_cases(folder)[0], 22, False, person.vertices)


@pytest.fixture
def shape(source):
    return Mesh(source.vertices - OFFSET_MM, FACES)


@pytest.fixture
def smooth(monkeypatch):
    """Masks that follow the surface, not the voxels, and a scanner that shows what there is."""
    monkeypatch.setattr(ct_scanner, "CUT_AT_VOXELS", 0.0)
    monkeypatch.setattr(ct_scanner, "_scanned", lambda hu, rng, sharpest: hu.array)


def seen_at(volume: Volume, points: np.ndarray) -> np.ndarray:
    """(n,) values of a volume at points (n, 3) mm, zero outside it."""
    ijk_from_mm = np.linalg.inv(volume.ijk_to_lps)
    at = points @ ijk_from_mm[:3, :3].T + ijk_from_mm[:3, 3]
    return ndimage.map_coordinates(volume.array.astype(float), at.T[::-1], order=1)


def edge_mm(volume: Volume, shape: Mesh) -> np.ndarray:
    """(n,) how far outside the vertices, along their normals, half of the most of the last mm below them is reached."""
    at_mm = np.arange(-3.0, 3.01, 0.1)
    points = shape.vertices[:, None] + at_mm[:, None] * vertex_normals(shape)[:, None]
    profile = seen_at(volume, points.reshape(-1, 3)).reshape(-1, len(at_mm))
    below = np.where((at_mm > -1.05) & (at_mm <= 0), profile, 0.0)
    falls = (profile < 0.5 * below.max(1, keepdims=True)) & (np.arange(len(at_mm)) > below.argmax(1)[:, None])
    return at_mm[falls.argmax(1)] - 0.05


def test_outside_its_mask_a_source_repeats_its_edge(source):
    assert source.ct.array.min() >= 200.0
    at_edge = ndimage.binary_dilation(source.inside) & ~source.inside
    assert source.ct.array[at_edge].mean() > 800.0  # the shell of 900 HU goes on
    assert source.inside.sum() == pytest.approx(mesh_volume_mm3(Mesh(source.vertices, FACES)), rel=0.03)


@pytest.mark.parametrize("make", ["drawn", "warped"])
def test_the_edge_is_where_the_shape_is(source, smooth, make):
    """Also where the CT was registered badly: the source is another size here, and moved."""
    shape = Mesh(load_template().mean("L4").vertices * [1.1, 0.95, 1.0], FACES)
    badly = CtSource(source.ct, source.inside, source.vertices * 1.01 + 1.0, False)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        bone = drawn_bone(shape, rng) if make == "drawn" else warped_ct(badly, shape, rng)
        off_mm = edge_mm(bone, shape)
        assert abs(off_mm.mean()) < 0.2
        assert np.abs(off_mm).mean() < 0.3
        smaller = Mesh(shape.vertices - 0.8 * vertex_normals(shape), FACES)
        assert np.abs(edge_mm(bone, smaller)).mean() > 0.4  # the test can tell 0.8 mm


def test_a_ct_warped_into_its_own_shape_is_itself(source, shape, smooth):
    warped = warped_ct(source, shape, np.random.default_rng(3))
    own = attenuation(source.ct, source.inside)
    k, j, i = np.nonzero(ndimage.binary_erosion(source.inside, iterations=2))
    points = (np.stack([i, j, k, np.ones(len(i))], 1) @ own.ijk_to_lps.T)[:, :3] - OFFSET_MM
    found, expected = seen_at(warped, points), own.array[k, j, i]
    assert np.corrcoef(found, expected)[0, 1] > 0.9
    assert 0.7 < found.mean() / expected.mean() < 1.4


def test_a_mirrored_source_is_mirrored_bone(source, shape, smooth, monkeypatch):
    """The same person as source and as mirrored source: their warps into mirrored shapes are mirror images."""
    flip = np.array([-1.0, 1.0, 1.0])
    monkeypatch.setattr(module, "scan_grid", lambda shape, rng: _cubes(shape))
    mirrored = CtSource(source.ct, source.inside, source.vertices * flip, True)
    straight = warped_ct(source, shape, np.random.default_rng(0))
    turned = warped_ct(mirrored, Mesh(shape.vertices * flip, FACES[:, ::-1]), np.random.default_rng(0))
    points = np.random.default_rng(0).uniform(shape.vertices.min(0), shape.vertices.max(0), (4000, 3))
    one, other, unmirrored = seen_at(straight, points), seen_at(turned, points * flip), seen_at(turned, points)
    assert np.abs(one - other).mean() < 0.1 * one.mean()
    assert np.abs(one - unmirrored).mean() > 3 * np.abs(one - other).mean()


def _cubes(shape: Mesh) -> Volume:
    matrix = np.eye(4)
    matrix[:3, 3] = np.floor(shape.vertices.min(0)) - 4.0
    size = np.ceil(np.ptp(shape.vertices, axis=0)).astype(int) + 10
    return Volume(np.zeros(size[::-1], np.float32), matrix)


def test_drawn_bone_fills_the_shape_with_a_shell(shape, monkeypatch):
    monkeypatch.setattr(ct_scanner, "CUT_AT_VOXELS", 1.0)
    for seed in range(4):
        bone = drawn_bone(shape, np.random.default_rng(seed))
        assert (bone.array > 0).sum() * bone.spacing_mm.prod() == pytest.approx(mesh_volume_mm3(shape), rel=0.02)
        assert bone.array.min() >= 0
        assert 0.019 < bone.array[bone.array > 0.01].mean() < 0.06  # between water and dense bone, per mm
        normals = vertex_normals(shape)
        shell, marrow = (seen_at(bone, shape.vertices - d * normals).mean() for d in (1.5, 6.0))
        assert shell > 1.05 * marrow


def test_bone_follows_the_seed(source, shape):
    for make in (lambda rng: drawn_bone(shape, rng), lambda rng: warped_ct(source, shape, rng)):
        first, again, other = (make(np.random.default_rng(seed)) for seed in (0, 0, 1))
        assert np.array_equal(first.array, again.array)
        assert first.array.shape != other.array.shape or not np.array_equal(first.array, other.array)


def test_voxels_of_a_box_by_hand():
    box = Mesh(CUBE.vertices * [2.0, 3.0, 4.0] + 0.6, CUBE.faces)
    matrix = np.diag([1.0, 0.5, 2.0, 1.0])
    inside = voxelised(box, Volume(np.zeros((5, 12, 6), np.float32), matrix))
    k, j, i = np.nonzero(inside)
    assert (i.min(), i.max(), j.min(), j.max(), k.min(), k.max()) == (1, 2, 2, 7, 1, 2)
    assert len(i) == 2 * 6 * 2
