"""Reading one radiograph: grey values as they are in the file, bone bright, with the geometry the file knows.

PNG, TIFF and JPEG (8 and 16 bit), DICOM (CR, DX, RF, XA), NRRD, MHA and NIfTI with one slice. SimpleITK decodes them
but for some kinds of TIFF; the header is checked before any pixel is decoded.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.errors import InputError
from ReVertLib.files import existing_file, utf8_name
from ReVertLib.geometry.layers import StatedGeometry

from .dicom import is_dicom, only_dicom, read_dicom_header
from .dicom_tags import dicom_notes
from .grey_values import (
    depth_doubts,
    grey_plane,
    inverted_greys,
    is_object_on_white,
    plane_axes,
    without_padding,
)
from .jpeg import is_whole_jpeg, jpeg_coding
from .nifti import is_nifti, nifti_version, read_nifti_image
from .orientation import UPRIGHT, header_turn, picture_turn, turn_note, turned, turned_geometry
from .tiff import read_tiff, tiff_size

_FORMATS = {
    "PNGImageIO": "PNG",
    "TIFFImageIO": "TIFF",
    "JPEGImageIO": "JPEG",
    "GDCMImageIO": "DICOM",
    "NrrdImageIO": "NRRD",
    "MetaImageIO": "MHA",
    "NiftiImageIO": "NIfTI",
}
_SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".dcm", ".nrrd", ".mha", ".nii", ".nii.gz")
_CALIBRATED = ("NRRD", "MHA", "NIfTI")
"""Formats whose header may hold a spacing in mm. The dpi of PNG, TIFF and JPEG is for printers: never used."""


@dataclass(frozen=True)
class Radiograph:
    """One radiograph. pixels: (rows, columns) float32, bone bright, in the file's grey values.

    bit_depth: bits a pixel has in the file. inverted: whether bone was dark there, and each value v has become
    max + min - v. stated: what the file itself says of how it was taken. notes: what was done to it on the way; doubts:
    why it may be no such radiograph; one line each. The picture is turned as its file states (see `orientation`).
    """

    pixels: np.ndarray
    bit_depth: int
    inverted: bool
    stated: StatedGeometry = field(default_factory=StatedGeometry)
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read_radiograph(path: str | Path) -> Radiograph:
    """The radiograph in a file; see the module's text for the formats.

    path: a file, or a folder that holds one DICOM image.

    Raises InputError when there is no file, it is no image or cut off, holds several slices or frames, or cannot be a
    radiograph by its size or values. Missing geometry is no error here: `complete_geometry` names it.
    """
    path = only_dicom(Path(os.path.abspath(path))) if Path(path).is_dir() else existing_file(path, "image")
    try:
        with _quiet():
            kind = _format_of(path)
            own = {"DICOM": _read_dicom, "NIfTI-2": _read_nifti2}
            return own[kind](path) if kind in own else _read_plain(path, kind)
    except OSError as error:
        raise InputError(f"image {path.name}: expected a file that can be read, got {error.strerror}") from error


def radiographs_in(folder: Path) -> list[Path]:
    """The files of a folder that are called like images, or are DICOM by their content, in the order of their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    files = [path for path in files if path.name.upper() != "DICOMDIR"]
    return [path for path in files if path.name.lower().endswith(_SUFFIXES) or is_dicom(path)]


def radiograph_from_array(
    array: np.ndarray,
    *,
    name: str,
    bit_depth: int | None = None,
    inverted: bool | None = None,
    stated: StatedGeometry | None = None,
    turn: int = UPRIGHT,
    notes: Sequence[str] = (),
    doubts: Sequence[str] = (),
) -> Radiograph:
    """A Radiograph from grey values (rows, columns), or (k, j, i) with one slice, or with equal colour channels last.

    name: how messages call the image. bit_depth: that of the array if None. inverted: whether bone is dark in array;
    None looks (see `grey_values.is_object_on_white`); what looks like neither is taken to be bone bright. turn: by
    which the array is shown (see `orientation`); stated is of the stored one.
    The pixels are a copy. Raises InputError for values or a size that no radiograph has.
    """
    array = np.asarray(array)
    pixels = np.array(turned(grey_plane(array, name), turn), np.float32, order="C")
    if inverted is None:
        inverted = is_object_on_white(pixels)
    if inverted:
        pixels = inverted_greys(pixels)
    doubts = [*doubts, *depth_doubts(pixels)]
    stated = turned_geometry(stated or StatedGeometry(), turn)
    return Radiograph(pixels, bit_depth or 8 * array.itemsize, inverted, stated, tuple(notes), tuple(doubts))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the readers' own complaints to themselves; what matters of them becomes an InputError."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def _format_of(path: Path) -> str:
    """The format by content. DICOM is recognised by its prefix first, because SimpleITK does not recognise a
    truncated DICOM file."""
    if is_dicom(path):
        return "DICOM"
    with path.open("rb") as file:
        head = file.read(26)
    if head.startswith(b"\xff\xd8"):
        _check_jpeg(path)
    if head.startswith(b"\x89PNG") and head[25:] == b"\x04":
        got = "grey with an alpha channel: save it without transparency"
        raise InputError(f"image {path.name}: expected a PNG image that can be decoded, got {got}")
    kind = _FORMATS.get(sitk.ImageFileReader.GetImageIOFromFileName(utf8_name(path)))
    if kind is None and is_nifti(path) and nifti_version(path) == 2:
        return "NIfTI-2"
    if kind is None:
        *most, last = _FORMATS.values()
        got = "a file that is none of these, or is cut off"
        raise InputError(f"image {path.name}: expected a {', '.join(most)} or {last} image, got {got}")
    return kind


