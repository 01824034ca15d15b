"""Volumes and label maps: a digital ball under an oblique affine, grids, and every message."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from ReVertLib.errors import InputError
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.labels import (
    _upsampled,
    is_cut_off,
    label_centre_lps,
    label_mesh,
    label_region,
    label_regions,
    read_label_map,
)
from ReVertLib.imaging.volume import Volume, read_volume
from ReVertLib.mesh.mesh import mesh_quality

SPACING_MM = np.array([0.8, 1.0, 2.0])
OBLIQUE = rotation_about("z", 25.0) @ rotation_about("x", 40.0)
RADIUS_MM = 14.0
CENTRE_IJK = np.array([25.3, 21.2, 12.4])


def oblique_affine():
    affine = np.eye(4)
    affine[:3, :3] = OBLIQUE * SPACING_MM
    affine[:3, 3] = [-30.0, 55.0, 400.0]
    return affine


def ball(label=20, shape=(26, 44, 52)):
    """Voxels whose centres lie within RADIUS_MM of CENTRE_IJK."""
    k, j, i = np.indices(shape)
    offset_mm = (np.stack([i, j, k], -1) - CENTRE_IJK) * SPACING_MM
    return Volume(np.where((offset_mm**2).sum(-1) <= RADIUS_MM**2, label, 0).astype(np.int32), oblique_affine())


def write(path, volume):
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing_mm.tolist())
    image.SetDirection((volume.ijk_to_lps[:3, :3] / volume.spacing_mm).ravel().tolist())
    image.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))
    return path


def test_ball_keeps_volume_shape_and_place():
    labels = ball()
    mesh = label_mesh(labels, 20)
    quality = mesh_quality(mesh)
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 2)
    assert quality.volume_mm3 == pytest.approx((labels.array == 20).sum() * SPACING_MM.prod(), rel=0.01)
    centre = (oblique_affine() @ [*CENTRE_IJK, 1.0])[:3]
    radii = np.linalg.norm(mesh.vertices - centre, axis=1)
    assert np.linalg.norm(mesh.vertices.mean(0) - centre) < 0.2
    assert abs(radii - RADIUS_MM).mean() < 0.25
    assert np.percentile(abs(radii - RADIUS_MM), 95) < 0.7


def test_a_block_of_thick_slices_keeps_its_volume():
    """Its voxels lie in a few layers of equal distances, between which counting them cannot choose: 6 % are lost to
    that, and 2 % are left by one step towards the volume."""
    mask = np.zeros((18, 28, 38), np.uint8)
    mask[4:14, 4:24, 4:34] = 20
    mesh = label_mesh(Volume(mask, np.diag([0.8, 0.8, 3.0, 1.0])), 20)
    assert mesh_quality(mesh).volume_mm3 == pytest.approx(10 * 20 * 30 * 0.8 * 0.8 * 3.0, rel=0.03)


def test_centre_is_the_mean_of_the_voxels():
    assert np.allclose(label_centre_lps(ball(), 20), (oblique_affine() @ [*CENTRE_IJK, 1.0])[:3], atol=0.05)


@pytest.mark.parametrize("name", ["ball.nii.gz", "ball.nrrd", "ball.mha"])
def test_files_keep_values_and_place(tmp_path, name):
    labels = ball()
    back = read_label_map(write(tmp_path / name, labels))
    assert np.array_equal(back.array, labels.array)
    assert np.allclose(back.ijk_to_lps, labels.ijk_to_lps, atol=1e-4)
    assert np.allclose(back.spacing_mm, SPACING_MM, atol=1e-5)


def test_cropped_keeps_the_place():
    labels = ball()
    part = labels.cropped(np.array([3, 5, 7]), np.array([1000, 40, 20]))
    assert part.array.shape == (13, 35, 49)
    assert np.allclose(part.ijk_to_lps @ [0, 0, 0, 1], labels.ijk_to_lps @ [3, 5, 7, 1])
    assert np.allclose(part.ijk_to_lps @ [4, 2, 1, 1], labels.ijk_to_lps @ [7, 7, 8, 1])
    assert part.array[1, 2, 4] == labels.array[8, 7, 7]
    assert np.array_equal(labels.cropped(np.array([-9, -9, -9]), np.array([99, 99, 99])).array, labels.array)


def test_what_is_written_into_a_part_is_written_into_the_volume():
    labels = ball()
    labels.cropped(np.array([3, 5, 7]), np.array([5, 6, 9])).array[:] = 99
    assert np.argwhere(labels.array == 99)[:, ::-1].tolist() == [[3, 5, 7], [4, 5, 7], [3, 5, 8], [4, 5, 8]]
    nothing = labels.cropped(np.array([60, 0, 0]), np.array([70, 9, 9]))
    assert nothing.array.shape == (9, 9, 0)


def test_indices_and_points_by_hand():
    """Voxels of 1 x 2 x 4 mm, the first at (10, 20, 30), i running to the patient's right."""
    matrix = np.array([[-1.0, 0, 0, 10], [0, 2.0, 0, 20], [0, 0, 4.0, 30], [0, 0, 0, 1]])
    volume = Volume(np.zeros((5, 6, 7)), matrix)
    assert volume.size_ijk.tolist() == [7, 6, 5]
    assert volume.centre_lps.tolist() == [7, 25, 38]
    assert volume.lps_from_ijk(np.array([[0, 0, 0], [3, 2, 0.5]])).tolist() == [[10, 20, 30], [7, 24, 32]]
    assert volume.ijk_from_lps(np.array([[7.0, 24, 32], [10.5, 20, 30]])).tolist() == [[3, 2, 0.5], [-0.5, 0, 0]]
    lower, upper = volume.box_around(np.array([[7.0, 24, 32], [10.5, 20, 31]]), margin=1)
    assert (lower.tolist(), upper.tolist()) == ([-2, -1, -1], [5, 4, 3])
    assert [box.tolist() for box in volume.cut(lower, upper)] == [[0, 0, 0], [5, 4, 3]]
    beyond = volume.empty(lower, upper)
    assert beyond.array.shape == (4, 5, 7)
    assert beyond.ijk_to_lps[:3, 3].tolist() == [12, 18, 26]


