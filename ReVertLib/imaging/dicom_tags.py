"""What the tags of a DICOM radiograph mean: lengths, direction of view, polarity.

Takes tags by keyword, wherever they were read: a file (`dicom.py`) or a database that hands out text.

The beam. DICOM's positioner angles (PS3.3 C.8.7.5.1.2) say where the detector is, seen from the patient, like longitude
and latitude: at 0, 0 it faces the chest; primary +90 is the patient's left (LAO), secondary +90 the head (CRA). So for
primary a and secondary b the beam, from source to detector, runs in LPS along (sin a cos b, -cos a cos b, sin b).
Our camera's +Z for yaw y and pitch p is (-sin y cos p, cos y cos p, sin p) (`views.view_rotation`), and both agree
for y = a + 180 and p = b: an undertable tube at 0, 0 is a PA view. The angles are the patient's, but the machine works
them out from how it believes the patient lies; head first and supine is assumed, and the source says so.

The distance to the patient. DistanceSourceToPatient (0018,1111) ends at the isocentre in XA and RF, where the vertebra
is brought. In CR and DX it ends at the table, support or bucky side nearest to the patient (PS3.3 C.8-72): the vertebra
lies 8 to 20 cm nearer to the tube. There, and where no modality is said, it is an upper bound; so is what
EstimatedRadiographicMagnificationFactor (0018,1114) makes of it.

The picture. Films are stored as if one faced the patient, whichever way the beam ran; PatientOrientation (0020,0020)
tells. Where that is a mirror image of what the tube sees, no camera of ours has taken it; but the camera on the
opposite side, looking back along the beam, sees the same but for what is magnified more, and stands in for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.geometry.layers import SourcedValue, StatedGeometry
from ReVertLib.geometry.plausible import PLAUSIBLE_MM
from ReVertLib.geometry.views import YAW_OF_VIEW, view_rotation

from .dicom_values import positive, positive_pair, tag_numbers, tag_text, tag_values
from .orientation import (
    UPRIGHT,
    is_mirrored,
    letter,
    shown_letters,
    turn_note,
    turn_of_letters,
    turned_geometry,
)

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

_TO_ISOCENTRE = ("XA", "RF")
"""Modalities in which the distance to the patient is that to the isocentre."""
_IN_PATIENT = ("PixelSpacing", "ObjectPixelSpacingInCenterOfBeam")
"""Spacings in the patient's plane, in the order of trust."""
_DEMAGNIFIED = 0.99  # of the spacing at the detector: what is smaller was calibrated to the patient's plane
_LPS_OF_LETTER = {
    letter: sign * axis
    for letters, axis in zip(("LR", "PA", "HF"), np.eye(3), strict=True)
    for letter, sign in zip(letters, (1, -1), strict=True)
}


@dataclass(frozen=True)
class DicomFacts:
    """stated: distances, spacings, and the view of the picture as it is shown. view: yaw_deg, pitch_deg and roll_deg,
    or empty; view_source: in plain words, the tags they are from.

    bone_dark: whether bone is dark in the stored values. monochrome1: whether that is so because of the photometric
    interpretation, which readers built on GDCM (ITK, Slicer) turn on their own. mirrored: whether the stored picture is
    a mirror image of what the tube sees, so that view is that of the camera on the opposite side. turn: by which the
    stored picture is shown (see `orientation`).
    """

    stated: StatedGeometry
    view: dict
    view_source: str
    bone_dark: bool
    monochrome1: bool
    mirrored: bool
    turn: int


def dicom_facts(tags: Mapping) -> DicomFacts:
    """What tags say; absent or meaningless ones are left out.

    tags: by the keywords of TEXT_TAGS and NUMBER_TAGS, values as text (several parted by backslashes) or as numbers.
    """
    view, view_source, mirrored = _view(tags)
    turn, monochrome1 = _turn(tags), tag_text(tags, "PhotometricInterpretation") == "MONOCHROME1"
    return DicomFacts(
        _stated(tags, turn),
        view,
        view_source,
        monochrome1 or tag_text(tags, "PresentationLUTShape") == "INVERSE",
        monochrome1,
        mirrored,
        turn,
    )


def shown_facts(tags: Mapping) -> DicomFacts:
    """The same of the picture as it is shown, turned by the turn that the facts name."""
    facts = dicom_facts(tags)
    if facts.turn == UPRIGHT:
        return facts
    view, source, mirrored = _shown_view(tags, facts.turn)
    stated = turned_geometry(facts.stated, facts.turn)
    return replace(facts, stated=stated, view=view, view_source=source, mirrored=mirrored)


def _shown_view(tags: Mapping, turn: int) -> tuple[dict, str, bool]:
    """`_view` of the picture turned by a turn."""
    if turn == UPRIGHT:
        return _view(tags)
    return _view({**tags, "PatientOrientation": "\\".join(shown_letters(*_letters(tags), turn))})


def dicom_notes(facts: DicomFacts) -> list[str]:
    """What was done to the picture that is shown, and what remains to be known, a line each."""
    notes = turn_note(facts.turn, _named("PatientOrientation"))
    if facts.mirrored != is_mirrored(facts.turn) and facts.view:
        notes.append("the picture is a mirror image of what the tube sees: near and far are exchanged in it")
    return notes


