"""Chains of vertebrae: what is drawn is what stands there, within what is published."""

import numpy as np
import pytest
import SimpleITK as sitk
from tiny_patients import patient, patient_sampler, sacrum

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, mesh_quality
from ReVertLib.synthesis import spine as module
from ReVertLib.synthesis.bone import voxelised
from ReVertLib.synthesis.contacts import contacts_resolved, overlap_mm3
from ReVertLib.synthesis.spine import load_sacra, sample_vertebrae, stacked
from ReVertLib.synthesis.vertebra import LABELS, S1, measured, of_label, wedge

SEEDS = range(3)


def means() -> list[Mesh]:
    """T11..L5 of nobody in particular."""
    return [load_template().mean(level) for level in ("L1", "L1", "L1", "L2", "L3", "L4", "L5")]


@pytest.fixture(scope="module")
def chains():
    return [stacked(means(), sacrum(), np.random.default_rng(seed)) for seed in SEEDS]


def test_a_chain_stands_upright_on_its_sacrum(chains):
    for bones in chains:
        assert tuple(bone.label for bone in bones) == LABELS
        heights = [bone.lps_from_upper.translation_mm[2] for bone in bones]
        assert sorted(heights, reverse=True) == heights
        top = bones[1].lps_from_upper.translation_mm - bones[-1].lps_from_upper.translation_mm
        assert np.abs(top[:2]).max() < np.tan(np.radians(14)) * top[2]
        assert np.abs(bones[4].lps_from_shape.translation_mm).max() < 1e-9
        for bone in bones:
            assert np.abs(bone.lps_from_shape.rotation @ bone.lps_from_shape.rotation.T - np.eye(3)).max() < 1e-9
            assert np.linalg.det(bone.lps_from_shape.rotation) > 0


def test_lordosis_and_discs_are_within_what_is_published():
    found = [measured(stacked(means(), sacrum(), np.random.default_rng(seed))) for seed in range(10)]
    lordosis, cobb = (np.array([f[name] for f in found]) for name in ("lordosis_deg", "cobb_deg"))
    discs = np.array([f["disc_heights_mm"] for f in found])
    assert 38 < lordosis.mean() < 58
    assert lordosis.std() > 5
    assert (lordosis.min() > 10, lordosis.max() < 85) == (True, True)
    assert (np.median(cobb) < 12, cobb.max() < 32) == (True, True)
    assert (discs.min() > 1.5, discs.max() < 19) == (True, True)
    assert discs[:, 5].mean() > discs[:, 2].mean() + 1.5


def test_most_of_the_lordosis_is_low_down(chains):
    for bones in chains:
        lean = [np.degrees(np.arctan2(*bone.lps_from_upper.rotation[1:, 2])) for bone in bones]
        assert lean[5] - lean[-1] > 0.4 * (lean[2] - lean[-1])


def test_a_wedged_disc_makes_up_for_what_the_body_lacks():
    """The angle between upper endplates is drawn; a body less wedged leaves more to its disc."""
    shapes = means()
    flat = of_label(24, shapes[-1])
    assert np.degrees(wedge(flat)[1]) > 4  # L5 is wedged
    bones = stacked(shapes, sacrum(), np.random.default_rng(0))
    again = stacked([*shapes[:-1], shapes[4]], sacrum(), np.random.default_rng(0))
    discs = ((b[-2].lps_from_lower.rotation, b[-1].lps_from_upper.rotation) for b in (bones, again))
    disc = [np.degrees(np.arccos(lower[:, 2] @ upper[:, 2])) for lower, upper in discs]
    assert disc[1] > disc[0] + 2


def test_vertebrae_of_one_person_resemble_each_other(monkeypatch):
    """Of draws with nothing in common, two vertebrae of one person share what they should, of two persons nothing."""
    means = patient_sampler().vertebrae.means

    def noise(sampler, level, rng):
        return Mesh(means[level] + rng.normal(size=means[level].shape), load_template().faces)

    monkeypatch.setattr(module, "sample_shape", noise)
    persons = [sample_vertebrae(patient_sampler().vertebrae, np.random.default_rng(seed))[2:] for seed in range(20)]
    rows = np.reshape([[m.vertices - mean for m, mean in zip(p, means, strict=True)] for p in persons], (100, -1))
    found = np.corrcoef(rows)
    alike = np.kron(np.eye(20), np.ones((5, 5))) - np.eye(100) > 0
    assert found[alike].mean() == pytest.approx(module.SHARED, abs=0.05)
    assert np.abs(found[np.kron(np.eye(20), np.ones((5, 5))) == 0]).max() < 0.1


