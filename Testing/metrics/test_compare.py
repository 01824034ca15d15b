"""Targets from files, and the table and report of a comparison."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest
import SimpleITK as sitk
import vtk
from few_points import few_points  # noqa: F401
from scipy.spatial.transform import Rotation

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_quality
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.metrics.compare import (
    baseline_metrics,
    compare,
    comparison_report,
    comparison_table,
    labelled_target,
    read_target,
)


def ellipsoid(*radii, centre=(0.0, 0.0, 0.0)):
    source = vtk.vtkSphereSource()
    source.SetRadius(1.0)
    source.SetThetaResolution(80)
    source.SetPhiResolution(40)
    source.Update()
    mesh = from_polydata(source.GetOutput())
    return Mesh(mesh.vertices * radii + centre, mesh.faces)


def write_label_map(path, labels_at):
    """Balls of 8 mm around voxels (i, j, k) of a 1 mm grid of 60 x 50 x 40, whose first voxel lies at LPS 100."""
    k, j, i = np.indices((40, 50, 60))
    array = np.zeros(k.shape, np.uint8)
    for label, (ci, cj, ck) in labels_at.items():
        array[(i - ci) ** 2 + (j - cj) ** 2 + (k - ck) ** 2 <= 64] = label
    image = sitk.GetImageFromArray(array)
    image.SetOrigin((100.0, 100.0, 100.0))
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture(scope="module")
def compared():
    target = ellipsoid(30, 22, 15)
    mesh = ellipsoid(32, 22, 15).moved(RigidTransform(rotation_about("z", 20.0), [3, 0, 0]))
    return compare(mesh, target, "rigid", "L3", baseline=ellipsoid(27, 27, 12))


@pytest.mark.parametrize("name", ["map.nii.gz", "map.nrrd", "map.mha"])
def test_label_map_target(tmp_path, name):
    path = write_label_map(tmp_path / name, {22: (20, 20, 20), 19: (45, 30, 20)})
    mesh, level = read_target(path, 22)
    assert level == "L3"
    assert mesh_quality(mesh).euler_number == 2
    assert np.allclose((mesh.vertices.min(0) + mesh.vertices.max(0)) / 2, 120.0, atol=0.3)
    thoracic, no_level = read_target(path, 19)
    assert no_level is None
    assert np.allclose((thoracic.vertices.min(0) + thoracic.vertices.max(0)) / 2, [145, 130, 120], atol=0.3)


def test_the_only_label_needs_no_naming(tmp_path):
    path = write_label_map(tmp_path / "one.nii.gz", {24: (20, 20, 20)})
    mesh, level = read_target(path)
    assert level == "L5"
    assert np.array_equal(mesh.vertices, read_target(path, 24)[0].vertices)


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".vtp"])
def test_mesh_target(tmp_path, suffix):
    write_mesh(ellipsoid(30, 22, 15), tmp_path / f"truth{suffix}")
    mesh, level = read_target(tmp_path / f"truth{suffix}")
    assert level is None
    assert mesh_quality(mesh).volume_mm3 == pytest.approx(mesh_quality(ellipsoid(30, 22, 15)).volume_mm3, rel=1e-4)


def test_label_choice_errors(tmp_path):
    two = write_label_map(tmp_path / "two.nii.gz", {21: (20, 20, 20), 22: (45, 30, 20)})
    with pytest.raises(InputError, match=r"label: expected one of 21, 22 of two.nii.gz, got none"):
        read_target(two)
    with pytest.raises(InputError, match=r"label: expected one of 21, 22 of two.nii.gz, got 20"):
        read_target(two, 20)
    with pytest.raises(InputError, match=r"label: expected one of a map with labels of none.nii.gz, got none"):
        read_target(write_label_map(tmp_path / "none.nii.gz", {}))
    write_mesh(ellipsoid(30, 22, 15), tmp_path / "truth.stl")
    with pytest.raises(InputError, match=r"label: expected none with the mesh truth.stl, got 20"):
        read_target(tmp_path / "truth.stl", 20)


def test_path_errors(tmp_path):
    with pytest.raises(InputError, match=r"target truth.txt: expected one of .stl, .+ .nii.gz, .+ got '.txt'"):
        read_target(tmp_path / "truth.txt")
    for name in ("gone.stl", "gone.nii.gz"):
        with pytest.raises(InputError, match=f"{name}: expected an existing file, got none"):
            read_target(tmp_path / name)


def test_a_cut_off_label_is_used_with_a_warning(tmp_path):
    path = write_label_map(tmp_path / "cut.nii.gz", {20: (20, 20, 3)})
    with pytest.warns(UserWarning, match=r"label 20 touches the border of cut.nii.gz: it may be cut off"):
        mesh, _ = read_target(path)
    assert mesh_quality(mesh).closed


def test_compare_measures_the_moved_mesh(compared):
    assert compared.metrics.dice > 0.95
    assert compared.metrics.volume_mm3 == pytest.approx(4 / 3 * np.pi * 32 * 22 * 15, rel=0.01)
    assert compared.signed_distance_mm.shape == (len(ellipsoid(1, 1, 1).vertices),)
    assert compared.signed_distance_mm.max() == pytest.approx(2.0, abs=0.4)
    turn = np.degrees(np.arctan2(compared.alignment.rotation[1, 0], compared.alignment.rotation[0, 0]))
    assert min(abs(turn + 20), abs(abs(turn) - 160)) < 2.5


def test_without_alignment_a_shift_counts():
    target = ellipsoid(30, 22, 15)
    shifted = target.moved(RigidTransform.shift([6, 0, 0]))
    unaligned = compare(shifted, target, "none")
    assert unaligned.metrics.assd_mm > 2
    assert unaligned.signed_distance_mm.max() == pytest.approx(6, abs=0.01)
    assert unaligned.baseline is unaligned.baseline_mode is None
    assert compare(shifted, target, "translation").metrics.assd_mm < 0.1


@pytest.mark.parametrize(
    ("mode", "baseline_mode"),
    [("none", "rigid"), ("translation", "rigid"), ("rigid", "rigid"), ("similarity", "similarity")],
)
def test_the_baseline_is_always_laid_on(mode, baseline_mode):
    """A far, turned baseline of 0.9 of the size is brought in place; only a similarity restores its size."""
    target = ellipsoid(30, 22, 15)
    baseline = ellipsoid(27, 19.8, 13.5).moved(RigidTransform(rotation_about("x", 70.0), [0, 0, 700]))
    comparison = compare(target, target, mode, baseline=baseline)
    assert comparison.baseline_mode == baseline_mode
    assert comparison.metrics.dice > 0.98
    assert comparison.baseline.dice > 0.8
    assert (comparison.baseline.dice > 0.95) == (mode == "similarity")
    assert comparison.baseline == baseline_metrics(baseline, target, baseline_mode)


def test_table_shows_both_columns_with_units(compared):
    lines = comparison_table(compared).splitlines()
    assert lines[0].split() == ["mesh", "baseline"]
    rows = {line[:22].strip(): line[22:].split() for line in lines[1:8]}
    assert rows["Dice, 0.5 mm grid"] == [f"{compared.metrics.dice:.3f}", f"{compared.baseline.dice:.3f}"]
    assert rows["HD95"] == ["mm", f"{compared.metrics.hd95_mm:.2f}", f"{compared.baseline.hd95_mm:.2f}"]
    assert rows["Chamfer, squared"][0] == "mm2"
    assert rows["Volume of the target"][0] == "mm3"
    assert rows["Volume of the target"][1] == rows["Volume of the target"][2]
    assert len({len(line) for line in lines[:8]}) == 1
    assert re.fullmatch(r"mesh: L3, aligned by rigid, turned \d+\.\d degrees, scaled by 1\.000", lines[8])
    assert lines[9] == "baseline: mean vertebra of 87 patients, no radiograph, aligned by rigid"


def test_table_without_baseline():
    target = ellipsoid(30, 22, 15)
    table = comparison_table(compare(target, target, "none"))
    assert "baseline" not in table
    assert table.splitlines()[-1] == "mesh: level unknown, not aligned"


def test_report_is_strict_json(compared):
    report = json.loads(json.dumps(comparison_report(compared), allow_nan=False))
    assert report["metrics"] == asdict(compared.metrics)
    assert report["baseline"] == asdict(compared.baseline)
    assert (report["align"], report["baseline_align"], report["level"]) == ("rigid", "rigid", "L3")
    assert np.allclose(report["motion"]["rotation"], compared.alignment.rotation)
    percentiles = report["signed_distance_percentiles_mm"]
    assert list(percentiles) == ["0", "5", "50", "95", "100"]
    assert list(percentiles.values()) == np.percentile(compared.signed_distance_mm, (0, 5, 50, 95, 100)).tolist()
    turn = np.degrees(Rotation.from_matrix(compared.alignment.rotation).magnitude())
    assert report["motion"]["rotation_deg"] == pytest.approx(turn)


def test_report_without_baseline_is_strict_json():
    target = ellipsoid(30, 22, 15)
    report = comparison_report(compare(target, target, "none"))
    assert json.loads(json.dumps(report, allow_nan=False))["baseline"] is None


def test_bad_surfaces_and_modes():
    target = ellipsoid(30, 22, 15)
    with pytest.raises(InputError, match="mesh: expected a closed surface"):
        compare(Mesh(target.vertices, target.faces[1:]), target, "rigid")
    with pytest.raises(InputError, match="target: expected a closed surface"):
        compare(target, Mesh(target.vertices, target.faces[1:]), "rigid")
    with pytest.raises(InputError, match="alignment: expected one of none"):
        compare(target, target, "affine")


def test_surfaces_in_two_frames_are_said_to_be(compared):
    ball, far = ellipsoid(20, 20, 20), ellipsoid(20, 20, 20, centre=(0, 30, 700))
    with pytest.warns(UserWarning, match="mesh and target are 660 mm apart: two frames"):
        found = compare(ball, far, "none")
    assert found.metrics.dice == 0
    assert re.search(r"Dice, 0.5 mm grid +apart\n", comparison_table(found))


@pytest.mark.parametrize("radii", [(20, 20, 20), (30, 14, 8)])
@pytest.mark.parametrize("shift_mm", [0.5, 5.0, 15.0])
def test_an_overlap_that_goes_with_the_distances_is_not_doubted(radii, shift_mm, recwarn):
    compare(ellipsoid(*radii), ellipsoid(*radii, centre=(shift_mm, 0, 0)), "none")
    assert not recwarn.list


def test_an_overlap_that_contradicts_the_distances_is_doubted():
    """A ball with itself inside once more, a little smaller: what lies in both is outside."""
    ball = ellipsoid(20, 20, 20)
    both = Mesh(
        np.vstack([ball.vertices, 0.98 * ball.vertices]), np.vstack([ball.faces, ball.faces + len(ball.vertices)])
    )
    message = r"Dice 0\.1\d\d does not go with HD95 0\.4\d mm: does one surface cross itself"
    with pytest.warns(UserWarning, match=message) as warned:
        found = compare(both, ball, "none")
    assert found.warnings == tuple(str(warning.message) for warning in warned)


def test_corners_that_share_no_vertices_are_joined_and_each_has_its_distance():
    ball = ellipsoid(20, 20, 20)
    corners = Mesh(ball.vertices[ball.faces].reshape(-1, 3), np.arange(ball.faces.size).reshape(-1, 3))
    corners = corners.moved(RigidTransform.shift(np.array([1.0, 0, 0])))
    found, expected = compare(corners, ball, "none"), compare(ellipsoid(20, 20, 20, centre=(1, 0, 0)), ball, "none")
    assert found.metrics.dice == pytest.approx(expected.metrics.dice)
    assert found.signed_distance_mm.shape == (len(corners.vertices),)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ((5, 5, 5), "label 22: expected a vertebra, got one slice of 1 x 1 x 1 voxels"),
        ((slice(4, 30), 5, slice(2, 30)), "label 22: expected a vertebra, got one slice of 28 x 1 x 26 voxels"),
        ((slice(4, 8),) * 3, r"label 22: expected a vertebra, got a fragment of 64 mm\^3"),
    ],
)
def test_masks_that_are_no_vertebra(part, message):
    array = np.zeros((40, 40, 40), np.uint8)
    array[part] = 22
    with pytest.raises(InputError, match=message):
        labelled_target(Volume(array, np.eye(4)), 22, "the map")
