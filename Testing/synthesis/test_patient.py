"""One view of a person: the image is the sum of its parts, and everything in it is where the pose says."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import assert_vertebra
from tiny_patients import patient, patient_sampler
from tiny_shape_library import folder  # noqa: F401

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.mesh import mesh_volume_mm3
from ReVertLib.mesh.silhouette import silhouette
from ReVertLib.projection.cylinder import Cylinder
from ReVertLib.projection.projector import Projector
from ReVertLib.synthesis import patient as module
from ReVertLib.synthesis import shapes
from ReVertLib.synthesis.implants import STEEL
from ReVertLib.synthesis.patient import WHITE, Patient, load_patient_sampler, sample_patient

SIZE_PX = (96, 128)
CAMERA = Geometry(1500.0, 1000.0, (4.0, 4.0), (47.5, 63.5))


def pose(yaw=0.0) -> RigidTransform:
    return RigidTransform.about(np.array([0.0, 20.0, -30.0]), view_rotation(yaw, 5.0), np.array([4.0, -6.0, 1000.0]))


@pytest.fixture(scope="module")
def view():
    return patient().view(pose(70.0), CAMERA, SIZE_PX)


def test_the_image_is_the_sum_of_its_parts(view):
    somebody, where = patient(), pose(70.0)
    parts = [Projector(v).line_integrals(where, CAMERA, SIZE_PX) for v in (*somebody.volumes, somebody.body)]
    assert np.abs(view.image - np.sum(parts, axis=0)).max() < 1e-4
    assert np.array_equal(somebody.image(where, CAMERA, SIZE_PX), view.image)
    assert view.image.shape == (128, 96)


def test_every_bone_is_seen_where_its_surface_is(view):
    for bone, seen in zip(patient().bones, view.bones, strict=True):
        assert seen.label == bone.label
        expected = bone.mesh_lps.moved(pose(70.0))
        assert np.abs(seen.mesh.vertices - expected.vertices).max() < 1e-9
        again = seen.camera_from_shape.apply(bone.shape.vertices)
        assert np.abs(again - expected.vertices).max() < 1e-9
        shadow = silhouette(expected, CAMERA, SIZE_PX)
        assert (seen.mask & shadow).sum() / (seen.mask | shadow).sum() > 0.75
        u0, v0, u1, v1 = map(int, seen.box_px)
        assert seen.mask[v0:v1, u0:u1].sum() == seen.mask.sum()
        assert seen.mask[v0, u0:u1].any() and seen.mask[v1 - 1, u0:u1].any()
        assert seen.mask[v0:v1, u0].any() and seen.mask[v0:v1, u1 - 1].any()


def test_a_bone_outside_the_image_has_no_box():
    away = replace(CAMERA, principal_point_px=(47.5, -900.0))
    assert all(seen.box_px is None and not seen.mask.any() for seen in patient().view(pose(), away, SIZE_PX).bones)


def test_data_without_a_sacrum_are_refused_before_any_work(folder, monkeypatch):
    """Also before the CTs are read, which takes long."""
    monkeypatch.setattr(shapes, "load_ct_source", lambda *_: pytest.fail("the CTs were read"))
    with pytest.raises(InputError, match="sacrum: expected a label map with labels 24 and 26, got none in 'data'"):
        load_patient_sampler(folder / "data", folder / "shapes.npz")
    with pytest.raises(InputError, match=r"shapes gone.npz: expected an existing file, got none"):
        load_patient_sampler(folder / "none", folder / "gone.npz")


def test_metal_is_white_but_no_whiter():
    bare = patient()
    rod = Cylinder(np.array([0.0, 40, -60]), np.array([0.0, 40, 20]), 8.0, STEEL)
    with_rod = Patient(bare.bones, bare.volumes, bare.body, (rod,), {})
    before, after = (s.image(pose(), CAMERA, SIZE_PX) for s in (bare, with_rod))
    shadow = rod.line_integrals(pose(), CAMERA, SIZE_PX) > 0
    assert np.array_equal(before[~shadow], after[~shadow])
    assert after.max() == pytest.approx(WHITE * before.max())
    assert (after[shadow] > before[shadow]).all()


def test_bones_are_filled_and_nothing_beside_them():
    """Each bone's mass is its volume times what bone weakens a ray by."""
    for bone, volume in zip(patient().bones, patient().volumes, strict=True):
        mass = volume.array.sum() * abs(np.linalg.det(volume.ijk_to_lps[:3, :3]))
        assert 0.018 < mass / mesh_volume_mm3(bone.shape) < 0.08
        k, j, i = np.nonzero(volume.array > 0.01)
        points = np.stack([i, j, k], 1) @ volume.ijk_to_lps[:3, :3].T + volume.ijk_to_lps[:3, 3]
        assert (points.min(0) > bone.mesh_lps.vertices.min(0) - 6).all()
        assert (points.max(0) < bone.mesh_lps.vertices.max(0) + 6).all()


def test_a_sacrum_is_less_dense_than_vertebrae_of_the_same_patient(monkeypatch):
    sampler, bones, filled = patient_sampler().vertebrae, patient().bones, {}
    for density in (1.0, module.SACRUM_DENSITY):
        monkeypatch.setattr(module, "SACRUM_DENSITY", density)
        filled[density] = module.filled(sampler, bones[-2:], np.random.default_rng(1))
    (l5, whole), (same_l5, less) = filled.values()
    assert np.array_equal(l5.array, same_l5.array)
    assert less.array.sum() == pytest.approx(0.8 * whole.array.sum(), rel=1e-4)


def test_a_patient_depends_on_its_random_numbers_alone():
    first, other = patient(0), patient(1)
    again = sample_patient(patient_sampler(), np.random.default_rng(0))
    assert first.metadata == again.metadata != other.metadata
    assert np.array_equal(first.body.array, again.body.array)
    for a, b, c in zip(first.bones, again.bones, other.bones, strict=True):
        assert np.array_equal(a.mesh_lps.vertices, b.mesh_lps.vertices)
        assert not np.array_equal(a.mesh_lps.vertices, c.mesh_lps.vertices)
    for bone in first.vertebrae:
        assert_vertebra(bone.shape)
