"""What the line needs of a DICOM header, and nothing more: no patient tag leaves this file, not even in an error.

pydicom reads it, because enhanced images keep their geometry in nested sequences; it is imported only when used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InputError

if TYPE_CHECKING:
    from pydicom import Dataset

_NOT_RADIOGRAPHS = ("CT", "MR", "NM", "PT", "US")
_IN_PATIENT = {"PixelSpacing": "(0028,0030)", "ObjectPixelSpacingInCenterOfBeam": "(0018,9404)"}
"""Spacings in the patient's plane, in the order of trust; times the magnification they are those at the detector."""


@dataclass(frozen=True)
class DicomHeader:
    """size_px: (columns, rows, frames). whole: whether there are as many bytes of pixels as that takes; GDCM would fill
    the rest with whatever the memory holds. bone_dark: whether bone is dark in the stored values.

    flip_sum: GDCM hands out flip_sum - v for each value v of the file (after its rescale), or v itself when None.
    parameters: the sidecar keys found. spacing_source: where the spacing is from, or why there is "none".
    """

    size_px: tuple[int, int, int]
    whole: bool
    bit_depth: int
    bone_dark: bool
    flip_sum: float | None
    parameters: dict
    spacing_source: str


def read_dicom_header(path: Path) -> DicomHeader:
    """The header of a DICOM radiograph; absent or meaningless geometry is left out.

    Raises InputError when the file is damaged, holds no pixels or is of a modality that makes no radiographs.
    """
    import pydicom

    try:
        dataset = pydicom.dcmread(path, defer_size="1 KB", force=True)
        return _interpreted(dataset, path.name)
    except (InputError, OSError):
        raise
    except Exception:  # damaged bytes raise anything, and the text may quote a patient tag: drop both
        raise InputError(f"image {path.name}: expected a whole DICOM image, got a damaged header") from None


def _interpreted(dataset: Dataset, name: str) -> DicomHeader:
    modality = str(dataset.get("Modality", ""))
    if modality in _NOT_RADIOGRAPHS:
        raise InputError(f"image {name}: expected a radiograph (CR, DX, RF, XA), got DICOM modality {modality}")
    if "PixelData" not in dataset:
        raise InputError(f"image {name}: expected an image, got a DICOM file without pixels (no image, or cut off)")
    columns, rows, frames = (int(_number(dataset, tag, 1)) for tag in ("Columns", "Rows", "NumberOfFrames"))
    bits = int(_number(dataset, "BitsStored", 16))
    monochrome1 = dataset.get("PhotometricInterpretation") == "MONOCHROME1"
    parameters, source = _geometry(dataset)
    return DicomHeader(
        size_px=(columns, rows, frames),
        whole=_pixel_bytes(dataset) >= columns * rows * frames * _number(dataset, "BitsAllocated", 16) / 8,
        bit_depth=bits,
        bone_dark=monochrome1 or dataset.get("PresentationLUTShape") == "INVERSE",
        flip_sum=_flip_sum(dataset, bits) if monochrome1 else None,
        parameters=parameters,
        spacing_source=source,
    )


def _pixel_bytes(dataset: Dataset) -> int:
    """Length of the pixel data, left unread in the file. Compressed pixels have no set length, for which DICOM puts the
    largest there is: right here, as their decoder sees for itself what is missing."""
    return dataset.get_item("PixelData", keep_deferred=True).length


def _flip_sum(dataset: Dataset, bits: int) -> float:
    """GDCM turns a stored value s of a MONOCHROME1 image into lowest + highest - s of what its bits can store, then
    rescales. So value and flipped value add up to slope * (lowest + highest) + 2 * intercept."""
    lowest_plus_highest = -1 if dataset.get("PixelRepresentation") == 1 else 2**bits - 1
    return _number(dataset, "RescaleSlope", 1.0) * lowest_plus_highest + 2 * _number(dataset, "RescaleIntercept", 0.0)


def _geometry(dataset: Dataset) -> tuple[dict, str]:
    """The sidecar keys that the header knows, and where the spacing among them is from."""
    sdd = _positive(dataset, "DistanceSourceToDetector")
    sod = _positive(dataset, "DistanceSourceToPatient")
    magnification = _positive(dataset, "EstimatedRadiographicMagnificationFactor") or (sdd and sod and sdd / sod)
    if not magnification or magnification <= 1:  # no object lies in its detector: 1 is what devices put by default
        magnification = None
    if sod is None and sdd and magnification:
        sod = sdd / magnification
    spacing, source = _spacing(dataset, magnification)
    found = {"sdd_mm": sdd, "sod_mm": sod, "pixel_spacing_mm": spacing}
    return {key: value for key, value in found.items() if value is not None}, source


def _spacing(dataset: Dataset, magnification: float | None) -> tuple[tuple[float, float] | None, str]:
    """Pixel spacing (u, v) at the detector, mm. DICOM names the distance between rows, our v, first."""
    at_detector = _positive_pair(dataset, "ImagerPixelSpacing")
    if at_detector:
        return at_detector[::-1], "DICOM ImagerPixelSpacing (0018,1164)"
    for keyword, tag in _IN_PATIENT.items():
        in_patient = _positive_pair(dataset, keyword)
        if in_patient and magnification:
            v, u = (magnification * spacing for spacing in in_patient)
            return (u, v), f"DICOM {keyword} {tag}, in the patient's plane, times magnification {magnification:.4g}"
        if in_patient:
            return None, f"none: DICOM {keyword} {tag} is in the patient's plane and the magnification is not known"
    return None, "none"


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    return next(iter(_numbers(dataset, keyword)), default)


def _positive(dataset: Dataset, keyword: str) -> float | None:
    value = _number(dataset, keyword, 0.0)
    return value if value > 0 else None


def _positive_pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    values = tuple(_numbers(dataset, keyword))
    return values if len(values) == 2 and min(values) > 0 else None


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    """The finite numbers of a tag, at the top or in the functional groups of an enhanced image; [] if it has none."""
    for place in _places(dataset):
        try:
            value = place.get(keyword)
            if value not in (None, ""):
                several = isinstance(value, Sequence) and not isinstance(value, str)
                values = [float(x) for x in (value if several else [value])]
                return values if all(map(math.isfinite, values)) else []
        except (TypeError, ValueError):
            return []
    return []


def _places(dataset: Dataset) -> list[Dataset]:
    """The dataset, then the macros of the functional groups shared by all frames, then those of the first frame."""
    groups = [dataset.get(f"{kind}FunctionalGroupsSequence") or [] for kind in ("Shared", "PerFrame")]
    macros = [macro for group in groups for item in group[:1] for macro in item if macro.VR == "SQ"]
    return [dataset, *(item for macro in macros for item in macro.value[:1])]