@pytest.mark.parametrize("affine", [oblique_affine(), np.diag([0.5, 1.0, 2.0, 1.0])], ids=["oblique", "upright"])
def test_coordinates_are_those_of_every_voxel_centre(affine):
    volume = Volume(np.zeros((3, 4, 5)), affine)
    k, j, i = np.indices((3, 4, 5)).reshape(3, -1)
    expected = volume.lps_from_ijk(np.stack([i, j, k], 1)).T.reshape(3, 3, 4, 5)
    for axis, wanted in zip(volume.coordinates_lps(), expected, strict=True):
        assert np.allclose(np.broadcast_to(axis, (3, 4, 5)), wanted)
    assert all(axis.dtype == np.float32 for axis in volume.coordinates_lps(np.float32))


def test_coordinates_of_an_upright_grid_stay_small():
    x, y, z = Volume(np.zeros((3, 4, 5)), np.diag([0.5, 1.0, 2.0, 1.0])).coordinates_lps()
    assert (x.shape, y.shape, z.shape) == ((1, 1, 5), (1, 4, 1), (3, 1, 1))


def test_a_linear_field_is_resampled_exactly():
    """Trilinear interpolation is exact on it; beyond the volume stands what was asked for, or the nearest voxel."""
    source = Volume(np.zeros((12, 14, 16), np.float32), oblique_affine())
    x, y, z = source.coordinates_lps()
    source = Volume((0.3 * x - 0.2 * y + 0.1 * z).astype(np.float32), source.ijk_to_lps)
    middle = source.lps_from_ijk(np.array([[7.5, 6.5, 5.5]]))[0]
    grid = Volume(np.zeros((4, 3, 5)), np.diag([0.7, 0.6, 0.5, 1.0]))
    grid.ijk_to_lps[:3, 3] = middle - grid.lps_from_ijk(np.array([[2.0, 1.0, 1.5]]))[0]
    x, y, z = grid.coordinates_lps()
    assert np.allclose(source.resampled_to(grid), 0.3 * x - 0.2 * y + 0.1 * z, atol=1e-4)
    grid.ijk_to_lps[:3, 3] = source.lps_from_ijk(np.array([[-50.0, -50.0, -50.0]]))[0]
    assert (source.resampled_to(grid, outside=0.0) == 0).all()
    assert np.allclose(source.resampled_to(grid), source.array[0, 0, 0])


def test_region_is_the_box_with_a_margin():
    array = np.zeros((10, 20, 30), np.int32)
    array[4:6, 7:9, 11:15] = 21
    lower, upper = label_region(Volume(array, np.diag([0.5, 1.0, 2.0, 1.0])), 21, 3.0)
    assert lower.tolist() == [11 - 6, 7 - 3, 4 - 2]
    assert upper.tolist() == [15 + 6, 9 + 3, 6 + 2]


def test_regions_are_those_of_each_label_by_itself():
    array = np.random.default_rng(0).choice(np.array([0, 3, 19, 22], np.uint8), (5, 6, 7), p=[0.94, 0.02, 0.02, 0.02])
    found = label_regions(Volume(array, np.eye(4)))
    assert list(found) == [3, 19, 22]
    for label, (lower, upper) in found.items():
        at = np.argwhere(array == label)[:, ::-1]
        assert lower.tolist() == at.min(0).tolist() and upper.tolist() == (at.max(0) + 1).tolist()
    assert label_regions(Volume(np.zeros((2, 2, 2), np.uint8), np.eye(4))) == {}


