"""How the radiograph of a volume node was taken, as far as it is known, and the source of each value.

Order of trust: given for one call, entered by the user on this node, the sample's own, JSON sidecar beside the image's
file, DICOM, header of the volume (ReVertLib.geometry.layers).
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import REQUIRED, LayeredGeometry, SourcedValue
from ReVertLib.geometry.plausible import check_plausible
from ReVertLib.geometry.sidecar import checked_parameter
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.imaging.dicom import check_modality, is_dicom, read_dicom_tags
from ReVertLib.imaging.dicom_tags import NUMBER_TAGS, TEXT_TAGS, shown_facts
from ReVertLib.imaging.orientation import (
    TURN_WORDS,
    UPRIGHT,
    half_turned,
    header_turn,
    picture_turn,
    shown_box,
    shown_size,
)

from .entries import dicomTags, entered, keepDicomTags, keepEntered

BONE_DARK = "bone_dark"
HALF_TURN = "half_turn"
"""Entry: whether the picture hangs upside down, whatever its file states."""
SAMPLE = "ReVert.Sample"
"""Attribute of a radiograph that comes with the extension: its geometry as JSON, by sidecar key or view angle."""
GIVEN = _("given")
"""Source of values that are an argument of one call."""

_CAN_BE_ENTERED = (*REQUIRED, "principal_point_px", *VIEW_ANGLES)
_PRINTED = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Files whose header holds a resolution for printers, which is no spacing of a detector."""
_KINDS_WITH_TURN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
_KINDS_WITH_AXES = {".nrrd": "NRRD", ".nhdr": "NRRD", ".mha": "MHA", ".mhd": "MHA", ".nii": "NIfTI", ".nii.gz": "NIfTI"}
_LEFT_OF_TIFF = {1: 1, 2: 1, 3: 1, 4: 1, 5: 5, 6: 7, 7: 5, 8: 7}
"""What is left of a TIFF's turn when Slicer's reader (ITK) has read it: it mirrors, but does not exchange rows and
columns."""
_ENHANCED = ("1.2.840.10008.5.1.4.1.1.12.1.1", "1.2.840.10008.5.1.4.1.1.12.2.1")
"""SOP classes (XA, XRF) that keep their geometry in nested sequences, which the database does not look into."""


@dataclass(frozen=True)
class Sources:
    """geometry: everything known of the shown picture, by sidecar key or view angle. missing: the required parameters
    that no source has, each with the reason, "" for none. boneDark: whether bone is dark in the volume, None when no
    source says. mirrored: whether the shown picture is a mirror image of what the X-ray source sees, see
    ReVertLib.imaging.dicom_tags. stated: the turn by which the volume's file says that it is to be shown, which Slicer
    does not do, with its source, see ReVertLib.imaging.orientation. doubts: what a header states of it and is not done,
    a line each."""

    geometry: LayeredGeometry
    missing: dict
    boneDark: SourcedValue | None
    mirrored: bool
    stated: SourcedValue | None = None
    doubts: tuple = ()

    @property
    def turn(self):
        """From the volume's pixels to those of the shown picture."""
        return self.stated.value if self.stated else UPRIGHT


def enter(node, **values):
    """Stores what the user knows of this radiograph: sdd_mm, sod_mm, pixel_spacing_mm (one number or two),
    principal_point_px, yaw_deg, pitch_deg, roll_deg, bone_dark, half_turn. None forgets a key.

    Raises InputError for what is no such value; then nothing is stored.
    """
    stored = entered(node)
    for key, value in values.items():
        stored.pop(key, None)
        if value is not None:
            stored[key] = _checkedEntry(key, value)
    keepEntered(node, stored)


def _checkedEntry(key, value):
    if key in (BONE_DARK, HALF_TURN):
        if not isinstance(value, bool):
            raise InputError(_("{key}: expected true or false, got {value!r}").format(key=key, value=str(value)[:40]))
        return value
    if key not in _CAN_BE_ENTERED:
        expected = ", ".join((*_CAN_BE_ENTERED, BONE_DARK, HALF_TURN))
        raise InputError(_("entered: expected one of {keys}, got {key!r}").format(keys=expected, key=key[:40]))
    if key == "pixel_spacing_mm" and isinstance(value, int | float):
        value = (value, value)
    checked = checked_parameter(key, value)
    check_plausible(key, checked)
    return checked


def sourcesOf(node, sliceIndex=0, given=None):
    """The Sources of a radiograph node, without looking at its pixels. It reads the sidecar from disk: to be asked once
    for each action of the user, and handed on.

    given: sidecar keys and view angles that come before all others, for one call. Raises InputError for a sidecar or a
    DICOM file that cannot be used, and for a DICOM modality that makes no radiographs.
    """
    own = entered(node)
    dark, halfTurn = own.pop(BONE_DARK, None), own.pop(HALF_TURN, False)
    layers = LayeredGeometry().over(given or {}, GIVEN).over(own, _("entered"))
    layers = layers.over(json.loads(node.GetAttribute(SAMPLE) or "{}"), _("sample")).over_sidecar(_file(node))
    tags, facts = _dicomTags(node, sliceIndex), None
    if tags is None:
        turn = _pictureTurn(_file(node))
        spacing, reason = _headerSpacing(node)
        spacing = spacing and shown_size(spacing, turn.value if turn else UPRIGHT)
        layers = layers.over({"pixel_spacing_mm": spacing}, _("volume header"))
    else:
        check_modality(str(tags.get("Modality") or ""), "radiograph")
        facts = shown_facts(tags)
        turn = SourcedValue(facts.turn, _("DICOM PatientOrientation")) if facts.turn != UPRIGHT else None
        layers = layers.over_stated(facts.stated)
        reason = _("DICOM gives none") if tags else _("the DICOM file is not in the database")
    if halfTurn and node.GetImageData() is not None:
        layers, turn = _halfTurned(node, layers, turn)
    missing = {key: reason if key == "pixel_spacing_mm" else "" for key in layers.missing}
    missing.update(layers.reasons)
    boneDark = SourcedValue(dark, _("entered")) if dark is not None else _dicomPolarity(facts) if tags else None
    return Sources(layers, missing, boneDark, bool(facts and facts.mirrored), turn, () if tags else _axesDoubts(node))


