"""`revert.compare`: every accepted form of surface and target gives what the command line gives."""

import json

import numpy as np
import pytest
import tiny
from few_points import few_points  # noqa: F401

import ReVertLib as revert
from ReVertLib.__main__ import main
from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.mesh.io import read_mesh, write_mesh
from ReVertLib.metrics.compare import comparison_report

LABEL = 22


@pytest.fixture(scope="module")
def labels(resources):
    return resources / "sample/segmentation.nii.gz"


@pytest.fixture(scope="module")
def surface(labels, tmp_path_factory):
    """The mean L3, smaller than the truth, beside it; as a file."""
    centre = label_mesh(read_label_map(labels), LABEL).vertices.mean(0)
    path = tmp_path_factory.mktemp("surface") / "L3.vtp"
    write_mesh(baseline_mesh("L3").moved(RigidTransform.shift(centre + 4.0)), path)
    return path


@pytest.fixture(scope="module")
def expected(surface, labels):
    return revert.compare(surface, labels, label=LABEL)


def test_it_answers_as_the_command_line_does(surface, labels, expected, tmp_path):
    report = tmp_path / "report.json"
    options = ("--label", LABEL, "--align", "rigid", "--report", report, "--quiet")
    assert main([str(a) for a in ("compare", surface, labels, *options)]) == 0
    written = json.loads(report.read_text())
    assert comparison_report(expected) == {key: written[key] for key in comparison_report(expected)}
    assert (expected.level, expected.mode, expected.baseline_mode) == ("L3", "rigid", "rigid")
    assert expected.metrics.dice == pytest.approx(expected.baseline.dice, abs=0.01)  # it is the mean itself


def test_every_form_of_surface_and_target_is_the_same(surface, labels, expected):
    mesh, volume = read_mesh(surface), read_label_map(labels)
    one_label = revert.Volume((volume.array == LABEL) * LABEL, volume.ijk_to_lps)
    forms = ((str(surface), str(labels), LABEL), (mesh, volume, LABEL), (mesh, one_label, None))
    forms += (((mesh.vertices.tolist(), mesh.faces.tolist()), (volume.array, volume.ijk_to_lps), LABEL),)
    for source, target, label in forms:
        assert revert.compare(source, target, label=label).metrics == expected.metrics


def test_the_level_that_is_given_goes_before_that_of_the_label(surface, labels, expected):
    found = revert.compare(surface, labels, label=LABEL, level="L5")
    assert (found.level, found.metrics) == ("L5", expected.metrics)
    assert found.baseline.dice < expected.baseline.dice


def test_a_mesh_is_a_target_too_and_its_level_is_given():
    truth = tiny.deformed(baseline_mesh("L5"))
    found = revert.compare(truth, (truth.vertices, truth.faces), "none", level="L5")
    assert (found.metrics.dice, found.metrics.hd95_mm < 1e-6, found.level) == (1.0, True, "L5")
    assert 0.5 < found.baseline.dice < 1.0
    assert revert.compare(truth, truth, "none").baseline != found.baseline


CUBE = (tiny.CUBE.vertices * 30, tiny.CUBE.faces)
MISTAKES = {
    "mesh gone.stl: expected an existing file": ("gone.stl", CUBE, {}),
    "target target.txt: expected one of .stl": (CUBE, "target.txt", {}),
    "mesh: expected a Mesh, a file or (vertices, faces), got a ndarray": (CUBE[0], CUBE, {}),
    "mesh: expected vertices (n, 3) and faces (m, 3), got (8, 2) and": ((CUBE[0][:, :2], CUBE[1]), CUBE, {}),
    "mesh: expected finite vertices": ((CUBE[0] * np.nan, CUBE[1]), CUBE, {}),
    "target: expected faces as whole numbers from 0 to 7": (CUBE, (CUBE[0], CUBE[1] + 1), {}),
    "mesh: expected faces as whole numbers from 0 to 7, got": ((CUBE[0], CUBE[1] - 1), CUBE, {}),
    "mesh: expected faces as whole numbers": ((CUBE[0], CUBE[1] / 2), CUBE, {}),
    "label: expected none with a mesh as target, got 22": (CUBE, CUBE, {"label": 22}),
    "label: expected one of 1, 2 of the label map, got none": (CUBE, (np.arange(3)[None, None], np.eye(4)), {}),
    "target: expected an array (k, j, i) and a matrix (4, 4)": (CUBE, (np.zeros((2, 2, 2), int), np.eye(3)), {}),
    "target: expected whole numbers as voxels, got float64": (CUBE, (np.zeros((2, 2, 2)), np.eye(4)), {}),
    "level: expected one of L1": (CUBE, CUBE, {"level": "T12"}),
    "alignment: expected one of none": (CUBE, CUBE, {"align": "affine"}),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_is_one_line(message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mesh, target, options = MISTAKES[message]
    with pytest.raises(revert.InputError) as raised:
        revert.compare(mesh, target, **options)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
