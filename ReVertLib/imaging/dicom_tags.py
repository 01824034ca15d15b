"""What the tags of a DICOM radiograph mean: lengths, direction of view, polarity.

Takes tags by keyword, wherever they were read: a file (`dicom.py`) or a database that hands out text.

The beam. DICOM's positioner angles (PS3.3 C.8.7.5.1.2) say where the detector is, seen from the patient, like longitude
and latitude: at 0, 0 it faces the chest; primary +90 is the patient's left (LAO), secondary +90 the head (CRA). So for
primary a and secondary b the beam, from source to detector, runs in LPS along (sin a cos b, -cos a cos b, sin b).
Our camera's +Z for yaw y and pitch p is (-sin y cos p, cos y cos p, sin p) (`views.view_rotation`), and both agree
for y = a + 180 and p = b: an undertable tube at 0, 0 is a PA view. The angles are the patient's, but the machine works
them out from how it believes the patient lies; head first and supine is assumed, and the source says so.

The picture. Films are stored as if one faced the patient, whichever way the beam ran; PatientOrientation (0020,0020)
tells. Where that is a mirror image of what the tube sees, no camera of ours has taken it; but the camera on the
opposite side, looking back along the beam, sees the same but for what is magnified more, and stands in for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ReVertLib.geometry.views import view_rotation

TEXT_TAGS = {
    "Modality": "0008,0060",
    "PatientPosition": "0018,5100",
    "ViewPosition": "0018,5101",
    "PositionerType": "0018,1508",
    "PatientOrientation": "0020,0020",
    "PhotometricInterpretation": "0028,0004",
    "PresentationLUTShape": "2050,0020",
}
NUMBER_TAGS = {
    "DistanceSourceToDetector": "0018,1110",
    "DistanceSourceToPatient": "0018,1111",
    "EstimatedRadiographicMagnificationFactor": "0018,1114",
    "ImagerPixelSpacing": "0018,1164",
    "PositionerPrimaryAngle": "0018,1510",
    "PositionerSecondaryAngle": "0018,1511",
    "ObjectPixelSpacingInCenterOfBeam": "0018,9404",
    "PixelSpacing": "0028,0030",
}
NOT_RADIOGRAPHS = ("CT", "MR", "NM", "PT", "US")

_IN_PATIENT = ("PixelSpacing", "ObjectPixelSpacingInCenterOfBeam")
"""Spacings in the patient's plane, in the order of trust; times the magnification they are those at the detector."""
_YAW_OF_VIEW = {"AP": 0.0, "PA": 180.0, "LL": -90.0, "RL": 90.0}
"""Of ViewPosition; in a left lateral the patient's left side is at the detector."""
_LPS_OF_LETTER = {
    letter: sign * axis
    for letters, axis in zip(("LR", "PA", "HF"), np.eye(3), strict=True)
    for letter, sign in zip(letters, (1, -1), strict=True)
}


@dataclass(frozen=True)
class DicomFacts:
    """parameters: the sidecar keys found. view: yaw_deg, pitch_deg and roll_deg, or empty. sources: for every key of
    both, in plain words, the tag it is from; for pixel_spacing_mm also why there is "none".

    bone_dark: whether bone is dark in the stored values. monochrome1: whether that is so because of the photometric
    interpretation, which readers built on GDCM (ITK, Slicer) turn on their own. mirrored: whether the picture is a
    mirror image of what the tube sees, so that view is that of the camera on the opposite side.
    """

    parameters: dict
    view: dict
    sources: dict
    bone_dark: bool
    monochrome1: bool
    mirrored: bool


def dicom_facts(tags: Mapping, sdd_mm: float | None = None, sod_mm: float | None = None) -> DicomFacts:
    """What tags say; absent or meaningless ones are left out.

    tags: by the keywords of TEXT_TAGS and NUMBER_TAGS, values as text (several parted by backslashes) or as numbers.
    sdd_mm, sod_mm: known better from elsewhere; then they decide the magnification.
    """
    parameters, sources = _lengths(tags, sdd_mm, sod_mm)
    view, view_source, mirrored = _view(tags)
    monochrome1 = _text(tags, "PhotometricInterpretation") == "MONOCHROME1"
    return DicomFacts(
        parameters,
        view,
        sources | dict.fromkeys(view, view_source),
        monochrome1 or _text(tags, "PresentationLUTShape") == "INVERSE",
        monochrome1,
        mirrored,
    )


def _lengths(tags: Mapping, sdd_mm: float | None, sod_mm: float | None) -> tuple[dict, dict]:
    """(parameters, sources) of sdd_mm, sod_mm and pixel_spacing_mm."""
    keywords = {"sdd_mm": "DistanceSourceToDetector", "sod_mm": "DistanceSourceToPatient"}
    found = {key: _positive(tags, keyword) for key, keyword in keywords.items()}
    sources = {key: _named(keyword) for key, keyword in keywords.items()}
    sdd, sod = sdd_mm or found["sdd_mm"], sod_mm or found["sod_mm"]
    estimated = _positive(tags, "EstimatedRadiographicMagnificationFactor")
    if sdd_mm and sod_mm:
        estimated = None
    magnification = estimated or (sdd and sod and sdd / sod)
    if not magnification or magnification <= 1:  # no object lies in its detector: 1 is what devices put by default
        magnification = None
    if sod is None and sdd and magnification:
        found["sod_mm"] = sdd / magnification
        sources["sod_mm"] = _named("EstimatedRadiographicMagnificationFactor")
    found["pixel_spacing_mm"], sources["pixel_spacing_mm"] = _spacing(tags, magnification)
    known = {key: value for key, value in found.items() if value is not None}
    return known, {key: sources[key] for key in (*known, "pixel_spacing_mm")}