def _halfTurned(node, layers, turn):
    """(layers, turn) of the picture turned by 180 degrees, as the user says it must be."""
    before = turn.value if turn else UPRIGHT
    size, known = shown_size(node.GetImageData().GetDimensions()[:2], before), dict(layers.known)
    if "principal_point_px" in known:
        point = tuple(n - 1 - at for n, at in zip(size, known["principal_point_px"].value, strict=True))
        known["principal_point_px"] = replace(known["principal_point_px"], value=point)
    if "box_px" in known:
        known["box_px"] = replace(known["box_px"], value=shown_box(known["box_px"].value, size, half_turned(UPRIGHT)))
    after = half_turned(before)
    return replace(layers, known=known), SourcedValue(after, _("what was entered")) if after != UPRIGHT else None


def _pictureTurn(path):
    """What a picture's own file states and Slicer does not do; None where nothing is left to do."""
    kind = _KINDS_WITH_TURN.get(path.suffix.lower()) if path and path.is_file() else None
    turn = picture_turn(path, kind) if kind else UPRIGHT
    left = _LEFT_OF_TIFF[turn] if kind == "TIFF" else turn
    return SourcedValue(left, _("the picture's file")) if left != UPRIGHT else None


def _axesDoubts(node):
    """A line where the axes in the header of the node's file ask for a turn. It is not done: a volume's axes may as
    well say where it was put in the scene. Slicer's own axes, those of RAS, ask for nothing."""
    path, directions = _file(node), np.zeros((3, 3))
    kind = next((kind for end, kind in _KINDS_WITH_AXES.items() if path and path.name.lower().endswith(end)), None)
    node.GetIJKToRASDirections(directions)
    axes = np.diag([-1.0, -1.0, 1.0]) @ directions
    if kind is None or np.allclose(axes[:, :2], -np.eye(3)[:, :2], atol=1e-3):
        return ()
    turn, _notes, doubts = header_turn(axes.ravel(), kind, (0, 1))
    if turn == UPRIGHT:
        return tuple(doubts)
    text = _("the {kind} header says that the picture is to be {turned}, which is not done: turn it before it is used")
    return (text.format(kind=kind, turned=TURN_WORDS[turn]),)


def _headerSpacing(node):
    """(pixel spacing in mm or None, reason for none) of the volume itself. Slicer gives 1 mm to an image that has none,
    so exactly that counts as unknown."""
    spacing = tuple(node.GetSpacing()[:2])
    if spacing == (1.0, 1.0) or min(spacing) <= 0:
        return None, _("Slicer's 1 mm for an unknown spacing")
    path = _file(node)
    if path and path.suffix.lower() in _PRINTED:
        return None, _("a picture file's resolution, which is meant for printers")
    return spacing, ""


def _dicomPolarity(facts):
    """Slicer turns MONOCHROME1 on its own when it reads the file; an inverse presentation it leaves to the display."""
    if facts.monochrome1:
        return SourcedValue(False, _("DICOM MONOCHROME1, which Slicer has already turned"))
    return SourcedValue(
        facts.bone_dark, _("DICOM PresentationLUTShape INVERSE") if facts.bone_dark else _("DICOM MONOCHROME2")
    )


def _file(node):
    storage = node.GetStorageNode()
    return Path(storage.GetFullNameFromFileName()) if storage and storage.GetFileName() else None


def _dicomTags(node, sliceIndex):
    """The tags of the slice's DICOM image; None when the volume is not from DICOM, {} when neither its file is there
    nor what was read of it earlier."""
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    uid = uids[min(sliceIndex, len(uids) - 1)] if uids else ""
    tags = _readTags(node, uid)
    if tags:
        keepDicomTags(node, uid, tags)
        return tags
    return dicomTags(node, uid) or ({} if uid else None)


def _readTags(node, uid):
    """The tags by the database or by the volume's own file, as far as they are there; else {}."""
    if uid:
        database = getattr(slicer, "dicomDatabase", None)
        file = database.fileForInstance(uid) if database else ""
        return _databaseTags(file) if file else {}
    path = _file(node)
    return _fileTags(path, path.stat().st_mtime) if path and path.is_file() and is_dicom(path) else {}


@lru_cache(maxsize=64)
def _databaseTags(file):
    value = slicer.dicomDatabase.fileValue
    if value(file, "0008,0016") in _ENHANCED:
        return read_dicom_tags(Path(file))
    return {keyword: value(file, tag) for keyword, tag in {**TEXT_TAGS, **NUMBER_TAGS}.items()}


@lru_cache(maxsize=64)
def _fileTags(path, _modified):
    """Importing pydicom takes a moment, once: it is for files that were opened past the DICOM database."""
    return read_dicom_tags(path)
