"""Reading radiographs that are not DICOM, and arrays; `test_dicom.py` has the rest."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import StatedGeometry
from ReVertLib.imaging.radiograph import Radiograph, radiograph_from_array, read_radiograph

ROWS, COLUMNS = 64, 48
SHORTS = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * 21 % 65521).astype(np.uint16)
BYTES = np.add.outer(2 * np.arange(ROWS), np.arange(COLUMNS)).astype(np.uint8)


def save(path: Path, array: np.ndarray, spacing: tuple[float, ...] = (1.0, 1.0), vector: bool = False) -> Path:
    image = sitk.GetImageFromArray(array, isVector=vector)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


def vertebra(dtype: type = np.uint16, peak: float = 50_000) -> np.ndarray:
    """A bright ellipse, thickest in its middle, on black."""
    v, u = np.mgrid[-1 : 1 : ROWS * 1j, -1 : 1 : COLUMNS * 1j]
    return (peak * np.sqrt(np.clip(1 - (u / 0.7) ** 2 - (v / 0.5) ** 2, 0, None))).astype(dtype)


def refuse(path: Path, message: str) -> None:
    """The file is refused in one line that holds message and begins with the file's name."""
    with pytest.raises(InputError, match=message) as caught:
        read_radiograph(path)
    assert str(caught.value).startswith(f"image {path.name}: expected ")
    assert "\n" not in str(caught.value)
    assert str(path.parent) not in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".nrrd", ".mha", ".nii", ".nii.gz"])
@pytest.mark.parametrize("array", [SHORTS, BYTES], ids=["16 bit", "8 bit"])
def test_grey_values_arrive_exactly(tmp_path, suffix, array):
    radiograph = read_radiograph(save(tmp_path / f"Wirbelsäule 3{suffix}", array))
    assert radiograph.pixels.dtype == np.float32
    np.testing.assert_array_equal(radiograph.pixels, array)
    assert radiograph.bit_depth == 8 * array.itemsize
    assert (radiograph.inverted, radiograph.stated) == (False, StatedGeometry())


def test_jpeg_is_close(tmp_path):
    radiograph = read_radiograph(save(tmp_path / "a.jpg", BYTES))
    assert np.abs(radiograph.pixels - BYTES).max() <= 6
    assert radiograph.bit_depth == 8


def test_format_is_known_by_content_not_by_suffix(tmp_path):
    path = save(tmp_path / "a.png", SHORTS).rename(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read_radiograph(path).pixels, SHORTS)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii.gz"])
def test_spacing_of_a_header_in_mm(tmp_path, suffix):
    radiograph = read_radiograph(save(tmp_path / f"a{suffix}", SHORTS, (0.25, 0.5)))
    assert radiograph.stated.parameters == {"pixel_spacing_mm": (0.25, 0.5)}
    assert radiograph.stated.sources == {"pixel_spacing_mm": "image header"}


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_printing_resolution_is_no_spacing(tmp_path, suffix):
    radiograph = read_radiograph(save(tmp_path / f"a{suffix}", BYTES, (0.25, 0.5)))
    assert radiograph.stated == StatedGeometry()


@pytest.mark.parametrize(("axis", "spacing"), [(0, (0.5, 0.25)), (1, (0.5, 2.0)), (2, (0.25, 2.0))])
@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii"])
def test_one_slice_in_any_axis(tmp_path, suffix, axis, spacing):
    path = save(tmp_path / f"a{suffix}", np.expand_dims(SHORTS, axis), (0.5, 0.25, 2.0))
    radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.pixels, SHORTS)
    assert radiograph.stated.parameters["pixel_spacing_mm"] == spacing


@pytest.mark.parametrize("channels", [3, 4])
def test_equal_colour_channels_are_grey(tmp_path, channels):
    colours = np.stack([BYTES] * 3 + [np.full_like(BYTES, 255)] * (channels - 3), -1)
    np.testing.assert_array_equal(read_radiograph(save(tmp_path / "a.png", colours, vector=True)).pixels, BYTES)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".nrrd"])
def test_dark_vertebra_on_white_is_turned(tmp_path, suffix):
    radiograph = read_radiograph(save(tmp_path / f"a{suffix}", 60_000 - vertebra()))
    assert radiograph.inverted
    low, high = 60_000 - int(vertebra().max()), 60_000
    np.testing.assert_array_equal(radiograph.pixels, low + high - (60_000.0 - vertebra()))
    assert radiograph.pixels[0, 0] == radiograph.pixels.min()


