"""Vertebrae above T11: in order, smaller from each to the next, on a kyphosis, and what they are made of goes along."""

from itertools import pairwise

import numpy as np
import pytest
from tiny_patients import patient, patient_sampler

from ReVertLib.synthesis import soft_tissue
from ReVertLib.synthesis.patient import sample_patient
from ReVertLib.synthesis.thorax import DISC_MM, SHRINKING, thorax_above
from ReVertLib.synthesis.vertebra import T11


@pytest.fixture(scope="module")
def thorax():
    somebody = patient()
    return thorax_above(somebody.bones[0], somebody.volumes[0], np.random.default_rng(0), 5)


def test_each_vertebra_stands_a_disc_above_the_next(thorax):
    assert [bone.label for bone in thorax.bones] == [13, 14, 15, 16, 17]
    for above, below in pairwise((*thorax.bones, patient().bones[0])):
        gap = below.lps_from_upper.inverse.apply(above.lps_from_lower.translation_mm[None])[0]
        assert np.hypot(*gap[:2]) < 1e-6
        assert 0.5 * DISC_MM < gap[2] < 2 * DISC_MM
        sizes = [np.ptp(bone.shape.vertices, axis=0) for bone in (above, below)]
        assert sizes[0] / sizes[1] == pytest.approx(SHRINKING)


def test_the_thorax_bends_forward_over_the_lumbar_spine(thorax):
    """In LPS +y is behind: the upper endplates lean more and more forward, as of a kyphosis."""
    up = np.stack([bone.lps_from_upper.rotation[:, 2] for bone in (*thorax.bones, patient().bones[0])])
    forward = np.degrees(np.arctan2(-up[:, 1], up[:, 2]))
    assert 10 <= forward[0] - forward[-1] <= 40
    assert (np.diff(forward) < 2).all()


def test_what_a_vertebra_is_made_of_lies_in_it(thorax):
    for bone, volume in zip(thorax.bones, thorax.volumes, strict=True):
        k, j, i = np.nonzero(volume.array > 0.01)
        filled = np.stack([i, j, k], 1) @ volume.ijk_to_lps[:3, :3].T + volume.ijk_to_lps[:3, 3]
        vertices = bone.mesh_lps.vertices
        assert filled.min(0) == pytest.approx(vertices.min(0), abs=2.5)
        assert filled.max(0) == pytest.approx(vertices.max(0), abs=2.5)


def test_nothing_above_t11_takes_nothing_from_the_random_numbers():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    assert thorax_above(patient().bones[0], patient().volumes[0], rng, 0).bones == ()
    assert rng.random() == same.random()


def test_a_patient_with_a_chest_has_air_in_it_and_says_how_its_last_ribs_are(monkeypatch):
    monkeypatch.setattr(soft_tissue, "_last_ribs", lambda rng: "none")
    somebody = sample_patient(patient_sampler(), np.random.default_rng(1), 3)
    assert [bone.label for bone in somebody.bones[:4]] == [15, 16, 17, T11]
    assert somebody.metadata["last_ribs"] == "none"
    highest = somebody.bones[0].lps_from_upper.translation_mm[2]
    top = somebody.body.ijk_to_lps[2, 3] + 2.0 * len(somebody.body.array)
    assert 40 < top - highest < 50
    upper = somebody.body.array[-40:]
    assert ((upper > 0.001) & (upper < 0.006)).mean() > 0.05  # lung