def _spacing(tags: Mapping, magnification: float | None) -> tuple[tuple[float, float] | None, str]:
    """Pixel spacing (u, v) at the detector, mm, and its source. DICOM names the distance between rows, our v, first."""
    at_detector = _positive_pair(tags, "ImagerPixelSpacing")
    if at_detector:
        return at_detector[::-1], _named("ImagerPixelSpacing")
    for keyword in _IN_PATIENT:
        in_patient = _positive_pair(tags, keyword)
        if in_patient and magnification:
            v, u = (magnification * spacing for spacing in in_patient)
            return (u, v), f"{_named(keyword)}, in the patient's plane, times magnification {magnification:.4g}"
        if in_patient:
            return None, f"none: {_named(keyword)} is in the patient's plane and the magnification is not known"
    return None, "none"


def _view(tags: Mapping) -> tuple[dict, str, bool]:
    """(angles, source, mirrored); see the file's text for the derivation."""
    primary = next(iter(_numbers(tags, "PositionerPrimaryAngle")), None)
    position = _text(tags, "ViewPosition")
    is_c_arm = _text(tags, "PositionerType") == "CARM" or _text(tags, "Modality") in ("XA", "RF")
    if is_c_arm and primary is not None:
        yaw, pitch = primary + 180, next(iter(_numbers(tags, "PositionerSecondaryAngle")), 0.0)
        lying = _text(tags, "PatientPosition")
        assumed = "" if lying == "HFS" else f", head first supine assumed{f' (the file says {lying})' if lying else ''}"
        source = _named("PositionerPrimaryAngle", "PositionerSecondaryAngle") + assumed
    elif position in _YAW_OF_VIEW:
        yaw, pitch, source = _YAW_OF_VIEW[position], 0.0, _named("ViewPosition")
    else:
        return {}, "none", False
    yaw, pitch, roll, mirrored = _as_stored(yaw, pitch, _letters(tags))
    if mirrored:
        source += "; the picture is mirrored, so it is read as taken from the opposite side"
    angles = {"yaw_deg": 180 - (180 - yaw) % 360, "pitch_deg": pitch, "roll_deg": roll}
    return {key: value + 0.0 for key, value in angles.items()}, source, mirrored


def _as_stored(yaw: float, pitch: float, letters: str) -> tuple[float, float, float, bool]:
    """(yaw, pitch, roll, mirrored) of the camera that sees rows and columns run towards letters ("" if not said)."""
    if not letters:
        return yaw, pitch, 0.0, False
    right, down = (_LPS_OF_LETTER[letter] for letter in letters)
    along = np.cross(right, down) @ view_rotation(yaw, pitch)[2]
    if abs(along) < 0.3:  # the orientation contradicts the beam
        return yaw, pitch, 0.0, False
    if along < 0:
        yaw, pitch = yaw + 180, -pitch
    x, y, _ = view_rotation(yaw, pitch) @ right
    return yaw, pitch, 90.0 * round(math.degrees(math.atan2(y, x)) / 90), bool(along < 0)


def _letters(tags: Mapping) -> str:
    """The main direction of rows and of columns as two letters of two different axes, or ""."""
    values = [str(value).strip()[:1] for value in _values(tags.get("PatientOrientation"))]
    known = len(values) == 2 and all(value in _LPS_OF_LETTER for value in values)
    return "".join(values) if known and not _LPS_OF_LETTER[values[0]] @ _LPS_OF_LETTER[values[1]] else ""


def _named(*keywords: str) -> str:
    """The tags as a person looks them up."""
    tags = TEXT_TAGS | NUMBER_TAGS
    return "DICOM " + " and ".join(f"{keyword} ({tags[keyword]})" for keyword in keywords)


def _text(tags: Mapping, keyword: str) -> str:
    return str(tags.get(keyword) or "").strip()


def _values(value: object) -> list:
    """The values of a tag, which databases hand out as one text."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        return value.split("\\")
    return list(value) if isinstance(value, Sequence) else [value]


def _numbers(tags: Mapping, keyword: str) -> list[float]:
    return finite_numbers(tags.get(keyword))


def finite_numbers(value: object) -> list[float]:
    """The numbers of a tag's value; [] if it has none, or something else among them."""
    try:
        values = [float(item) for item in _values(value)]
    except (TypeError, ValueError):
        return []
    return values if all(map(math.isfinite, values)) else []


def _positive(tags: Mapping, keyword: str) -> float | None:
    value = next(iter(_numbers(tags, keyword)), 0.0)
    return value if value > 0 else None


def _positive_pair(tags: Mapping, keyword: str) -> tuple[float, float] | None:
    values = tuple(_numbers(tags, keyword))
    return values if len(values) == 2 and min(values) > 0 else None