def test_dark_vertebra_on_white_is_turned_in_jpeg_too(tmp_path):
    radiograph = read_radiograph(save(tmp_path / "a.jpg", 255 - vertebra(np.uint8, 255)))
    assert radiograph.inverted
    assert np.abs(radiograph.pixels - vertebra(np.uint8, 255)).max() < 30


def touched(array: np.ndarray, row: int, column: int) -> np.ndarray:
    """One pixel made dark."""
    array = array.copy()
    array[row, column] = array.min()
    return array


def framed() -> np.ndarray:
    """A picture with a white margin."""
    array = np.full((ROWS, COLUMNS), 255, np.uint8)
    array[5:-8, 3:-4] = BYTES[5:-8, 3:-4]
    return array


@pytest.mark.parametrize(
    "array",
    [
        vertebra(),
        SHORTS,
        *(touched(60_000 - vertebra(), *at) for at in ((0, 9), (-1, 9), (9, 0), (9, -1))),
        framed(),
        np.maximum(60_000 - vertebra(), 65_535 * (BYTES == 60)),
    ],
    ids=["bone bright", "no border", "top", "bottom", "left", "right", "framed", "border below the brightest"],
)
def test_anything_else_is_left_as_it_is(array):
    radiograph = radiograph_from_array(array, name="a")
    assert not radiograph.inverted
    np.testing.assert_array_equal(radiograph.pixels, array)


def test_the_caller_may_know_better():
    dark = 60_000 - vertebra()
    assert not radiograph_from_array(dark, name="a", inverted=False).inverted
    turned = radiograph_from_array(np.array([[3.0] * 40, [10.0] * 40] * 20), name="a", inverted=True)
    np.testing.assert_array_equal(turned.pixels[:2, 0], [10, 3])
    assert turned.inverted


def test_array_is_copied_and_facts_are_kept():
    array = BYTES.astype(np.float32)[None]
    stated = StatedGeometry({"sdd_mm": 1000.0}, {"sdd_mm": "set by hand"})
    radiograph = radiograph_from_array(array, name="a", bit_depth=12, stated=stated)
    array[:] = 0
    assert radiograph == Radiograph(radiograph.pixels, 12, False, stated)
    np.testing.assert_array_equal(radiograph.pixels, BYTES)
    assert radiograph.pixels.flags["C_CONTIGUOUS"]
    assert radiograph.pixels.flags["WRITEABLE"]


def test_no_file(tmp_path):
    refuse(tmp_path / "a.png", "expected an existing file, got none")
    (tmp_path / "b.png").mkdir()
    refuse(tmp_path / "b.png", "expected a file, or a folder with one DICOM image, got a folder without any")


@pytest.mark.parametrize("content", [b"", b"no image at all\n" * 40], ids=["empty", "text"])
def test_not_an_image(tmp_path, content, capfd):
    (tmp_path / "a.png").write_bytes(content)
    refuse(
        tmp_path / "a.png", "expected a PNG, TIFF, .* or NIfTI image, got a file that is none of these, or is cut off"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".nii", ".nii.gz", ".nrrd", ".tif"])
@pytest.mark.parametrize("share", [0.4, 0.95])
def test_cut_off_file(tmp_path, suffix, share, capfd):
    noise = np.random.default_rng(0).integers(0, 255, (200, 100)).astype(np.uint8)
    path = save(tmp_path / f"a{suffix}", noise)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refuse(path, "cut off")
    assert capfd.readouterr() == ("", "")


def test_reader_complaints_stay_inside(tmp_path, capfd):
    """The NIfTI header's matrix scales by 2 where its pixel size is 1, of which the reader would warn."""
    path = save(tmp_path / "a.nii", SHORTS)
    data = bytearray(path.read_bytes())
    struct.pack_into("<hh", data, 252, 1, 1)
    struct.pack_into("<12f", data, 280, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0)
    path.write_bytes(data)
    np.testing.assert_array_equal(read_radiograph(path).pixels, SHORTS)
    assert capfd.readouterr() == ("", "")


def test_cut_off_mha(tmp_path):
    path = save(tmp_path / "a.mha", SHORTS)
    path.write_bytes(path.read_bytes()[:-100])
    refuse(path, "expected a whole MHA image, got one that cannot be decoded .*cut off")


