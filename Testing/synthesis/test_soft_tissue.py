"""The body around a spine: empty where the bones are, tissue where tissue is, air outside."""

import numpy as np
import pytest
from tiny_patients import patient

from ReVertLib.imaging.volume import Volume
from ReVertLib.synthesis.bone import voxelised
from ReVertLib.synthesis.soft_tissue import DISC, FAT
from ReVertLib.synthesis.torso import BodySize, Torso


def at(body: Volume, point: np.ndarray) -> float:
    i, j, k = np.rint((point - body.ijk_to_lps[:3, 3]) / body.spacing_mm).astype(int)
    return float(body.array[k, j, i])


def test_a_body_is_empty_in_its_bones_and_full_between_them():
    somebody = patient()
    body = somebody.body
    assert body.array.min() >= 0.0
    assert body.array.max() < 0.07
    for bone in somebody.bones:
        deep = voxelised(bone.mesh_lps, body)
        border = voxelised(bone.mesh_lps, Volume(body.array, body.ijk_to_lps))
        assert np.median(body.array[deep & border]) == 0.0
    for above, below in zip(somebody.bones[:-1], somebody.bones[1:], strict=True):
        middle = (above.lower_lps[:3, 3] + below.upper_lps[:3, 3]) / 2
        assert at(body, middle) == pytest.approx(DISC, rel=0.02)


def test_air_around_the_body_and_tissue_in_it():
    assert patient().metadata["real_abdomen"] is False
    body = patient().body.array
    assert body[:, 0].max() == body[:, :, 0].max() == body[:, :, -1].max() == 0.0
    middle = body[len(body) // 2]
    water = 0.0192
    assert 0.4 < (np.abs(middle - water) < 0.15 * water).mean() < 0.95


def test_the_fat_under_the_skin_is_whole():
    """No lung, gas or muscle lies in it; the bones of the spine may."""
    somebody = patient()
    person = BodySize(*(somebody.metadata[name] for name in BodySize.__dataclass_fields__))
    depth = Torso(somebody.bones, person, np.random.default_rng(0)).depth
    fat = somebody.body.array[(depth > 2) & (depth < person.fat_mm - 2)]
    assert len(fat) > 10_000
    assert (np.abs(fat - FAT) < 1e-3).mean() > 0.8  # elsewhere muscle of the back, ribs
    assert ((fat > 0) & (fat < 0.9 * FAT)).mean() < 0.002
