"""The body around a spine: empty where the bones are, tissue where tissue is, air outside."""

import numpy as np
import pytest
from scipy import ndimage
from tiny_patients import patient

from ReVertLib.imaging.volume import Volume
from ReVertLib.synthesis import soft_tissue as module
from ReVertLib.synthesis.bone import voxelised
from ReVertLib.synthesis.soft_tissue import DISC, FAT, MUSCLE
from ReVertLib.synthesis.torso import BodySize, Torso


def at(body: Volume, point: np.ndarray) -> float:
    i, j, k = np.rint((point - body.ijk_to_lps[:3, 3]) / body.spacing_mm).astype(int)
    return float(body.array[k, j, i])


def test_a_body_is_empty_in_its_bones_and_full_between_them():
    somebody = patient()
    body = somebody.body
    assert body.array.min() >= 0.0
    assert body.array.max() < 0.07
    bones = np.zeros(body.array.shape, bool)
    for bone in somebody.bones:
        inside = voxelised(bone.mesh_lps, body)
        deep = ndimage.binary_erosion(inside, np.ones((3, 3, 3)))
        assert deep.sum() > 1000
        assert body.array[deep].max() < 1e-6
        assert 0.1 * FAT < body.array[inside & ~ndimage.binary_erosion(inside)].mean() < 0.25 * FAT  # shared voxels
        bones |= inside
    beside = ndimage.binary_dilation(bones, iterations=2) & ~ndimage.binary_dilation(bones)
    assert np.percentile(body.array[beside], 1) > 0.9 * FAT
    for above, below in zip(somebody.bones[:-1], somebody.bones[1:], strict=True):
        middle = (above.lps_from_lower.translation_mm + below.lps_from_upper.translation_mm) / 2
        assert at(body, middle) == pytest.approx(DISC, rel=0.02)


def test_air_around_the_body_and_tissue_in_it():
    assert patient().metadata["real_abdomen"] is False
    body = patient().body.array
    assert body[:, 0].max() == body[:, :, 0].max() == body[:, :, -1].max() == 0.0
    middle = body[len(body) // 2]
    water = 0.0192
    assert 0.4 < (np.abs(middle - water) < 0.15 * water).mean() < 0.95


def test_the_liver_lies_on_the_right_and_the_aorta_on_the_left(monkeypatch):
    """In LPS, in which x runs to the patient's left; the liver reaches a little over the middle."""
    monkeypatch.setattr(Torso, "field", lambda self, _: np.zeros(self.mu.shape, np.float32))
    torso = Torso(patient().bones, BodySize(150.0, 120.0, 20.0, 15.0, 0.3), np.random.default_rng(0))
    monkeypatch.setattr(module, "FAT", 0.0)
    monkeypatch.setattr(module, "ORGAN", 0.0)
    module._abdomen(torso)
    within = torso.depth > torso.size.fat_mm + 20  # behind the muscular wall
    top = torso.z > torso.z.max() - 50
    before = torso.y < torso.spine_y.mean() - 40
    right, left = (np.broadcast_to(torso.x < 0, within.shape), np.broadcast_to(torso.x > 0, within.shape))
    organs = (torso.mu > 0.9 * MUSCLE) & within & top
    assert (organs & before & right).sum() > 4 * (organs & before & left).sum()
    monkeypatch.setattr(module, "ORGAN", 0.02)
    torso.mu[:] = 0
    module._aorta(torso)
    _, _, i = np.nonzero(torso.mu > 0.015)
    spine_x = np.mean([bone.lps_from_shape.translation_mm[0] for bone in torso.bones[:6]])
    assert 3 < torso.x.ravel()[i].mean() - spine_x < 15


def test_the_fat_under_the_skin_is_whole():
    """No lung, gas or muscle lies in it; the bones of the spine may."""
    somebody = patient()
    person = BodySize(*(somebody.metadata[name] for name in BodySize.__dataclass_fields__))
    depth = Torso(somebody.bones, person, np.random.default_rng(0)).depth
    fat = somebody.body.array[(depth > 2) & (depth < person.fat_mm - 2)]
    assert len(fat) > 10_000
    assert (np.abs(fat - FAT) < 1e-3).mean() > 0.8  # elsewhere muscle of the back, ribs
    assert ((fat > 0) & (fat < 0.9 * FAT)).mean() < 0.002
