"""Shards of training samples: of vertebrae alone and of patients, each by its number, whole or not at all."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from tiny import assert_vertebra, crop_camera, silhouette
from tiny import shard as tiny_shard
from tiny_patients import patient, patient_sampler
from tiny_shape_library import FACES, folder, sampler  # noqa: F401

from ReVertLib.errors import InputError
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis import samplers
from ReVertLib.training import shards as module
from ReVertLib.training.shards import Shard, build_shards, make_patient_shard, make_shard

NAMES = [field.name for field in fields(Shard) if field.default is not None]
"""Of the arrays that every shard has."""


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "VERTEBRAE_PER_SHARD", 2)
    monkeypatch.setattr(module, "VIEWS_PER_VERTEBRA", 2)
    monkeypatch.setattr(module, "PATIENTS_PER_SHARD", 2)
    monkeypatch.setattr(module, "VIEWS_IN_PATIENT", 2)


def test_a_shard_depends_on_seed_and_number_alone(sampler, small):
    first = make_shard(sampler, 5, 7)
    torch.manual_seed(99), np.random.seed(99)
    again = make_shard(sampler, 5, 7)
    assert {name: (a.shape, a.dtype.name) for name, a in first.arrays.items()} == {
        "images": ((4, 128, 128), "uint8"),
        "level": ((4,), "int64"),
        "shape_index": ((4,), "int64"),
        "rotation": ((4, 3, 3), "float32"),
        "position_mm": ((4, 3), "float32"),
        "shapes": ((2, 3000, 3), "float16"),
    }
    for name in NAMES:
        assert np.array_equal(getattr(first, name), getattr(again, name))
    for other in (make_shard(sampler, 5, 8), make_shard(sampler, 6, 7)):
        assert not np.array_equal(first.shapes, other.shapes)
        assert not np.array_equal(first.images, other.images)


def test_the_same_samples_in_other_pixels(sampler, small):
    """Twice as fine: all but the images is the same, and the means of four pixels are those of the coarser ones."""
    coarse, fine = make_shard(sampler, 5, 7), make_shard(sampler, 5, 7, 256)
    assert fine.images.shape == (4, 256, 256)
    for name in set(NAMES) - {"images"}:
        assert np.array_equal(getattr(coarse, name), getattr(fine, name))
    means = fine.images.reshape(4, 128, 2, 128, 2).mean((2, 4))
    assert np.abs(means - coarse.images).mean() < 2  # of 255; the brightest pixel of each is white


def test_images_show_what_the_labels_say(sampler, monkeypatch):
    made = []
    for name in ("warped_ct", "drawn_bone"):
        real = getattr(samplers, name)
        monkeypatch.setattr(samplers, name, lambda *a, name=name, real=real: made.append(name) or real(*a))
    monkeypatch.setattr(module, "VERTEBRAE_PER_SHARD", 6)
    monkeypatch.setattr(module, "VIEWS_PER_VERTEBRA", 2)
    shard = make_shard(sampler, 0, 0)
    assert set(made) == {"warped_ct", "drawn_bone"}
    assert shard.shape_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for shape in shard.shapes:
        assert_vertebra(Mesh(shape, FACES))
    for i, image in enumerate(shard.images):
        rotation, position = shard.rotation[i].astype(float), shard.position_mm[i].astype(float)
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-6
        vertices = shard.shapes[shard.shape_index[i]].astype(float) @ rotation.T + position
        seen = silhouette(vertices, crop_camera(float(position[2])))
        assert (seen & (image > 0)).sum() / (seen | (image > 0)).sum() > 0.85, made[i // 2]
        assert image.max() == 255


def test_the_silhouette_tells_a_wrong_pose(sampler, small):
    """The test above can fail: two turns of 180 degrees, and the image taken in a mirror, are told apart."""
    shard = make_shard(sampler, 0, 0)
    for image, rotation, position, index in zip(
        shard.images, shard.rotation, shard.position_mm, shard.shape_index, strict=True
    ):
        shape, camera = shard.shapes[index].astype(float), crop_camera(float(position[2]))
        for wrong in (Rotation.from_euler("x", 180, degrees=True).as_matrix(), np.diag([1.0, -1.0, 1.0])):
            seen = silhouette(shape @ wrong.T @ rotation.T + position, camera)
            assert (seen & (image > 0)).sum() / (seen | (image > 0)).sum() < 0.8


def test_a_shard_of_patients_has_the_arrays_of_the_others(small, monkeypatch):
    drawn = iter([0, 1, 1, 0])
    monkeypatch.setattr(samplers, "sample_patient", lambda *_: patient(next(drawn)))  # to draw them takes long
    shard = make_patient_shard(patient_sampler(), 5, 7)
    assert shard.shape_index.tolist() == [i for i in range(10) for _ in range(2)]
    assert shard.level.tolist() == [i % 5 for i in range(10) for _ in range(2)]
    assert (shard.images.shape, shard.shapes.shape) == ((20, 128, 128), (10, 3000, 3))
    assert shard.layered
    assert (shard.images > 0).mean((1, 2)).max() < 0.5  # a vertebra on black
    assert (shard.body > 0).mean((1, 2)).min() > 0.5  # amid a body
    other = make_patient_shard(patient_sampler(), 5, 8)
    assert not np.array_equal(shard.shapes, other.shapes)


def test_views_are_at_times_those_of_the_ct(sampler, small, monkeypatch):
    seen = []
    for name in ("aligned_view", "sample_view"):
        real = getattr(samplers, name)
        monkeypatch.setattr(samplers, name, lambda *a, name=name, real=real: seen.append(name) or real(*a))
    monkeypatch.setattr(module, "VIEWS_PER_VERTEBRA", 20)
    make_shard(sampler, 0, 0)
    assert 8 <= seen.count("aligned_view") <= 24


def test_a_stopped_build_goes_on_and_whole_shards_stay(folder, tmp_path, small, monkeypatch, caplog):
    numbers, real = [], make_shard

    def stopping(sampler, seed, number):
        if number == 2 and not numbers.count(2):
            numbers.append(number)
            raise KeyboardInterrupt
        numbers.append(number)
        return real(sampler, seed, number)

    monkeypatch.setattr(module, "make_shard", stopping)
    arguments = (folder / "data", folder / "shapes.npz", tmp_path / "out" / "shards", range(4), 0)
    caplog.set_level("INFO", "revert")
    with pytest.raises(KeyboardInterrupt):
        build_shards(*arguments)
    names = [f"shard_0000{i}.npz" for i in range(4)]
    assert sorted(p.name for p in (tmp_path / "out" / "shards").iterdir()) == names[:2]
    build_shards(*arguments)
    assert numbers == [0, 1, 2, 2, 3]
    assert sorted(p.name for p in (tmp_path / "out" / "shards").iterdir()) == names
    written = [line for line in caplog.messages if line.endswith("samples/s")]
    assert [line.split(":")[0] for line in written] == names


def test_a_place_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="output: expected a folder that can be made, got"):
        build_shards(folder / "data", folder / "shapes.npz", tmp_path / "file", range(1), 0)


def test_a_shard_is_read_as_written_and_says_what_does_not_fit(tmp_path):
    shard = tiny_shard(count=4, shapes=2)
    shard.save(tmp_path / "shard_00000.npz")
    read = Shard.load(tmp_path / "shard_00000.npz")
    for name in NAMES:
        kept, wanted = getattr(read, name), getattr(shard, name)
        assert kept.dtype == wanted.dtype and np.array_equal(kept, wanted)
    for name, value, text in (
        ("level", shard.level[1:], r"shard: expected level of shape \(4,\), got \(3,\)"),
        ("rotation", shard.rotation[:, 0], r"shard: expected rotation of shape \(4, 3, 3\), got \(4, 3\)"),
        ("shape_index", shard.shape_index + 1, "shard: expected shape_index within its 2 shapes, got 1 to 2"),
        ("shape_index", shard.shape_index - 1, "shard: expected shape_index within its 2 shapes, got -1 to 0"),
    ):
        with pytest.raises(InputError, match=text):
            replace(shard, **{name: value})
    np.savez(tmp_path / "other.npz", images=shard.images)
    (tmp_path / "text.npz").write_text("no arrays")
    for name in ("other", "text"):
        with pytest.raises(InputError, match=f"shard {name}.npz: expected the arrays of a shard, got"):
            Shard.load(tmp_path / f"{name}.npz")


def test_shards_in_a_row_keep_their_own_shapes():
    one, other = tiny_shard(count=4, shapes=2), tiny_shard(count=3, shapes=3, seed=1)
    both = Shard.concatenated([one, other])
    assert len(both) == 7
    for i, (shard, row) in enumerate([*((one, k) for k in range(4)), *((other, k) for k in range(3))]):
        assert np.array_equal(both.shapes[both.shape_index[i]], shard.shapes[shard.shape_index[row]])
        for name in set(NAMES) - {"shapes", "shape_index"}:
            assert np.array_equal(getattr(both, name)[i], getattr(shard, name)[row])