def test_a_finer_grid_axis_by_axis_is_that_of_all_axes_at_once():
    field = np.random.default_rng(0).standard_normal((5, 7, 6)).astype(np.float32)
    factor = np.array([3, 1, 2])
    at = np.meshgrid(*(np.arange((n - 1) * f + 1) / f for n, f in zip(field.shape, factor, strict=True)), indexing="ij")
    expected = ndimage.map_coordinates(field, at, order=3, mode="nearest")
    assert expected.shape == (13, 7, 11)
    assert np.allclose(_upsampled(field, factor), expected, atol=1e-5)


def test_cut_off():
    assert not is_cut_off(ball(), 20)
    whole = ball()
    for lower, upper in (([0, 0, 8], [99, 99, 99]), ([0, 0, 0], [99, 25, 99])):
        part = whole.cropped(np.array(lower), np.array(upper))
        assert is_cut_off(part, 20)
        assert mesh_quality(label_mesh(part, 20)).closed


def test_absent_label_lists_the_present_ones():
    for use in (label_mesh, is_cut_off):
        with pytest.raises(InputError, match="label: expected one of 20 of the label map, got 22"):
            use(ball(), 22)
    empty = Volume(np.zeros((4, 4, 4), np.int32), np.eye(4))
    with pytest.raises(InputError, match="label: expected a label map with labels above 0, got none; asked for 20"):
        label_mesh(empty, 20)


def test_read_errors(tmp_path):
    with pytest.raises(InputError, match=r"CT gone.nii.gz: expected an existing file, got none"):
        read_volume(tmp_path / "gone.nii.gz")
    (tmp_path / "bad.nrrd").write_text("no volume")
    with pytest.raises(InputError, match=r"label map bad.nrrd: expected a readable volume, got"):
        read_label_map(tmp_path / "bad.nrrd")
    sitk.WriteImage(sitk.Image(8, 8, sitk.sitkUInt8), str(tmp_path / "flat.mha"))
    with pytest.raises(InputError, match=r"CT flat.mha: expected a 3D volume of one component, got 2D with 1"):
        read_volume(tmp_path / "flat.mha")
    sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkVectorUInt8, 3), str(tmp_path / "colour.mha"))
    with pytest.raises(InputError, match=r"CT colour.mha: expected a 3D volume of one component, got 3D with 3"):
        read_volume(tmp_path / "colour.mha")


def test_value_errors(tmp_path):
    image = sitk.GetImageFromArray(np.full((4, 4, 4), 20.5, np.float32))
    sitk.WriteImage(image, str(tmp_path / "half.mha"))
    with pytest.raises(InputError, match=r"label map half.mha: expected whole numbers, got fractions"):
        read_label_map(tmp_path / "half.mha")
    image[1, 1, 1] = float("nan")
    sitk.WriteImage(image, str(tmp_path / "nan.mha"))
    with pytest.raises(InputError, match=r"CT nan.mha: expected finite values, got NaN or infinity"):
        read_volume(tmp_path / "nan.mha")


def test_whole_numbers_stored_as_floats_are_labels(tmp_path):
    labels = ball()
    back = read_label_map(write(tmp_path / "float.mha", Volume(labels.array.astype(np.float32), labels.ijk_to_lps)))
    assert np.array_equal(back.array, labels.array)
    assert back.array.dtype == np.int32


def test_labels_keep_the_kind_of_integer_of_their_file(tmp_path):
    for kind in (np.uint8, np.int16, np.int32):
        labels = Volume(ball().array.astype(kind), oblique_affine())
        assert read_label_map(write(tmp_path / "labels.mha", labels)).array.dtype == kind


def test_a_mask_of_bool_is_a_label_map_of_one():
    mask = np.zeros((6, 7, 8), bool)
    mask[1:3, 2:5, 3:4] = True
    ((label, (lower, upper)),) = label_regions(Volume(mask, np.eye(4))).items()
    assert (label, lower.tolist(), upper.tolist()) == (1, [3, 2, 1], [4, 5, 3])


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_single_volume_of_four_axes_is_a_volume(tmp_path, suffix):
    one = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    one.SetSpacing((0.5, 0.7, 2.0))
    for count in (1, 2):
        sitk.WriteImage(sitk.JoinSeries([one] * count), str(tmp_path / f"{count}{suffix}"))
    found = read_volume(tmp_path / f"1{suffix}")
    assert np.array_equal(found.array, sitk.GetArrayFromImage(one))
    assert found.spacing_mm == pytest.approx((0.5, 0.7, 2.0))
    with pytest.raises(InputError, match="expected a 3D volume of one component, got"):
        read_volume(tmp_path / f"2{suffix}")


@pytest.mark.parametrize("size_mm", [1000.0, 0.001])
def test_voxels_in_another_unit_are_refused(tmp_path, size_mm):
    image = sitk.GetImageFromArray(np.zeros((2, 3, 4), np.int16))
    image.SetSpacing((1.0, 1.0, size_mm))
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    with pytest.raises(InputError, match=rf"CT a\.nrrd: expected voxels of 0\.005 to 50 mm, got 1 x 1 x {size_mm:g}"):
        read_volume(tmp_path / "a.nrrd")