def test_vertebrae_do_not_interpenetrate(chains):
    """By voxels of 0.5 mm, neither neighbours nor the next but one: a second way beside the one that draws anew."""
    assert overlap_mm3(patient().bones) <= 2.0
    bones = patient().bones
    for first in range(len(bones)):
        for second in range(first + 1, min(first + 3, len(bones))):
            meshes = bones[first].mesh_lps, bones[second].mesh_lps
            low = np.max([m.vertices.min(0) for m in meshes], axis=0)
            size = np.ceil((np.min([m.vertices.max(0) for m in meshes], axis=0) - low) / 0.5).astype(int)
            if (size > 0).all():
                matrix = np.diag([0.5, 0.5, 0.5, 1.0])
                matrix[:3, 3] = low + 0.25
                grid = Volume(np.zeros(size[::-1], np.uint8), matrix)
                assert (voxelised(meshes[0], grid) & voxelised(meshes[1], grid)).sum() * 0.125 < 5.0
    together = [overlap_mm3(bones) for bones in chains]
    assert max(overlap_mm3(contacts_resolved(bones)) for bones in chains) < max(*together, 5.0)


def test_a_chain_depends_on_its_random_numbers_alone():
    first, again = (stacked(means(), sacrum(), np.random.default_rng(5)) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.lps_from_shape.matrix, b.lps_from_shape.matrix)


def write_labels(folder, labels: Volume) -> None:
    folder.mkdir(parents=True)
    image = sitk.GetImageFromArray(labels.array)
    image.SetSpacing(labels.spacing_mm.tolist())
    image.SetOrigin(labels.ijk_to_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(folder / "seg.nii.gz"))


@pytest.fixture(scope="module")
def sacrum_and_l5():
    """A label map of a sacrum under an L5, elsewhere than LPS 0."""
    l5 = of_label(24, load_template().mean("L5"))
    disc = RigidTransform.shift([0.0, 0.0, 9.0])
    l5 = l5.shape.moved(sacrum().lps_from_upper @ disc @ l5.shape_from_lower.inverse)
    grid = np.diag([1.5, 1.5, 1.5, 1.0])
    grid[:3, 3] = [-60.0, -60.0, -90.0]
    empty = Volume(np.zeros((110, 100, 80), np.uint8), grid)
    array = np.where(voxelised(sacrum().shape, empty), S1, 0) + np.where(voxelised(l5, empty), 24, 0)
    return Volume(array.astype(np.uint8), grid + np.array([[0, 0, 0, 40.0], [0, 0, 0, -20], [0, 0, 0, 300], [0] * 4]))


def test_a_sacrum_is_found_by_the_l5_above_it(tmp_path, sacrum_and_l5, caplog):
    write_labels(tmp_path / "somebody", sacrum_and_l5)
    write_labels(tmp_path / "verse008", sacrum_and_l5)  # held out
    with caplog.at_level("INFO", "revert"):
        (found,) = load_sacra(tmp_path)
    assert caplog.messages == ["held out, not used: verse008"]
    assert len(load_sacra(tmp_path, held_out=())) == 2
    assert found.label == S1
    assert mesh_quality(found.shape).closed
    up = found.lps_from_upper.rotation[:, 2]
    assert np.degrees(np.arccos(up @ sacrum().lps_from_upper.rotation[:, 2])) < 8
    assert np.abs(found.lps_from_upper.translation_mm).max() < 1e-9
    off = (found.shape.vertices @ up).max()
    assert -1 < off < 3  # the endplate is the upper side, its middle at LPS 0


def test_nobody_has_a_sacrum(tmp_path, sacrum_and_l5):
    without = np.where(sacrum_and_l5.array == S1, 0, sacrum_and_l5.array)
    write_labels(tmp_path / "somebody", Volume(without, sacrum_and_l5.ijk_to_lps))
    with pytest.raises(InputError, match="sacrum: expected a label map with labels 24 and 26, got none in"):
        load_sacra(tmp_path)


def test_disc_heights_are_those_of_whole_and_of_worn_discs():
    """Worn ones, of some people many, of most few, keep 0.55 of their height on the mean."""
    rng = np.random.default_rng(0)
    heights = np.stack([module._disc_heights(rng) for _ in range(4000)])
    worn = 0.175 * np.array([0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.4])
    assert heights.mean(0) == pytest.approx(module.DISC_MM * (1 - 0.45 * worn), rel=0.02)
    assert (heights.min(), heights.max()) == (3.5, 15.0)


def test_the_shares_add_up():
    assert module.SEGMENT_SHARES[2:].sum() == pytest.approx(1.0, abs=0.01)
    assert module.CURVE_SHARES.sum() == pytest.approx(-0.5)
    assert module.TURN_SHARES.sum() == pytest.approx(-0.3)