def test_colour_photo(tmp_path):
    colours = np.stack([BYTES, BYTES, BYTES + 1], -1)
    for suffix in (".png", ".tif"):
        refuse(save(tmp_path / f"a{suffix}", colours, vector=True), "expected a grey image, got colour")


def test_what_cannot_be_decoded_is_named(tmp_path, capfd):
    save(tmp_path / "a.png", np.stack([BYTES, BYTES], -1), vector=True)
    refuse(tmp_path / "a.png", "expected a PNG image that can be decoded, got grey with an alpha channel")
    data = save(tmp_path / "a.jpg", BYTES).read_bytes()
    frame = data.index(b"\xff\xc2")  # progressive, as ITK writes
    (tmp_path / "b.jpg").write_bytes(data[: frame + 4] + b"\x0c" + data[frame + 5 :])
    refuse(tmp_path / "b.jpg", "got JPEG of 12 bits a sample: save it as PNG or TIFF$")
    (tmp_path / "c.jpg").write_bytes(data[: frame + 1] + b"\xc3" + data[frame + 2 :])
    refuse(tmp_path / "c.jpg", "got lossless JPEG of 8 bits a sample: save it as PNG or TIFF$")
    assert capfd.readouterr() == ("", "")


def test_constant_image(tmp_path):
    refuse(save(tmp_path / "a.png", np.full_like(SHORTS, 7)), "with contrast, got the constant value 7$")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_no_numbers(tmp_path, value):
    array = SHORTS.astype(float)
    array[3, 4] = value
    refuse(save(tmp_path / "a.nrrd", array), "expected finite grey values, got NaN or infinity")


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_in_nifti_is_seen_in_the_file(tmp_path, suffix, kind, value):
    """ITK's reader turns it into 0."""
    array = SHORTS.astype(kind)
    array[-1, -1] = value
    path = save(tmp_path / f"a{suffix}", array)
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[-1, -1] == 0
    refuse(path, "expected finite grey values, got NaN or infinity$")


@pytest.mark.parametrize(("levels", "doubted"), [(2, True), (16, True), (17, False)])
def test_few_grey_levels_are_doubted(tmp_path, levels, doubted):
    radiograph = read_radiograph(save(tmp_path / "a.png", (SHORTS % levels * 3000).astype(np.uint16)))
    assert [doubt.startswith(f"it has only {levels} grey levels") for doubt in radiograph.doubts] == [True] * doubted


def test_grey_with_alpha_is_grey():
    both = np.stack([BYTES, np.full_like(BYTES, 255)], -1)
    np.testing.assert_array_equal(radiograph_from_array(both, name="a").pixels, BYTES)


def test_values_that_are_no_grey():
    for array in (SHORTS + 1j, SHORTS.astype(str), SHORTS.astype(object)):
        with pytest.raises(InputError, match="image node: expected real numbers as grey values, got "):
            radiograph_from_array(array, name="node")


@pytest.mark.parametrize("shape", [(1, 1), (31, 100), (100, 31), (1, 500), (500, 1)])
def test_too_small(tmp_path, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(np.uint16)
    refuse(save(tmp_path / "a.png", array), f"expected 32 to 8192 pixels a side, got {shape[1]} x {shape[0]}$")
    with pytest.raises(InputError, match=f"got {shape[1]} x {shape[0]}$"):
        radiograph_from_array(array, name="a")
    assert radiograph_from_array(BYTES[:32, :32], name="a").pixels.shape == (32, 32)


def test_too_large_is_seen_in_the_header(tmp_path):
    """The file has no pixels at all: whoever decodes first complains of something else."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 12_000, 12_000, 16, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    refuse(tmp_path / "a.png", "expected 32 to 8192 pixels a side, got 12000 x 12000$")


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".nii", ".tif"])
def test_stack(tmp_path, suffix):
    stack = np.stack([SHORTS] * 5)
    refuse(save(tmp_path / f"a{suffix}", stack, (1.0,) * 3), "expected a single slice or frame, got 5$")
    with pytest.raises(InputError, match=r"image node: expected a single slice or frame, got 5$"):
        radiograph_from_array(stack, name="node")


def test_reading_a_png_loads_neither_pydicom_nor_torch(tmp_path):
    path = save(tmp_path / "a.png", SHORTS)
    code = f"""
import sys
from ReVertLib.imaging.radiograph import read_radiograph
read_radiograph({str(path)!r})
print(sorted({{"pydicom", "torch", "vtk", "scipy"}} & set(sys.modules)))
"""
    folder = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
