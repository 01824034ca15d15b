"""What the line needs of a DICOM header, and nothing more: no patient tag leaves this file, not even in an error.

pydicom reads it, because enhanced images keep their geometry in nested sequences; it is imported only when used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ReVertLib.errors import InputError

from .dicom_tags import NOT_RADIOGRAPHS, NUMBER_TAGS, TEXT_TAGS, DicomFacts, dicom_facts
from .dicom_values import finite_numbers

if TYPE_CHECKING:
    from pydicom import Dataset

Read = TypeVar("Read")


@dataclass(frozen=True)
class DicomHeader:
    """size_px: (columns, rows, frames). whole: whether there are as many bytes of pixels as that takes; GDCM would fill
    the rest with whatever the memory holds. coding: compression and bits, for messages. facts: geometry and polarity.

    flip_sum: GDCM hands out flip_sum - v for each value v of the file (after its rescale), or v itself when None.
    padding: (lowest, highest) value, after the rescale, of pixels in which there is no picture. falls: whether the
    table through which it is shown gives high values to low ones, so that what is said of bone holds the other way
    round.
    """

    size_px: tuple[int, int, int]
    whole: bool
    coding: str
    bit_depth: int
    flip_sum: float | None
    padding: tuple[float, float] | None
    falls: bool
    facts: DicomFacts


def is_dicom(path: Path) -> bool:
    """Whether a file carries DICOM's own mark."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dicom_tags(path: Path) -> dict:
    """The tags that `dicom_facts` takes, of a file. Raises InputError when it is damaged."""
    return _read(path, _tags)


def read_dicom_header(path: Path) -> DicomHeader:
    """The header of a DICOM radiograph; absent or meaningless geometry is left out.

    Raises InputError when the file is damaged, holds no pixels or is of a modality that makes no radiographs.
    """
    return _read(path, lambda dataset: _interpreted(dataset, path.name))


def _read(path: Path, use: Callable[[Dataset], Read]) -> Read:
    """use(dataset); whatever goes wrong in it is a damaged header."""
    import pydicom

    try:
        return use(pydicom.dcmread(path, defer_size="1 KB", force=True))
    except (InputError, OSError):
        raise
    except Exception:  # damaged bytes raise anything, and the text may quote a patient tag: drop both
        raise InputError(f"image {path.name}: expected a whole DICOM image, got a damaged header") from None


def check_modality(modality: str, name: str) -> None:
    """Raises InputError for a modality that makes no radiographs."""
    if modality in NOT_RADIOGRAPHS:
        raise InputError(f"image {name}: expected a radiograph (CR, DX, RF, XA), got DICOM modality {modality}")


def _interpreted(dataset: Dataset, name: str) -> DicomHeader:
    check_modality(str(dataset.get("Modality", "")), name)
    if "PixelData" not in dataset:
        raise InputError(f"image {name}: expected an image, got a DICOM file without pixels (no image, or cut off)")
    columns, rows, frames = (int(_number(dataset, tag, 1)) for tag in ("Columns", "Rows", "NumberOfFrames"))
    bits = int(_number(dataset, "BitsStored", 16))
    facts = dicom_facts(_tags(dataset))
    return DicomHeader(
        size_px=(columns, rows, frames),
        whole=_pixel_bytes(dataset) >= columns * rows * frames * _number(dataset, "BitsAllocated", 16) / 8,
        coding=f"{_compression(dataset)}, {_number(dataset, 'BitsAllocated', 16):g} bits a pixel",
        bit_depth=bits,
        flip_sum=_flip_sum(dataset, bits) if facts.monochrome1 else None,
        padding=_padding(dataset),
        falls=_table_falls(dataset, "ModalityLUTSequence") != _table_falls(dataset, "VOILUTSequence"),
        facts=facts,
    )


def _compression(dataset: Dataset) -> str:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    return str(syntax.name) if syntax else "no transfer syntax"


def _pixel_bytes(dataset: Dataset) -> int:
    """Length of the pixel data, left unread in the file. Compressed pixels have no set length, for which DICOM puts the
    largest there is: right here, as their decoder sees for itself what is missing."""
    return dataset.get_item("PixelData", keep_deferred=True).length


def _flip_sum(dataset: Dataset, bits: int) -> float:
    """GDCM turns a stored value s of a MONOCHROME1 image into lowest + highest - s of what its bits can store, then
    rescales. So value and flipped value add up to slope * (lowest + highest) + 2 * intercept."""
    lowest_plus_highest = -1 if dataset.get("PixelRepresentation") == 1 else 2**bits - 1
    return _number(dataset, "RescaleSlope", 1.0) * lowest_plus_highest + 2 * _number(dataset, "RescaleIntercept", 0.0)


def _padding(dataset: Dataset) -> tuple[float, float] | None:
    """PixelPaddingValue (0028,0120) to PixelPaddingRangeLimit (0028,0121), after the rescale; None without any."""
    ends = [finite_numbers(dataset.get(f"PixelPadding{name}")) for name in ("Value", "RangeLimit")]
    stored = [next(iter(end)) for end in ends if end]
    if not ends[0] or _number(dataset, "SamplesPerPixel", 1) != 1:
        return None
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    shown = [slope * value + intercept for value in stored]
    return min(shown), max(shown)


def _table_falls(dataset: Dataset, keyword: str) -> bool:
    """Whether the first lookup table of a sequence ends lower than it begins."""
    for table in (dataset.get(keyword) or [])[:1]:
        data = table.get("LUTData")
        values = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.atleast_1d(data)
        return len(values) > 1 and int(values[-1]) < int(values[0])
    return False


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    return next(iter(finite_numbers(_first(_places(dataset), keyword))), default)


def _tags(dataset: Dataset) -> dict:
    """Texts from the top; numbers from there or from the functional groups of an enhanced image."""
    places = _places(dataset)
    return {keyword: dataset.get(keyword) for keyword in TEXT_TAGS} | {
        keyword: _first(places, keyword) for keyword in NUMBER_TAGS
    }


def _first(places: list[Dataset], keyword: str) -> object:
    """The value of a number's tag in the first place that has one; None where that is no number."""
    for place in places:
        try:
            value = place.get(keyword)
        except (TypeError, ValueError):
            return None
        if value not in (None, ""):
            return value
    return None


def _places(dataset: Dataset) -> list[Dataset]:
    """The dataset, then the macros of the functional groups shared by all frames, then those of the first frame."""
    groups = [dataset.get(f"{kind}FunctionalGroupsSequence") or [] for kind in ("Shared", "PerFrame")]
    macros = [macro for group in groups for item in group[:1] for macro in item if macro.VR == "SQ"]
    return [dataset, *(item for macro in macros for item in macro.value[:1])]


def only_dicom(folder: Path) -> Path:
    """The one DICOM image in a folder, beside which there may be a DICOMDIR. Raises InputError for none or several."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name.upper() != "DICOMDIR"]
    files = [path for path in files if is_dicom(path)]
    if len(files) != 1:
        got = f"{len(files)} of them: name one" if files else "a folder without any"
        raise InputError(f"image {folder.name}: expected a file, or a folder with one DICOM image, got {got}")
    return files[0]
