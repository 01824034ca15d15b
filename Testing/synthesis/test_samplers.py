"""Samples in context: a shard's arrays, and crops that show what their labels say."""

import numpy as np
import pytest
from tiny import assert_vertebra, crop_camera
from tiny_patients import patient, patient_sampler

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.grey_values import normalised, quantised
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.silhouette import silhouette
from ReVertLib.registration.icp import best_motion
from ReVertLib.synthesis import samplers as module
from ReVertLib.synthesis.samplers import sample_patient_vertebrae
from ReVertLib.training.shards import Shard

FACES = load_template().faces
VIEWS = 2


@pytest.fixture(scope="module")
def shard():
    """Of the person that all tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "sample_patient", lambda *_: patient())
        return Shard.of(sample_patient_vertebrae(patient_sampler(), VIEWS, np.random.default_rng(0)))


def test_the_arrays_are_those_of_a_shard(shard):
    assert {name: (a.shape, a.dtype.name) for name, a in vars(shard).items()} == {
        "images": ((10, 128, 128), "uint8"),
        "level": ((10,), "int64"),
        "shape_index": ((10,), "int64"),
        "rotation": ((10, 3, 3), "float32"),
        "position_mm": ((10, 3), "float32"),
        "shapes": ((5, 3000, 3), "float16"),
    }
    assert shard.level.tolist() == shard.shape_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    for level, vertices in enumerate(shard.shapes.astype(float)):
        assert_vertebra(Mesh(vertices, FACES))
        turn = best_motion(vertices, load_template().means[level].astype(float), "rigid").rotation
        assert np.abs(turn - np.eye(3)).max() < 2e-3


def test_the_labels_are_where_the_scene_sees_the_bone(shard):
    """The pose in the shard, against the mask of the bone alone seen by the pose of the whole person."""
    somebody = patient()
    for i in range(0, 10, 3):
        rotation, position = shard.rotation[i].astype(float), shard.position_mm[i].astype(float)
        bone = somebody.vertebrae[shard.level[i]]
        assert np.abs(bone.shape.vertices - shard.shapes[shard.shape_index[i]]).max() < 0.05
        camera = crop_camera(float(position[2]))
        pose = RigidTransform(rotation, position) @ bone.lps_from_shape.inverse
        view = somebody.view(pose, camera, (128, 128))
        mask = next(seen.mask for seen in view.bones if seen.label == bone.label)
        shadow = silhouette(Mesh(bone.shape.vertices @ rotation.T + position, FACES), camera, (128, 128))
        assert (mask & shadow).sum() / (mask | shadow).sum() > 0.85
        off = quantised(normalised(view.image), np.uint8, 1.0).astype(int) - shard.images[i]
        assert np.abs(off).max() <= 1
        u, v = (shadow.nonzero()[axis] for axis in (1, 0))
        assert np.abs([(u.min() + u.max()) / 2 - 63.5, (v.min() + v.max()) / 2 - 63.5]).max() < 12


def test_samples_depend_on_their_random_numbers_alone(shard, monkeypatch):
    monkeypatch.setattr(module, "sample_patient", lambda *_: patient())
    again, other = (
        Shard.of(sample_patient_vertebrae(patient_sampler(), VIEWS, np.random.default_rng(seed))) for seed in (0, 1)
    )
    assert all(np.array_equal(array, getattr(again, name)) for name, array in vars(shard).items())
    assert not np.array_equal(shard.images, other.images)
