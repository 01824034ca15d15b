"""The buffer of vertebrae: each by its number, in its own grid and its poses, the oldest replaced in turn."""

from contextlib import closing
from dataclasses import fields

import numpy as np
import pytest
import torch
from tiny import assert_vertebra, crop_camera
from tiny_patients import patient_sampler

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis import samplers
from ReVertLib.training import volume_buffer as module
from ReVertLib.training.volume_buffer import BOX, POSES, BufferedVertebra, VolumeBuffer, make_vertebra

CPU = torch.device("cpu")
NAMES = [field.name for field in fields(BufferedVertebra)]


def assert_same(vertebra: BufferedVertebra, buffer: VolumeBuffer, slot: int):
    assert [name for name in NAMES if not np.array_equal(getattr(vertebra, name), getattr(buffer, name)[slot])] == []


def test_a_vertebra_depends_on_seed_and_number_alone():
    sampler = patient_sampler().vertebrae
    first = make_vertebra(sampler, 5, 7)
    torch.manual_seed(99), np.random.seed(99)
    again = make_vertebra(sampler, 5, 7)
    shapes = {name: (getattr(first, name).shape, getattr(first, name).dtype.name) for name in NAMES}
    assert shapes == {
        "mu": (BOX, "float16"),
        "box_from_canonical": ((3, 4), "float32"),
        "shape": ((3000, 3), "float32"),
        "level": ((), "int64"),
        "rotation": ((POSES, 3, 3), "float32"),
        "position_mm": ((POSES, 3), "float32"),
    }
    for name in NAMES:
        assert np.array_equal(getattr(first, name), getattr(again, name))
    for other in (make_vertebra(sampler, 5, 8), make_vertebra(sampler, 6, 7)):
        assert not np.array_equal(first.shape, other.shape)
    assert_vertebra(Mesh(first.shape.astype(float), load_template().faces))


def test_the_box_holds_the_scan_as_it_is_in_its_place(monkeypatch):
    """Voxel by voxel: the same value, to half precision, where the box says that its centre is."""
    made, real = [], module._boxed_bone
    monkeypatch.setattr(module, "_boxed_bone", lambda *a: made.append(real(*a)) or made[-1])
    for number in range(2):
        vertebra = make_vertebra(patient_sampler().vertebrae, 0, number)
        mu = made[-1][2]
        voxels = np.argwhere(mu.array > 0)
        assert voxels.min() == 0 and (voxels.max(0) + 1).tolist() == list(mu.array.shape)
        ijk = voxels[::1000, ::-1]
        at = (mu.ijk_to_lps[:3, :3] @ ijk.T).T + mu.ijk_to_lps[:3, 3]
        x = at @ vertebra.box_from_canonical[:, :3].T + vertebra.box_from_canonical[:, 3]
        assert np.abs(((x + 1) * BOX[::-1] - 1) / 2 - ijk).max() < 1e-3
        i, j, k = ijk.T
        assert np.allclose(vertebra.mu[k, j, i], mu.array[k, j, i], rtol=1e-3, atol=1e-7)
        assert vertebra.mu.sum(dtype=float) == pytest.approx(mu.array.sum(dtype=float), rel=1e-4)


def test_bone_is_drawn_and_warped_and_at_times_seen_along_its_slices(monkeypatch):
    seen = []
    for name in ("warped_ct", "drawn_bone", "aligned_view", "sample_view"):
        real = getattr(samplers, name)
        monkeypatch.setattr(samplers, name, lambda *a, name=name, real=real: seen.append(name) or real(*a))
    for number in range(4):
        make_vertebra(patient_sampler().vertebrae, 0, number)
    assert {"warped_ct", "drawn_bone"} < set(seen)
    assert seen.count("aligned_view") == pytest.approx(0.4 * 4 * POSES, rel=0.2)
    assert seen.count("aligned_view") + seen.count("sample_view") == 4 * POSES


def test_vertebrae_are_centred_to_within_a_hand_drawn_box():
    vertebra = make_vertebra(patient_sampler().vertebrae, 0, 0)
    off = []
    for rotation, position_mm in zip(vertebra.rotation, vertebra.position_mm, strict=True):
        seen = crop_camera(float(position_mm[2])).project(vertebra.shape @ rotation.T + position_mm)
        off.append((seen.min(0) + seen.max(0)) / 2 - 63.5)
    assert np.abs(np.mean(off, 0)).max() < 1.0
    assert np.std(off, 0) == pytest.approx([2.5, 2.5], rel=0.3)


def test_another_is_drawn_for_one_that_does_not_fit(monkeypatch):
    real, kept = module._boxed_bone, []

    def first_too_tall(sampler, rng):
        level, shape, mu = real(sampler, rng)
        kept.append(shape)
        return level, shape, mu if len(kept) > 1 else Volume(np.ones((BOX[0] + 1, 9, 9), np.float32), mu.ijk_to_lps)

    monkeypatch.setattr(module, "_boxed_bone", first_too_tall)
    assert np.array_equal(make_vertebra(patient_sampler().vertebrae, 0, 0).shape, kept[1].vertices.astype(np.float32))


def test_the_oldest_is_replaced_in_turn_by_this_process_or_by_others():
    sampler = patient_sampler().vertebrae
    for workers in (0, 1):
        with closing(VolumeBuffer(sampler, CPU, seed=3, size=2, workers=workers)) as buffer:
            assert (len(buffer), buffer.held) == (2, 0)
            buffer.hold(3)
            assert buffer.held == 3
            assert_same(make_vertebra(sampler, 3, 2), buffer, 0)
            assert_same(make_vertebra(sampler, 3, 1), buffer, 1)
            kept = buffer.mu.clone()
            buffer.hold(2)
        assert torch.equal(buffer.mu, kept)


def test_what_is_replaced_meanwhile_is_not_made(monkeypatch):
    """A run that goes on after its 40th vertebra holds what it held then."""
    made = []
    monkeypatch.setattr(module, "make_vertebra", lambda *a, real=make_vertebra: made.append(a[2]) or real(*a))
    buffer = VolumeBuffer(patient_sampler().vertebrae, CPU, seed=3, size=2)
    buffer.hold(41)
    assert made == [39, 40]
    assert_same(make_vertebra(patient_sampler().vertebrae, 3, 40), buffer, 0)


@pytest.mark.parametrize("size, workers", [(0, 0), (1, -1)])
def test_sizes_that_cannot_be(size, workers):
    with pytest.raises(InputError, match=f"volumes: expected 1 or more .* got {size} and {workers}"):
        VolumeBuffer(patient_sampler().vertebrae, CPU, size=size, workers=workers)
