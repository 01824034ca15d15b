"""Pictures that are stored turned or mirrored, and say so: what is shown, and in which words it is said."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import STORED, dicom
from tiff_files import orientation_tags

from ReVertLib.geometry.layers import SourcedValue, StatedGeometry
from ReVertLib.imaging.orientation import (
    is_mirrored,
    picture_turn,
    shown_box,
    shown_px,
    shown_size,
    stored_px,
    turn_of_letters,
    turned,
    turned_back,
    turned_geometry,
)
from ReVertLib.imaging.radiograph import read_radiograph

UPRIGHT = np.add.outer(3 * np.arange(40), np.arange(60)).astype(np.uint8)  # 40 rows, 60 columns, brightest lower right
STORED_AS = {
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),  # shown after a quarter turn clockwise
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}
"""How the file holds the upright picture, by the orientation it states (EXIF 2.3, 4.6.4)."""


def test_letters_of_the_example():
    """The letter F as the EXIF standard draws it: stored, then shown."""
    letter = np.array([[1, 1], [1, 0], [1, 0]])
    assert turned(np.array([[1, 1, 1], [0, 0, 1]]), 8).tolist() == letter.tolist()
    assert turned(np.array([[1, 0, 0], [1, 1, 1]]), 6).tolist() == [[1, 1], [1, 0], [1, 0]]


@pytest.mark.parametrize(("turn", "stored"), STORED_AS.items())
def test_each_turn(turn, stored):
    np.testing.assert_array_equal(turned(stored, turn), UPRIGHT)
    assert is_mirrored(turn) == (turn in (2, 4, 5, 7))
    assert np.array_equal(turned_back(UPRIGHT, turn), stored)


def written(path: Path, array: np.ndarray, spacing=None, direction=None) -> Path:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    if spacing:
        image.SetSpacing(spacing)
    if direction is not None:
        image.SetDirection(np.ravel(direction).astype(float).tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("turn", "stored"), STORED_AS.items())
def test_exif_in_png_and_jpeg(tmp_path, turn, stored, order):
    exif = orientation_tags(turn, order)
    png, jpeg = written(tmp_path / "a.png", stored), written(tmp_path / "a.jpg", stored)
    data = png.read_bytes()  # the chunk goes behind the header's, which ends at 33
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    png.write_bytes(data[:33] + chunk + data[33:])
    data = jpeg.read_bytes()
    segment = b"Exif\0\0" + exif
    jpeg.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:])
    for path in (png, jpeg):
        radiograph = read_radiograph(path)
        assert radiograph.pixels.shape == UPRIGHT.shape
        assert np.abs(radiograph.pixels - UPRIGHT).max() <= (0 if path == png else 8)
        (note,) = radiograph.notes
        assert note.endswith(", as its EXIF orientation says; box and point refer to that")


@pytest.mark.parametrize("turn", [0, 1, 9, 300])
def test_no_turn_and_nonsense(tmp_path, turn):
    path = tmp_path / "a.tif"
    path.write_bytes(orientation_tags(turn))
    assert picture_turn(path, "TIFF") == 1
    path.write_bytes(b"II*\0\xff\xff\xff\xff")
    assert picture_turn(path, "TIFF") == 1


# Letters of rows and columns as stored, and what is shown: from the front L and F, from the side F and no mirror.
LETTERS = [
    ("L", "F", 1), ("R", "F", 2), ("R", "H", 3), ("L", "H", 4),
    ("F", "L", 5), ("F", "R", 6), ("H", "L", 8), ("H", "R", 7),
        ("A", "F", 1), ("P", "F", 1), ("A", "H", 3), ("P", "H", 3), ("F", "A", 6), ("H", "A", 8),
    ("L", "P", 1), ("R", "A", 1),
]  # fmt: skip


@pytest.mark.parametrize(("right", "down", "turn"), LETTERS)
def test_patient_directions(right, down, turn):
    assert turn_of_letters(right, down) == turn


def test_spacings_turn_with_the_picture():
    stated = StatedGeometry({"pixel_spacing_mm": (1, 2), "sdd_mm": 900}, {}, SourcedValue((3, 4), "tag"))
    assert turned_geometry(stated, 3) == stated
    turned_by_90 = turned_geometry(stated, 6)
    assert turned_by_90.parameters == {"pixel_spacing_mm": (2, 1), "sdd_mm": 900}
    assert turned_by_90.patient_spacing.value == (4, 3)


@pytest.mark.parametrize(
    ("position", "letters", "turn", "exchanged"),
    [
        ("AP", "LF", 1, False),
        ("AP", "RF", 2, False),
        ("AP", "RH", 3, False),
        ("PA", "LF", 1, True),  # as films of a beam from behind are hung: looks like AP, and is not turned
        ("PA", "RF", 2, True),
        ("LL", "AF", 1, False),
        ("LL", "PF", 2, False),
        ("RL", "PF", 1, False),
        ("RL", "AF", 2, False),
        ("", "RF", 2, False),
        ("", "PF", 1, False),
        ("AP", "", 1, False),
    ],
)
def test_dicom(tmp_path, position, letters, turn, exchanged):
    path = dicom(tmp_path / "a.dcm", ViewPosition=position, PatientOrientation=list(letters), ImagerPixelSpacing=[2, 1])
    radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.pixels, turned(STORED, turn))
    notes = "\n".join(radiograph.notes)
    assert ("as DICOM PatientOrientation (0020,0020) says" in notes) == (turn != 1)
    assert ("near and far are exchanged" in notes) == exchanged


def test_dicom_on_its_side_has_its_spacing_turned(tmp_path):
    path = dicom(tmp_path / "a.dcm", PatientOrientation=["F", "R"], ImagerPixelSpacing=[2, 1])
    radiograph = read_radiograph(path)
    assert radiograph.pixels.shape == STORED.shape[::-1]
    assert radiograph.stated.parameters["pixel_spacing_mm"] == (2, 1)


HALF, MIRROR = np.diag([-1.0, -1.0]), np.diag([-1.0, 1.0])


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_directions_of_a_header(tmp_path, suffix):
    half = read_radiograph(written(tmp_path / f"a{suffix}", UPRIGHT[::-1, ::-1], (0.5, 0.25), HALF))
    np.testing.assert_array_equal(half.pixels, UPRIGHT)
    assert "turned by 180 degrees" in half.notes[0]
    mirrored = read_radiograph(written(tmp_path / f"b{suffix}", UPRIGHT[:, ::-1], (0.5, 0.25), MIRROR))
    np.testing.assert_array_equal(mirrored.pixels, UPRIGHT)
    on_side = read_radiograph(written(tmp_path / f"c{suffix}", UPRIGHT.T, (0.5, 0.25), [[0, 1], [1, 0]]))
    np.testing.assert_array_equal(on_side.pixels, UPRIGHT)
    assert on_side.stated.parameters["pixel_spacing_mm"] == (0.25, 0.5)
    plain = read_radiograph(written(tmp_path / f"d{suffix}", UPRIGHT))
    assert (plain.notes, plain.doubts) == ((), ())


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii"])
def test_a_coronal_slice_stands_on_its_feet(tmp_path, suffix):
    """Rows run to the patient's right, columns to the head, as a volume of RAS axes holds it."""
    direction = [[-1, 0, 0], [0, 0, 1], [0, 1, 0]]
    radiograph = read_radiograph(written(tmp_path / f"a{suffix}", UPRIGHT[::-1, ::-1][None], (1, 1, 3), direction))
    np.testing.assert_array_equal(radiograph.pixels, UPRIGHT)
    assert radiograph.doubts == ()


