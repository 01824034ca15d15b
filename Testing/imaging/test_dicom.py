"""Reading DICOM radiographs: polarity, geometry, compression, and what is refused."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import DISTANCES, SOP_CLASSES, STORED, dicom, group
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import SourcedValue, StatedGeometry
from ReVertLib.geometry.sidecar import complete_geometry
from ReVertLib.imaging.radiograph import read_radiograph

LOW, HIGH = 100.0, 100.0 + 64 * 48 - 1


def parameters(path: Path, **tags) -> dict:
    return read_radiograph(dicom(path / "a.dcm", **tags)).stated.parameters


def refuse(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_radiograph(path)
    text = str(caught.value)
    assert text.startswith(f"image {path.name}: expected ")
    assert not any(secret in text for secret in ("Secret", "Anna", "4711", "1963", "\n", str(path.parent)))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("modality", SOP_CLASSES)
@pytest.mark.parametrize("name", ["a.dcm", "IM0001"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_grey_values_arrive_exactly(tmp_path, modality, name, syntax):
    radiograph = read_radiograph(dicom(tmp_path / name, Modality=modality, syntax=syntax))
    np.testing.assert_array_equal(radiograph.pixels, STORED)
    assert (radiograph.bit_depth, radiograph.inverted) == (12, False)
    assert radiograph.stated == StatedGeometry()


@pytest.mark.parametrize("modality", SOP_CLASSES)
def test_rescale_is_applied(tmp_path, modality):
    path = dicom(tmp_path / "a.dcm", Modality=modality, RescaleSlope=0.5, RescaleIntercept=-7, RescaleType="US")
    np.testing.assert_array_equal(read_radiograph(path).pixels, 0.5 * STORED - 7)


@pytest.mark.parametrize(
    "tags",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "rle": True},
        {"PhotometricInterpretation": "MONOCHROME1", "Modality": "XA"},
        {"PhotometricInterpretation": "MONOCHROME1", "Modality": "CR", "bits": 16},
    ],
    ids=["MONOCHROME1", "INVERSE", "both", "RLE", "XA", "CR 16 bit"],
)
def test_dark_bone_is_turned_exactly_once(tmp_path, tags):
    radiograph = read_radiograph(dicom(tmp_path / "a.dcm", **tags))
    assert radiograph.inverted
    np.testing.assert_array_equal(radiograph.pixels, LOW + HIGH - STORED.astype(float))


@pytest.mark.parametrize("modality", SOP_CLASSES)
def test_dark_bone_with_rescale(tmp_path, modality):
    tags = {"RescaleSlope": 2, "RescaleIntercept": -5, "RescaleType": "US", "Modality": modality}
    radiograph = read_radiograph(dicom(tmp_path / "a.dcm", PhotometricInterpretation="MONOCHROME1", **tags))
    np.testing.assert_array_equal(radiograph.pixels, 2 * (LOW + HIGH - STORED.astype(float)) - 5)


def table(values) -> pydicom.Sequence:
    """A lookup table of 12 bits for a DICOM file."""
    item = pydicom.Dataset()
    item.LUTDescriptor = [len(values), 0, 12]
    item.add_new("LUTData", "OW", np.asarray(values, np.uint16).tobytes())
    return pydicom.Sequence([item])


RISING, FALLING = np.arange(4096), np.arange(4096)[::-1]


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
@pytest.mark.parametrize("values", [RISING, FALLING], ids=["rising", "falling"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_falling_table_exchanges_bright_and_dark(tmp_path, keyword, values, photometric):
    tags = {keyword: table(values), "PhotometricInterpretation": photometric}
    radiograph = read_radiograph(dicom(tmp_path / "a.dcm", **tags))
    dark = (photometric == "MONOCHROME1") != (values is FALLING)
    assert radiograph.inverted is dark
    expected = LOW + HIGH - STORED.astype(float) if dark else STORED
    np.testing.assert_array_equal(radiograph.pixels, expected)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("value", "limit"), [(0, None), (4095, None), (4000, 4095)])
def test_padding_is_never_bone(tmp_path, photometric, value, limit):
    """A frame of padding, where it would be bright, becomes as dark as what shows the least; a dark one stays."""
    stored = STORED.copy()
    stored[:5], stored[5] = value, limit or value
    tags = {"PixelPaddingValue": value, "RescaleSlope": 2, "RescaleIntercept": -5, "RescaleType": "US"}
    tags |= {"PixelPaddingRangeLimit": limit} if limit else {}
    radiograph = read_radiograph(dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation=photometric, **tags))
    inside = radiograph.pixels[6:]
    assert radiograph.pixels[:6].max() <= inside.min()
    sign = -1 if photometric == "MONOCHROME1" else 1
    np.testing.assert_array_equal(inside - inside[0, 0], sign * 2.0 * (STORED[6:].astype(float) - STORED[6, 0]))


def test_signed_values(tmp_path):
    signed = STORED.astype(np.int16) - 1000
    np.testing.assert_array_equal(read_radiograph(dicom(tmp_path / "a.dcm", signed, bits=16)).pixels, signed)
    turned = read_radiograph(dicom(tmp_path / "b.dcm", signed, bits=16, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(turned.pixels, signed[::-1, ::-1])


def test_what_the_header_says_is_not_second_guessed(tmp_path):
    """Dark on white, but MONOCHROME2: the rule for plain images must not act."""
    stored = np.full((64, 48), 4000, np.uint16)
    stored[20:40, 15:30] = np.tri(20, 15, dtype=np.uint16) * 900
    radiograph = read_radiograph(dicom(tmp_path / "a.dcm", stored))
    assert not radiograph.inverted
    np.testing.assert_array_equal(radiograph.pixels, stored)


def test_compressed_files(tmp_path):
    np.testing.assert_array_equal(read_radiograph(dicom(tmp_path / "a.dcm", rle=True)).pixels, STORED)
    for compressor in ("JPEG", "JPEG2000"):
        path = tmp_path / f"{compressor}.dcm"
        sitk.WriteImage(sitk.GetImageFromArray(STORED), str(path), useCompression=True, compressor=compressor)
        assert pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.is_compressed
        np.testing.assert_array_equal(read_radiograph(path).pixels, STORED)


def test_geometry_at_the_detector(tmp_path):
    """Rows are 0.4 mm apart, columns 0.2 mm; the spacing in the patient goes beside it."""
    tags = {"Modality": "XA", "ImagerPixelSpacing": [0.4, 0.2], "PixelSpacing": [0.3, 0.1]}
    stated = read_radiograph(dicom(tmp_path / "a.dcm", **DISTANCES, **tags)).stated
    assert stated.parameters == {"sdd_mm": 1000.0, "sod_mm": 800.0, "pixel_spacing_mm": (0.2, 0.4)}
    assert stated.sources["pixel_spacing_mm"] == "DICOM ImagerPixelSpacing (0018,1164)"
    assert stated.patient_spacing == SourcedValue((0.1, 0.3), "DICOM PixelSpacing (0028,0030)")
    assert complete_geometry(stated.parameters, (48, 64)).principal_point_px == (23.5, 31.5)


def test_a_spacing_in_the_patient_that_only_repeats_the_detectors_is_none(tmp_path):
    same = dicom(tmp_path / "a.dcm", **DISTANCES, ImagerPixelSpacing=[0.4, 0.2], PixelSpacing=[0.4, 0.2])
    assert read_radiograph(same).stated.patient_spacing is None


def test_spacing_in_the_patient_is_told_from_that_at_the_detector(tmp_path):
    stated = read_radiograph(dicom(tmp_path / "a.dcm", PixelSpacing=[0.4, 0.2], DistanceSourceToDetector=1000)).stated
    assert stated.parameters == {"sdd_mm": 1000.0}
    assert stated.patient_spacing == SourcedValue((0.2, 0.4), "DICOM PixelSpacing (0028,0030)")


@pytest.mark.parametrize("kind", ["Shared", "PerFrame"])
def test_enhanced_image_keeps_its_geometry_in_groups(tmp_path, kind):
    inner = group(ObjectPixelSpacingInCenterOfBeam=[0.4, 0.2], DistanceSourceToDetector=1000)
    tags = {f"{kind}FunctionalGroupsSequence": inner, "DistanceSourceToPatient": 800, "Modality": "XA"}
    stated = read_radiograph(dicom(tmp_path / "a.dcm", **tags)).stated
    assert stated.parameters == {"sdd_mm": 1000, "sod_mm": 800}
    assert stated.patient_spacing.value == pytest.approx((0.2, 0.4))
    assert stated.patient_spacing.source == "DICOM ObjectPixelSpacingInCenterOfBeam (0018,9404)"


def test_without_spacing_it_reads_and_the_geometry_says_what_is_missing(tmp_path):
    stated = read_radiograph(dicom(tmp_path / "a.dcm", Modality="RF", **DISTANCES)).stated
    message = "^geometry: expected pixel_spacing_mm from a sidecar, DICOM or --pixel-spacing, got none$"
    with pytest.raises(InputError, match=message):
        complete_geometry(stated.parameters, (48, 64))


@pytest.mark.parametrize("spacing", [b"0.0\\0.2 ", b"x.0\\0.2 ", b"0.2\\0.2\\"])
def test_meaningless_geometry_is_left_out_in_silence(tmp_path, spacing, capfd, recwarn):
    path = dicom(
        tmp_path / "a.dcm", DistanceSourceToDetector=0, DistanceSourceToPatient=-5, ImagerPixelSpacing=[0, 0.2]
    )
    data = path.read_bytes()
    assert data.count(b"0.0\\0.2 ") == 1
    path.write_bytes(data.replace(b"0.0\\0.2 ", spacing))
    radiograph = read_radiograph(path)
    assert radiograph.stated == StatedGeometry()
    assert not recwarn.list
    assert capfd.readouterr().out == ""  # ITK may print to stderr of its own accord: it reads the broken number too


def test_empty_tags_are_absent(tmp_path):
    empty = dict.fromkeys(("DistanceSourceToDetector", "ImagerPixelSpacing", "PixelSpacing", "NumberOfFrames"))
    assert parameters(tmp_path, **empty, Modality="XA", DistanceSourceToPatient=800) == {"sod_mm": 800.0}


def test_number_written_as_text_is_one_number(tmp_path):
    path = dicom(tmp_path / "a.dcm", DistanceSourceToDetector=1000)
    path.write_bytes(path.read_bytes().replace(b"\x18\x00\x10\x11DS", b"\x18\x00\x10\x11LO"))
    assert read_radiograph(path).stated.parameters == {"sdd_mm": 1000.0}


def test_overlong_text_does_not_warn(tmp_path, recwarn):
    with pytest.warns(UserWarning, match="exceeds the maximum length"):
        path = dicom(tmp_path / "a.dcm", PresentationLUTShape="IDENTITY, OR NEARLY SO")
    assert not read_radiograph(path).inverted
    assert not recwarn.list


def test_infinite_distance_is_absent(tmp_path):
    path = dicom(tmp_path / "a.dcm", DistanceSourceToDetector=987.25)
    path.write_bytes(path.read_bytes().replace(b"987.25", b"inf   "))
    assert read_radiograph(path).stated.parameters == {}


def test_a_radiograph_carries_no_patient(tmp_path):
    path = dicom(tmp_path / "a.dcm", **DISTANCES, ImagerPixelSpacing=[0.4, 0.2])
    text = repr(read_radiograph(path))
    assert not any(secret in text for secret in ("Secret", "Anna", "4711", "1963"))


@pytest.mark.parametrize("rle", [False, True])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_cut_off_file(tmp_path, share, rle, capfd):
    path = dicom(tmp_path / "a.dcm", rle=rle)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refuse(path, "cut off")
    assert capfd.readouterr() == ("", "")


def test_damaged_header(tmp_path):
    """A type of value that DICOM does not have, in a tag that is looked at."""
    path = dicom(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"\x08\x00\x60\x00CS", b"\x08\x00\x60\x00C|"))
    refuse(path, "expected a whole DICOM image, got a damaged header$")


def test_any_damage_is_an_input_error(tmp_path):
    data = dicom(tmp_path / "a.dcm", **DISTANCES, ImagerPixelSpacing=[0.4, 0.2]).read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        damaged = bytearray(data)
        for at in random.integers(132, len(data) - STORED.nbytes, 2):
            damaged[at] = random.integers(256)
        (tmp_path / "b.dcm").write_bytes(damaged)
        try:
            read_radiograph(tmp_path / "b.dcm")
        except InputError:
            refused += 1
    assert 0 < refused < 40


@pytest.mark.parametrize("rle", [False, True])
def test_header_that_promises_more_pixels(tmp_path, rle):
    path = dicom(tmp_path / "a.dcm", rle=rle)
    path.write_bytes(
        path.read_bytes().replace(b"\x28\x00\x10\x00US\x02\x00\x40\x00", b"\x28\x00\x10\x00US\x02\x00\x41\x00")
    )
    refuse(path, "cut off, damaged")


def test_stack_of_frames(tmp_path):
    refuse(dicom(tmp_path / "a.dcm", np.stack([STORED] * 3), NumberOfFrames=3), "a single slice or frame, got 3$")


def test_no_pixels(tmp_path):
    path = dicom(tmp_path / "a.dcm", Modality="SR")
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    refuse(path, "expected an image, got a DICOM file without pixels")


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_slice_of_a_volume(tmp_path, modality):
    path = dicom(tmp_path / "a.dcm", Modality=modality)
    refuse(path, rf"expected a radiograph \(CR, DX, RF, XA\), got DICOM modality {modality}$")


@pytest.mark.parametrize("shape", [(1, 1), (12_000, 12_000)])
def test_size_is_seen_in_the_header(tmp_path, shape):
    """Most pixels are absent, so whoever looks at them first complains of something else."""
    path = dicom(tmp_path / "a.dcm", Rows=shape[0], Columns=shape[1])
    refuse(path, f"expected 32 to 8192 pixels a side, got {shape[1]} x {shape[0]}$")


def test_constant_image(tmp_path):
    refuse(dicom(tmp_path / "a.dcm", np.full_like(STORED, 9)), "with contrast, got the constant value 9$")


def test_a_compression_that_cannot_be_decoded_is_named(tmp_path):
    """One that nobody has, by its header."""
    path = dicom(tmp_path / "a.dcm", rle=True)
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.9\0"))
    refuse(
        path,
        "expected a whole DICOM image, got 1.2.840.10008.1.2.9, 16 bits a pixel, which is cut off",
    )


def test_a_folder_with_one_image_is_that_image(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    for message in ("got a folder without any$", None, "got 2 of them: name one$"):
        if message:
            with pytest.raises(InputError, match=f"^image study: expected a file, or a folder with one .*{message}"):
                read_radiograph(folder)
        else:
            np.testing.assert_array_equal(read_radiograph(folder).pixels, STORED)
        (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
        (folder / "notes.txt").write_text("none")
        dicom(folder / ("b" if (folder / "a").exists() else "a"))
