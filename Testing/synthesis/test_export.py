"""Synthetic people on disk: VerSe's layout, the truth in the labels, whole or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest
from projections import vertebra_drr
from tiny_patients import patient, patient_sampler

from ReVertLib.dataset.cases import find_cases
from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.labels import label_centre_lps, read_label_map
from ReVertLib.imaging.volume import read_volume
from ReVertLib.mesh.mesh import mesh_volume_mm3
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.projection.drr import DrrView, c_arm
from ReVertLib.projection.projector import Projector
from ReVertLib.synthesis import export as module
from ReVertLib.synthesis import real_bones
from ReVertLib.synthesis.export import build_patients, scanned
from ReVertLib.synthesis.vertebra import LABELS


@pytest.fixture(scope="module")
def scan():
    return scanned(patient(), 2.0)


def test_labels_are_the_bones(scan):
    _, labels = scan
    assert (labels.array.dtype, np.unique(labels.array).tolist()) == (np.uint8, [0, *LABELS])
    for bone in patient().bones[1:7]:
        volume = (labels.array == bone.label).sum() * labels.spacing_mm.prod()
        assert volume == pytest.approx(mesh_volume_mm3(bone.shape), rel=0.03)
        assert label_centre_lps(labels, bone.label) == pytest.approx(bone.lps_from_shape.translation_mm, abs=0.5)


def test_the_scan_and_the_scene_cast_one_shadow(scan):
    ct, labels = scan
    assert (ct.array.dtype, ct.array.min()) == (np.int16, -1000)
    camera = Geometry(1500.0, 1100.0, (4.0, 4.0), (31.5, 31.5))
    pose = RigidTransform.about(np.array([0.0, 20.0, 0.0]), view_rotation(80.0), np.array([0.0, 0.0, 1100.0]))
    of_scan = Projector(attenuation(ct)).line_integrals(pose, camera, (64, 64))
    of_patient = patient().image(pose, camera, (64, 64))
    middle = np.s_[18:46]  # where the rays stay inside the scan's slices
    assert np.abs(of_scan - of_patient)[middle].mean() < 0.02 * of_patient[middle].mean()
    assert ct.array[labels.array == 22].mean() > 100


def test_a_radiograph_of_a_case(scan):
    drr = vertebra_drr(*scan, 22, DrrView(90.0), c_arm(64), (64, 64), context=True)
    assert drr.geometry.level == "L3"
    assert drr.warnings == ()


@pytest.fixture
def few(monkeypatch):
    """Everybody is the same person, told apart by what is said of him, in coarse voxels."""
    asked = []

    def sample(_, rng):
        asked.append(rng.integers(1000))
        return patient()

    monkeypatch.setattr(real_bones, "load_patient_sampler", lambda *_: patient_sampler())
    monkeypatch.setattr(module, "sample_patient", sample)
    monkeypatch.setattr(module, "scanned", lambda s: scanned(s, 6.0))
    return asked


def test_cases_are_found_and_read_again(few, tmp_path, caplog):
    with caplog.at_level("INFO", "revert"):
        build_patients(Path("data"), Path("shapes.npz"), tmp_path / "out", range(2), 3)
    cases = find_cases(tmp_path / "out")
    assert [case.name for case in cases] == ["spine_00000", "spine_00001"]
    assert len(set(few)) == 2
    assert [line.split(":")[0] for line in caplog.messages] == ["spine_00000", "spine_00001"]
    ct, labels = read_volume(cases[0].ct), read_label_map(cases[0].labels)
    expected, expected_labels = scanned(patient(), 6.0)
    assert np.array_equal(ct.array, expected.array)
    assert np.array_equal(labels.array, expected_labels.array)
    assert np.allclose(ct.ijk_to_lps, expected.ijk_to_lps)
    about = json.loads((tmp_path / "out/spine_00001/about.json").read_text())
    assert (about["seed"], about["number"]) == (3, 1)
    assert about["lordosis_deg"] == patient().metadata["lordosis_deg"]


def test_a_stopped_build_leaves_whole_cases_and_goes_on(few, tmp_path, monkeypatch):
    out, real = tmp_path / "out", module.write_image

    def stopping(image, path):
        if path.parent.name == "spine_00001" and path.name == "seg.nii.gz":
            raise KeyboardInterrupt
        real(image, path)

    arguments = (Path("data"), Path("shapes.npz"), out, range(3), 0)
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_image", stopping)
        with pytest.raises(KeyboardInterrupt):
            build_patients(*arguments)
    assert [path.name for path in out.iterdir()] == ["spine_00000"]
    build_patients(*arguments)
    assert sorted(path.name for path in out.iterdir()) == [f"spine_0000{i}" for i in range(3)]
    assert len(few) == 4
    assert few[1] == few[2]  # the one that was stopped is the same person again


def test_places_that_cannot_be_written_and_data_that_is_not_there(tmp_path):
    (tmp_path / "file").write_text("")
    nothing = (tmp_path / "data", tmp_path / "shapes.npz")
    with pytest.raises(InputError, match="output: expected a folder that can be made, got"):
        build_patients(*nothing, tmp_path / "file", range(1), 0)
    with pytest.raises(InputError, match=r"shapes shapes.npz: expected an existing file, got none"):
        build_patients(*nothing, tmp_path / "out", range(1), 0)
