"""Shards of training samples: of vertebrae alone and of people, each by its number, whole or not at all."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from tiny import assert_vertebra, crop_camera, silhouette
from tiny_patients import patient, patient_sampler
from tiny_shape_library import FACES, folder, sampler  # noqa: F401

from ReVertLib.errors import InputError
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.synthesis import samplers
from ReVertLib.training import shards as module
from ReVertLib.training.shards import build_shards, make_context_shard, make_shard


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "VOLUMES_PER_SHARD", 2)
    monkeypatch.setattr(module, "VIEWS_PER_VOLUME", 2)
    monkeypatch.setattr(module, "PATIENTS_PER_SHARD", 2)


def test_a_shard_depends_on_seed_and_number_alone(sampler, small):
    first = make_shard(sampler, 5, 7)
    torch.manual_seed(99), np.random.seed(99)
    again = make_shard(sampler, 5, 7)
    assert {name: (a.shape, a.dtype.name) for name, a in first.items()} == {
        "images": ((4, 128, 128), "uint8"),
        "level": ((4,), "int64"),
        "shape_index": ((4,), "int64"),
        "rotation": ((4, 3, 3), "float32"),
        "position_mm": ((4, 3), "float32"),
        "shapes": ((2, 3000, 3), "float16"),
    }
    for name in first:
        assert np.array_equal(first[name], again[name])
    for other in (make_shard(sampler, 5, 8), make_shard(sampler, 6, 7)):
        assert not np.array_equal(first["shapes"], other["shapes"])
        assert not np.array_equal(first["images"], other["images"])


def test_the_same_samples_in_other_pixels(sampler, small):
    """Twice as fine: all but the images is the same, and the means of four pixels are those of the coarser ones."""
    coarse, fine = make_shard(sampler, 5, 7), make_shard(sampler, 5, 7, 256)
    assert fine["images"].shape == (4, 256, 256)
    for name in set(coarse) - {"images"}:
        assert np.array_equal(coarse[name], fine[name])
    means = fine["images"].reshape(4, 128, 2, 128, 2).mean((2, 4))
    assert np.abs(means - coarse["images"]).mean() < 2  # of 255; the brightest pixel of each is white


def test_images_show_what_the_labels_say(sampler, monkeypatch):
    made = []
    for name in ("warped_ct", "drawn_bone"):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, name=name, real=real: made.append(name) or real(*a))
    monkeypatch.setattr(module, "VOLUMES_PER_SHARD", 6)
    monkeypatch.setattr(module, "VIEWS_PER_VOLUME", 2)
    shard = make_shard(sampler, 0, 0)
    assert set(made) == {"warped_ct", "drawn_bone"}
    assert shard["shape_index"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for shape in shard["shapes"]:
        assert_vertebra(Mesh(shape, FACES))
    for i, image in enumerate(shard["images"]):
        rotation, position = shard["rotation"][i].astype(float), shard["position_mm"][i].astype(float)
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-6
        vertices = shard["shapes"][shard["shape_index"][i]].astype(float) @ rotation.T + position
        seen = silhouette(vertices, crop_camera(float(position[2])))
        assert (seen & (image > 0)).sum() / (seen | (image > 0)).sum() > 0.85, made[i // 2]
        assert image.max() == 255


def test_the_silhouette_tells_a_wrong_pose(sampler, small):
    """The test above can fail: two turns of 180 degrees, and the image taken in a mirror, are told apart."""
    shard = make_shard(sampler, 0, 0)
    for image, rotation, position, index in zip(
        *(shard[n] for n in ("images", "rotation", "position_mm", "shape_index")), strict=True
    ):
        shape, camera = shard["shapes"][index].astype(float), crop_camera(float(position[2]))
        for wrong in (Rotation.from_euler("x", 180, degrees=True).as_matrix(), np.diag([1.0, -1.0, 1.0])):
            seen = silhouette(shape @ wrong.T @ rotation.T + position, camera)
            assert (seen & (image > 0)).sum() / (seen | (image > 0)).sum() < 0.8


def test_a_shard_of_people_has_the_arrays_of_the_others(small, monkeypatch):
    drawn = iter([0, 1, 1, 0])
    monkeypatch.setattr(samplers, "sample_patient", lambda *_: patient(next(drawn)))  # to draw them takes long
    shard = make_context_shard(patient_sampler(), 5, 7)
    assert shard["shape_index"].tolist() == [i for i in range(10) for _ in range(2)]
    assert shard["level"].tolist() == [i % 5 for i in range(10) for _ in range(2)]
    assert (shard["images"].shape, shard["shapes"].shape) == ((20, 128, 128), (10, 3000, 3))
    assert (shard["images"] > 0).mean((1, 2)).min() > 0.5  # not a vertebra on black
    other = make_context_shard(patient_sampler(), 5, 8)
    assert not np.array_equal(shard["shapes"], other["shapes"])


def test_views_are_at_times_those_of_the_ct(sampler, small, monkeypatch):
    seen = []
    for name in ("aligned_view", "sample_view"):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, name=name, real=real: seen.append(name) or real(*a))
    monkeypatch.setattr(module, "VIEWS_PER_VOLUME", 20)
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
    assert [line.split(":")[0] for line in caplog.messages] == names
    assert caplog.messages[0].endswith("samples/s")


def test_a_place_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="output: expected a folder that can be made, got"):
        build_shards(folder / "data", folder / "shapes.npz", tmp_path / "file", range(1), 0)