def _cut_off(path: Path, kind: str) -> InputError:
    got = "one that cannot be decoded (cut off, damaged, or of an unusual kind)"
    return InputError(f"image {path.name}: expected a whole {kind} image, got {got}")


def _check_jpeg(path: Path) -> None:
    """Raises InputError for a file that the decoder would not read, or would fill with grey."""
    coding, bits = jpeg_coding(path.read_bytes())
    if (coding, bits) != ("JPEG", 8):
        got = f"{coding} of {bits} bits a sample: save it as PNG or TIFF"
        raise InputError(f"image {path.name}: expected a JPEG image that can be decoded, got {got}")
    if not is_whole_jpeg(path.read_bytes()):
        raise _cut_off(path, "JPEG")


def _read_plain(path: Path, kind: str) -> Radiograph:
    """Any format but DICOM. No such header says whether bone is bright, so the picture has to."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(utf8_name(path))
    try:
        size = _tiff_size(path, reader) if kind == "TIFF" else _size(reader)
        u, v = plane_axes(size, path.name)
        if kind == "NIfTI" and is_nifti(path):
            read_nifti_image(path)
        array = read_tiff(path, _decoded) if kind == "TIFF" else sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError:  # its text holds the path and the decoder's internals, nothing a user can act on
        raise _cut_off(path, kind) from None
    if kind not in _CALIBRATED:
        turn = picture_turn(path, kind)
        notes = turn_note(turn, "its TIFF orientation" if kind == "TIFF" else "its EXIF orientation")
        return radiograph_from_array(array, name=path.name, turn=turn, notes=notes)
    return _calibrated(array, path.name, kind, (u, v), reader.GetSpacing(), reader.GetDirection())


def _read_nifti2(path: Path) -> Radiograph:
    """Version 2 of NIfTI, which ITK does not read."""
    found = read_nifti_image(path)
    u, v = plane_axes(found.array.shape[::-1], path.name)
    form = found.sform if found.sform is not None else found.qform
    matrix = np.diag(found.spacing_mm) if form is None else form[:3, :3]
    spacing = np.linalg.norm(matrix, axis=0)
    return _calibrated(found.array, path.name, "NIfTI", (u, v), spacing.tolist(), (matrix / spacing).ravel())


def _calibrated(
    array: np.ndarray, name: str, kind: str, axes: tuple[int, int], steps_mm: Sequence[float], cosines: Sequence[float]
) -> Radiograph:
    """A radiograph of which the header states spacing and directions of all axes, axes being those of the picture."""
    spacing, stated = (steps_mm[axes[0]], steps_mm[axes[1]]), StatedGeometry()
    if spacing != (1.0, 1.0):  # 1 mm is what writers put when they know none
        stated = StatedGeometry({"pixel_spacing_mm": spacing}, {"pixel_spacing_mm": "image header"})
    turn, notes, doubts = header_turn(cosines, kind, axes)
    return radiograph_from_array(array, name=name, stated=stated, turn=turn, notes=notes, doubts=doubts)


def _size(reader: sitk.ImageFileReader) -> tuple[int, ...]:
    reader.ReadImageInformation()
    return reader.GetSize()


def _tiff_size(path: Path, reader: sitk.ImageFileReader) -> tuple[int, ...]:
    """With the number of pages; ITK does not open every kind."""
    try:
        return _size(reader)
    except RuntimeError:
        columns, rows = tiff_size(path)
        if not columns * rows:
            raise
        return columns, rows


def _decoded(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(utf8_name(path)))


def _read_dicom(path: Path) -> Radiograph:
    """A DICOM image: its header says what bone is; GDCM, unlike pydicom alone, decodes every compression."""
    header = read_dicom_header(path)
    plane_axes(header.size_px, path.name)
    if not header.whole:
        raise _cut_off(path, "DICOM")
    try:
        array = sitk.GetArrayFromImage(sitk.ReadImage(utf8_name(path), imageIO="GDCMImageIO"))
    except RuntimeError:
        got = f"{header.coding}, which is cut off, damaged or of a kind that cannot be decoded"
        raise InputError(f"image {path.name}: expected a whole DICOM image, got {got}") from None
    array = array if header.flip_sum is None else header.flip_sum - array.astype(float)
    inverted = header.facts.bone_dark != header.falls
    return radiograph_from_array(
        array if header.padding is None else without_padding(array, header.padding, inverted),
        name=path.name,
        bit_depth=header.bit_depth,
        inverted=inverted,
        stated=header.facts.stated,
        turn=header.facts.turn,
        notes=dicom_notes(header.facts),
    )