def _turn(tags: Mapping) -> int:
    """The turn by which the picture is shown: what the tube sees where that is a view from the front or the side."""
    letters, beam = _letters(tags), _beam(tags)
    if not letters:
        return UPRIGHT
    wanted_right = None
    if beam is not None:
        across = view_rotation(*beam[:2])[0]
        wanted_right = letter(across) if abs(across[1]) > 0.7 else None
    return turn_of_letters(*letters, wanted_right)


def _stated(tags: Mapping, turn: int) -> StatedGeometry:
    """Distances, spacings and the view of the picture turned by a turn; see the file's text for what the distance to
    the patient means."""
    found, patient_spacing = _spacing(tags)
    view, view_source, _ = _shown_view(tags, turn)
    found |= {angle: SourcedValue(degrees, view_source) for angle, degrees in view.items()}
    sdd_mm = positive(tags, "DistanceSourceToDetector")
    if sdd_mm:
        found["sdd_mm"] = SourcedValue(sdd_mm, _named("DistanceSourceToDetector"))
    sod, reasons, limit = _source_to_patient(tags, sdd_mm), {}, None
    if sod and tag_text(tags, "Modality") in _TO_ISOCENTRE:
        found["sod_mm"] = sod
    elif sod and sod.value >= PLAUSIBLE_MM["sod_mm"][0]:
        limit = SourcedValue(sod.value, f"{sod.source} ends at the table or stand behind the patient")
        reasons["sod_mm"] = f"{limit.source}, so the vertebra is nearer than its {sod.value:g} mm"
    return StatedGeometry(
        {key: one.value for key, one in found.items()},
        {key: one.source for key, one in found.items()},
        patient_spacing,
        reasons,
        limit,
    )


def _source_to_patient(tags: Mapping, sdd_mm: float | None) -> SourcedValue | None:
    """What the tags call the distance to the patient, by itself or by the magnification there."""
    distance_mm = positive(tags, "DistanceSourceToPatient")
    if distance_mm:
        return SourcedValue(distance_mm, _named("DistanceSourceToPatient"))
    magnification = positive(tags, "EstimatedRadiographicMagnificationFactor")
    if sdd_mm and magnification and magnification > 1:  # nothing lies in its detector: 1 is what devices put by default
        return SourcedValue(sdd_mm / magnification, _named("EstimatedRadiographicMagnificationFactor"))
    return None


def _spacing(tags: Mapping) -> tuple[dict[str, SourcedValue], SourcedValue | None]:
    """Pixel spacing (u, v), mm: by its sidecar key that at the detector, and that in the patient unless it only repeats
    the other. DICOM names the distance between rows, our v, first."""
    at_detector = positive_pair(tags, "ImagerPixelSpacing")
    source = _named("ImagerPixelSpacing")
    found = {"pixel_spacing_mm": SourcedValue(at_detector[::-1], source)} if at_detector else {}
    for keyword in _IN_PATIENT:
        in_patient = positive_pair(tags, keyword)
        if in_patient and (not at_detector or in_patient[0] < _DEMAGNIFIED * at_detector[0]):
            return found, SourcedValue(in_patient[::-1], _named(keyword))
    return found, None


def _beam(tags: Mapping) -> tuple[float, float, str] | None:
    """(yaw, pitch, source) of the beam, where the tags say it; see the file's text for the derivation."""
    primary = next(iter(tag_numbers(tags, "PositionerPrimaryAngle")), None)
    position = tag_text(tags, "ViewPosition")
    is_c_arm = tag_text(tags, "PositionerType") == "CARM" or tag_text(tags, "Modality") in ("XA", "RF")
    if is_c_arm and primary is not None:
        yaw, pitch = primary + 180, next(iter(tag_numbers(tags, "PositionerSecondaryAngle")), 0.0)
        lying = tag_text(tags, "PatientPosition")
        assumed = "" if lying == "HFS" else f", head first supine assumed{f' (the file says {lying})' if lying else ''}"
        return yaw, pitch, _named("PositionerPrimaryAngle", "PositionerSecondaryAngle") + assumed
    if position in YAW_OF_VIEW:
        return YAW_OF_VIEW[position], 0.0, _named("ViewPosition")
    return None


def _view(tags: Mapping) -> tuple[dict, str, bool]:
    """(angles, source, mirrored) of the camera that sees the stored picture."""
    beam = _beam(tags)
    if beam is None:
        return {}, "none", False
    yaw, pitch, source = beam
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
    values = [str(value).strip()[:1] for value in tag_values(tags.get("PatientOrientation"))]
    known = len(values) == 2 and all(value in _LPS_OF_LETTER for value in values)
    return "".join(values) if known and not _LPS_OF_LETTER[values[0]] @ _LPS_OF_LETTER[values[1]] else ""


def _named(*keywords: str) -> str:
    """The tags as a person looks them up."""
    tags = TEXT_TAGS | NUMBER_TAGS
    return "DICOM " + " and ".join(f"{keyword} ({tags[keyword]})" for keyword in keywords)
