"""Samples in context: a shard's arrays, and crops that show what their labels say."""

import numpy as np
import pytest
from scipy import ndimage
from tiny import assert_vertebra, crop_camera
from tiny_patients import patient, patient_sampler

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.silhouette import silhouette
from ReVertLib.projection.projector import line_integrals
from ReVertLib.registration.icp import best_motion
from ReVertLib.synthesis import samplers as module
from ReVertLib.synthesis import views
from ReVertLib.synthesis.samplers import sample_patient_vertebrae
from ReVertLib.training.shards import Shard

FACES = load_template().faces
VIEWS = 2


@pytest.fixture(scope="module")
def shard():
    """Of the person that all tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "sample_patient", lambda *_: patient())
        patch.setattr(views, "WRONG_SOD_SHARE", 0.0)
        return Shard.of(sample_patient_vertebrae(patient_sampler(), VIEWS, np.random.default_rng(0)))


def test_the_arrays_are_those_of_a_shard(shard):
    assert {name: (a.shape, a.dtype.name) for name, a in shard.arrays.items()} == {
        "images": ((10, 128, 128), "uint8"),
        "level": ((10,), "int64"),
        "shape_index": ((10,), "int64"),
        "rotation": ((10, 3, 3), "float32"),
        "position_mm": ((10, 3), "float32"),
        "shapes": ((5, 3000, 3), "float16"),
        "bones": ((10, 128, 128), "uint8"),
        "body": ((10, 64, 64), "float16"),
        "scale": ((10, 2), "float32"),
        "view": ((10, 3, 3), "float32"),
    }
    assert shard.level.tolist() == shard.shape_index.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    for level, vertices in enumerate(shard.shapes.astype(float)):
        assert_vertebra(Mesh(vertices, FACES))
        turn = best_motion(vertices, load_template().means[level].astype(float), "rigid").rotation
        assert np.abs(turn - np.eye(3)).max() < 2e-3


def quantised_alone(somebody, bone, pose, camera):
    """What the crop camera sees of one bone, its largest line integral 255."""
    volume = somebody.volume_of(bone)
    return quantised(line_integrals(volume, pose, camera, (128, 128)), np.uint8).astype(int)


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
        whole, alone = view.image, quantised_alone(somebody, bone, pose, camera)
        assert np.abs(alone - shard.images[i].astype(int)).max() <= 1
        fine = shard.images[i] * shard.scale[i, 0] + shard.bones[i] * shard.scale[i, 1]
        body = ndimage.zoom(shard.body[i].astype(float), 2, order=1, mode="nearest", grid_mode=True)
        assert np.abs(fine + body - whole).mean() < 0.02 * np.ptp(whole)
        u, v = (shadow.nonzero()[axis] for axis in (1, 0))
        assert np.abs([(u.min() + u.max()) / 2 - 63.5, (v.min() + v.max()) / 2 - 63.5]).max() < 12


def test_samples_depend_on_their_random_numbers_alone(shard, monkeypatch):
    monkeypatch.setattr(module, "sample_patient", lambda *_: patient())
    monkeypatch.setattr(views, "WRONG_SOD_SHARE", 0.0)
    again, other = (
        Shard.of(sample_patient_vertebrae(patient_sampler(), VIEWS, np.random.default_rng(seed))) for seed in (0, 1)
    )
    assert all(np.array_equal(array, getattr(again, name)) for name, array in shard.arrays.items())
    assert not np.array_equal(shard.images, other.images)


def test_a_wrong_distance_moves_the_pose_along_its_ray(monkeypatch):
    """Where the stated distance is 5 % too far the label is, too, and the vertebra is in the middle as before."""
    monkeypatch.setattr(module, "sample_patient", lambda *_: patient())
    monkeypatch.setattr(module, "film_sod_mm", lambda *_: (600.0, 630.0))
    (level, *_) = sample_patient_vertebrae(patient_sampler(), 1, np.random.default_rng(0))
    position = level.views[0].camera_from_canonical.translation_mm
    assert position[2] == pytest.approx(630.0)
    rows, columns = np.nonzero(level.views[0].image > 0.01)
    camera = crop_camera(630.0)
    middle = camera.project(position[None])[0]
    assert np.abs(middle - [columns.mean(), rows.mean()]).max() < 12