def test_nifti_axes_by_default_and_others(tmp_path):
    """Axes of RAS are what other writers put without a thought; a single mirrored axis is no such default."""
    default = read_radiograph(written(tmp_path / "a.nii", UPRIGHT[None], (1, 1, 3), np.diag([-1, -1, 1])))
    np.testing.assert_array_equal(default.pixels, UPRIGHT)
    assert (len(default.notes), default.doubts) == (1, ())
    mirrored = read_radiograph(written(tmp_path / "b.nii", UPRIGHT[None], (1, 1, 3), np.diag([-1, 1, -1])))
    np.testing.assert_array_equal(mirrored.pixels, UPRIGHT)
    assert mirrored.doubts == (
        "the NIfTI header states that rows run to R and columns to P: it may be turned or mirrored",
    )


@pytest.mark.parametrize("turn", range(1, 9))
def test_pixels_and_boxes_follow_the_picture(turn):
    """Against the turned picture itself."""
    stored = np.arange(12).reshape(3, 4)
    shown = turned(stored, turn)
    assert shown_size((4, 3), turn) == shown.shape[::-1]
    pixels = np.array([(u, v) for v in range(3) for u in range(4)])
    there = shown_px(pixels, (4, 3), turn).astype(int)
    np.testing.assert_array_equal(shown[there[:, 1], there[:, 0]], stored.ravel())
    np.testing.assert_array_equal(stored_px(there, (4, 3), turn), pixels)
    u0, v0, u1, v1 = map(int, shown_box((1, 0, 3, 1), (4, 3), turn))
    assert sorted(shown[v0:v1, u0:u1].ravel()) == [1, 2]
