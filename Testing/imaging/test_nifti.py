"""NIfTI files: values as they are stored, the place that they state, and what is said of doubtful ones."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from ReVertLib.errors import InputError
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.labels import read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.imaging.volume import read_volume

VALUES = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 5
CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}
RAS = np.array([[2.0, 0, 0, -10], [0, 3, 0, 20], [0, 0, 4, 30]])


def nifti(array=VALUES, order="<", slope=0.0, intercept=0.0, sform=RAS, qform=None, units=2, size=None) -> bytes:
    """A file of version 1, made by hand. qform: (quaternion b, c, d, offset, spacing, qfac)."""
    header = bytearray(352)
    size = size or array.shape[::-1]
    struct.pack_into(order + "i", header, 0, 348)
    struct.pack_into(f"{order}{1 + len(size)}h", header, 40, len(size), *size)
    struct.pack_into(order + "hh", header, 70, CODES[array.dtype.str[1:]], 8 * array.dtype.itemsize)
    quaternion, offset, spacing, qfac = qform or ((0, 0, 0), (0, 0, 0), (2, 3, 4), 1)
    struct.pack_into(order + "4f", header, 76, qfac, *spacing)
    struct.pack_into(order + "3f", header, 108, 352, slope, intercept)
    header[123] = units
    struct.pack_into(order + "2h", header, 252, int(qform is not None), int(sform is not None))
    struct.pack_into(order + "6f", header, 256, *quaternion, *offset)
    struct.pack_into(order + "12f", header, 280, *(np.zeros(12) if sform is None else np.ravel(sform)))
    header[344:348] = b"n+1\0"
    return bytes(header) + array.astype(array.dtype.newbyteorder(order)).tobytes()


def read(tmp_path, content, what="CT"):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content))
    return read_volume(tmp_path / "a.nii.gz", what)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", CODES)
def test_all_kinds_of_numbers(tmp_path, kind, order):
    volume = read(tmp_path, nifti(np.abs(VALUES).astype(kind), order))
    assert np.array_equal(volume.array, np.abs(VALUES))
    assert volume.array.dtype == np.dtype(kind)
    assert np.allclose(volume.ijk_to_lps, [[-2, 0, 0, 10], [0, -3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]])


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_files_of_itk(tmp_path, kind, suffix):
    image = sitk.GetImageFromArray(np.abs(VALUES).astype(kind))
    image.SetSpacing((0.5, 0.7, 2.0))
    image.SetOrigin((-30.0, 12.0, 400.0))
    image.SetDirection((rotation_about("x", 30.0) @ rotation_about("z", 200.0)).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
    volume = read_volume(tmp_path / f"a{suffix}")
    assert np.array_equal(volume.array, np.abs(VALUES))
    assert np.allclose(volume.lps_from_ijk([[3, 2, 1]])[0], image.TransformIndexToPhysicalPoint((3, 2, 1)), atol=1e-4)


def test_slope_and_intercept(tmp_path):
    assert np.array_equal(read(tmp_path, nifti(slope=2.0, intercept=-1000.0)).array, 2.0 * VALUES - 1000)
    assert np.array_equal(read(tmp_path, nifti(slope=1.0, intercept=-1024.0)).array, VALUES - 1024.0)
    assert np.array_equal(read(tmp_path, nifti(slope=0.0, intercept=7.0)).array, VALUES)
    assert np.array_equal(read(tmp_path, nifti(slope=float("nan"), intercept=0.0)).array, VALUES)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("slope", [0.0, 2.0])
@pytest.mark.parametrize("what", ["CT", "label map"])
def test_values_that_are_no_numbers_are_refused(tmp_path, bad, slope, what):
    array = VALUES.astype(np.float32)
    array[1, 2, 3] = bad
    with pytest.raises(InputError, match=rf"{what} a.nii.gz: expected finite values, got NaN or infinity"):
        read(tmp_path, nifti(array, slope=slope), what)


def test_rounded_cosines_are_read_as_they_are(tmp_path):
    """ITK refuses these."""
    rounded = np.array([[0.0, -0.006, 2.0, -68.0], [-1.0, 0.0, 0.0, -85.0], [0.0, -1.0, -0.02, -205.0]])
    (tmp_path / "a.nii").write_bytes(nifti(sform=rounded))
    with pytest.raises(RuntimeError, match="orthonormal"):
        sitk.ReadImage(str(tmp_path / "a.nii"))
    volume = read_volume(tmp_path / "a.nii")
    assert np.allclose(volume.ijk_to_lps[:3], np.diag([-1, -1, 1]) @ rounded)
    assert np.array_equal(volume.array, VALUES)


def test_sheared_axes_are_refused(tmp_path):
    sheared = np.array([[1.0, 0, 0.3, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    with pytest.raises(InputError, match=r"CT a.nii.gz: expected axes at right angles, got some 17 degrees off"):
        read(tmp_path, nifti(sform=sheared))


def test_sform_and_qform_that_differ_are_said(tmp_path):
    same = ((0, 0, 0), (-10, 20, 30), (2, 3, 4), 1)
    read(tmp_path, nifti(qform=same))  # warnings are errors
    other = ((0, 0, 0), (-10, 20, 80), (2, 3, 4), 1)
    with pytest.warns(UserWarning, match=r"CT a.nii.gz: sform and qform put it 50 mm apart, the [sq]form is used"):
        read(tmp_path, nifti(qform=other))


def test_what_is_used_of_sform_and_qform_is_what_is_said(tmp_path):
    with pytest.warns(UserWarning) as told:
        volume = read(tmp_path, nifti(qform=((0, 0, 0), (-10, 20, 80), (2, 3, 4), 1)))
    used = "sform" if volume.ijk_to_lps[2, 3] == 30 else "qform"
    assert f"the {used} is used" in str(told[0].message)


def test_a_quaternion_by_hand(tmp_path):
    """Half a turn about z, then k backwards."""
    volume = read(tmp_path, nifti(sform=None, qform=((0, 0, 1), (5, 6, 7), (2, 3, 4), -1)))
    assert np.allclose(volume.ijk_to_lps, [[2, 0, 0, -5], [0, 3, 0, -6], [0, 0, -4, 7], [0, 0, 0, 1]], atol=1e-5)


def test_no_orientation_is_said(tmp_path):
    with pytest.warns(UserWarning, match=r"CT a.nii.gz: no orientation is stated, its axes are taken to run to the "):
        read(tmp_path, nifti(sform=None))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nifti()[:-1], "expected a whole NIfTI file, got one that is cut off"),
        (nifti()[:300], "expected a readable volume, got no NIfTI header"),
        (b"", "expected a readable volume, got no NIfTI header"),
        (nifti(size=(4, 3, 1, 2)), "expected a 3D volume of one component, got size 4 x 3 x 1 x 2"),
        (nifti(size=(4, 6)), "expected a 3D volume of one component, got size 4 x 6"),
        (nifti(size=(30000, 30000, 30000)), "expected a whole NIfTI file, got one that is cut off"),
    ],
)
def test_damage(tmp_path, content, message):
    with pytest.raises(InputError, match=f"CT a.nii.gz: {message}"):
        read(tmp_path, content)
    (tmp_path / "b.nii").write_bytes(content)
    with pytest.raises(InputError, match=f"label map b.nii: {message}"):
        read_label_map(tmp_path / "b.nii")


def test_damaged_archives(tmp_path):
    packed = bytearray(gzip.compress(nifti()))
    (tmp_path / "a.nii.gz").write_bytes(packed[:-20])
    with pytest.raises(InputError, match=r"CT a.nii.gz: expected a whole NIfTI file, got one that is cut off"):
        read_volume(tmp_path / "a.nii.gz")
    packed[-6] ^= 1  # of the sum that checks the content
    (tmp_path / "a.nii.gz").write_bytes(packed)
    with pytest.raises(InputError, match=r"CT a.nii.gz: expected a whole NIfTI file, got one that is damaged"):
        read_volume(tmp_path / "a.nii.gz")


def test_other_kinds_of_voxels(tmp_path):
    colour = bytearray(nifti())
    struct.pack_into("<h", colour, 70, 128)
    with pytest.raises(InputError, match="expected a 3D volume of one component, got size 4 x 3 x 2 and data type 128"):
        read(tmp_path, bytes(colour))


def test_a_pair_of_header_and_values(tmp_path):
    for bad, message in ((None, ""), (np.nan, "expected finite values, got NaN or infinity")):
        array = VALUES.astype(np.float32)
        if bad is not None:
            array[1, 2, 3] = bad
        content = bytearray(nifti(array))
        struct.pack_into("<f", content, 108, 0)
        content[344:348] = b"ni1\0"
        (tmp_path / "a.hdr").write_bytes(content[:348])
        (tmp_path / "a.img").write_bytes(content[352:])
        for name in ("a.hdr", "a.img"):
            if message:
                with pytest.raises(InputError, match=f"CT {name}: {message}"):
                    read_volume(tmp_path / name)
            else:
                assert np.array_equal(read_volume(tmp_path / name).array, VALUES)
    (tmp_path / "a.img").unlink()
    with pytest.raises(InputError, match="file side by side, got one of them"):
        read_volume(tmp_path / "a.hdr")


def nifti2(array, order="<", form=None, spacing=(0.5, 0.25, 1.0), units=2) -> bytes:
    """A file of version 2, made by hand. form: (3, 4) in RAS."""
    header, size = bytearray(544), array.shape[::-1]
    struct.pack_into(order + "i", header, 0, 540)
    header[4:12] = b"n+2\0\r\n\x1a\n"
    struct.pack_into(order + "hh", header, 12, CODES[array.dtype.str[1:]], 8 * array.dtype.itemsize)
    struct.pack_into(f"{order}{1 + len(size)}q", header, 16, len(size), *size)
    struct.pack_into(order + "4d", header, 104, 1.0, *spacing)
    struct.pack_into(order + "qdd", header, 168, 544, 1.0, 0.0)
    struct.pack_into(order + "ii", header, 344, 0, int(form is not None))
    struct.pack_into(order + "12d", header, 400, *(np.zeros(12) if form is None else np.ravel(form)))
    struct.pack_into(order + "i", header, 500, units)
    return bytes(header) + array.astype(array.dtype.newbyteorder(order)).tobytes()


FILM = np.arange(40 * 50, dtype=np.uint16).reshape(40, 50)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("flat", [False, True])
def test_a_radiograph_of_version_2(tmp_path, order, packed, flat):
    """Upright as RAS has it: rows to the left, columns to the feet."""
    form = [[-0.5, 0, 0, 0], [0, 0, 1, 0], [0, -0.25, 0, 0]]
    content = nifti2(FILM if flat else FILM[None], order, form)
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(gzip.compress(content) if packed else content)
    found = read_radiograph(path)
    assert np.array_equal(found.pixels, FILM)
    assert found.stated.parameters == {"pixel_spacing_mm": (0.5, 0.25)}
    assert (found.bit_depth, found.notes, found.doubts) == (16, (), ())
    path.write_bytes(gzip.compress(content[:-9]) if packed else content[:-9])
    with pytest.raises(InputError, match="expected a whole NIfTI file, got one that is cut off"):
        read_radiograph(path)


def test_version_2_without_forms_and_in_micrometres(tmp_path):
    (tmp_path / "a.nii").write_bytes(nifti2(FILM[None], spacing=(500.0, 250.0, 1000.0), units=3))
    assert read_radiograph(tmp_path / "a.nii").stated.parameters == {"pixel_spacing_mm": (0.5, 0.25)}


def test_version_2_is_turned_as_it_states_and_has_no_nan(tmp_path):
    upside_down = [[0.5, 0, 0, 0], [0, 0, 1, 0], [0, 0.25, 0, 0]]
    (tmp_path / "a.nii").write_bytes(nifti2(FILM[None], form=upside_down))
    found = read_radiograph(tmp_path / "a.nii")
    assert np.array_equal(found.pixels, FILM[::-1, ::-1]) and len(found.notes) == 1
    nan = np.where(FILM == 7, np.nan, FILM).astype(np.float32)
    (tmp_path / "a.nii").write_bytes(nifti2(nan[None]))
    with pytest.raises(InputError, match=r"image a\.nii: expected finite grey values, got NaN or infinity"):
        read_radiograph(tmp_path / "a.nii")


@pytest.mark.parametrize("order", "<>")
def test_a_volume_of_version_2(tmp_path, order):
    (tmp_path / "a.nii").write_bytes(nifti2(VALUES, order, RAS))
    volume = read_volume(tmp_path / "a.nii")
    assert np.array_equal(volume.array, VALUES)
    assert np.allclose(volume.ijk_to_lps, [[-2, 0, 0, 10], [0, -3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1]])


@pytest.mark.parametrize("where", ["sform", "qform"])
def test_a_place_that_is_no_number_is_refused(tmp_path, where):
    nan = {"sform": {"sform": np.full((3, 4), np.nan)}, "qform": {"qform": ((0, 0, 0), (np.nan, 0, 0), (2, 3, 4), 1)}}
    with pytest.raises(InputError, match=r"CT a\.nii\.gz: expected a place in finite numbers, got NaN or infinity"):
        read(tmp_path, nifti(**nan[where]))


def test_voxels_without_a_size_are_refused(tmp_path):
    content = nifti(sform=None, qform=((0, 0, 0), (0, 0, 0), (2, 0, 4), 1))
    with pytest.raises(InputError, match=r"CT a\.nii\.gz: expected voxels with a size, got none"):
        read(tmp_path, content)
