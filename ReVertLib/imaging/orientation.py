"""How a stored picture is turned to be shown, as its file states it: EXIF, TIFF, patient directions.

The picture that is shown is the one that everything else refers to: box, principal point, (u, v) of the spacing, and
the axes of the camera. Turns are numbered as TIFF and EXIF do (tag 274), 1 to 8. A picture with patient directions is
shown with the feet down and, seen from the front or the back, with the patient's left on its right, as the training
images are and films are hung.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.geometry.layers import StatedGeometry

from .jpeg import jpeg_exif
from .tiff import read_tags

UPRIGHT = 1
_ORIENTATION_TAG = 274
_TURNS = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
"""By number (transposed, then mirrored left to right, then upside down): from the stored picture to the shown one."""
TURN_WORDS = {
    2: "mirrored left to right",
    3: "turned by 180 degrees",
    4: "mirrored upside down",
    5: "mirrored about its diagonal",
    6: "turned by 90 degrees clockwise",
    7: "mirrored about its other diagonal",
    8: "turned by 90 degrees anticlockwise",
}
_OPPOSITE = dict(zip("LRPAHF", "RLAPFH", strict=True))


def turned(array: np.ndarray, turn: int) -> np.ndarray:
    """The shown picture of a stored one (rows, columns, ...), a view."""
    transposed, mirrored, upside_down = _TURNS[turn]
    array = array.swapaxes(0, 1) if transposed else array
    return array[:: -1 if upside_down else 1, :: -1 if mirrored else 1]


def turned_back(array: np.ndarray, turn: int) -> np.ndarray:
    """The stored picture of a shown one (rows, columns, ...), a view: the way back of `turned`."""
    transposed, mirrored, upside_down = _TURNS[turn]
    array = array[:: -1 if upside_down else 1, :: -1 if mirrored else 1]
    return array.swapaxes(0, 1) if transposed else array


def shown_size(size_px: tuple, turn: int) -> tuple:
    """(columns, rows) of the shown picture by those of the stored one, and the other way round; so for any (u, v)."""
    return tuple(size_px[::-1]) if _TURNS[turn][0] else tuple(size_px)


def shown_px(points_px: np.ndarray, size_px: tuple[int, int], turn: int) -> np.ndarray:
    """Pixel coordinates (n, 2), (u, v), in the shown picture, of those in the stored one of size_px (columns, rows)."""
    transposed, *flips = _TURNS[turn]
    points = np.asarray(points_px, float)[:, :: -1 if transposed else 1]
    return np.where(flips, np.array(shown_size(size_px, turn)) - 1 - points, points)


def stored_px(points_px: np.ndarray, size_px: tuple[int, int], turn: int) -> np.ndarray:
    """The way back of `shown_px`; size_px is that of the stored picture here too."""
    transposed, *flips = _TURNS[turn]
    points = np.asarray(points_px, float)
    points = np.where(flips, np.array(shown_size(size_px, turn)) - 1 - points, points)
    return points[:, :: -1 if transposed else 1]


def shown_box(box_px: tuple, size_px: tuple[int, int], turn: int) -> tuple[float, ...]:
    """The box (u0, v0, u1, v1), pixels u0 <= u < u1 and v0 <= v < v1, of the stored picture in the shown one."""
    corners = shown_px(np.reshape(box_px, (2, 2)) - 0.5, size_px, turn) + 0.5
    return tuple(float(value) for value in (*corners.min(0), *corners.max(0)))


def stored_box(box_px: tuple, size_px: tuple[int, int], turn: int) -> tuple[float, ...]:
    """The way back of `shown_box`; size_px is that of the stored picture here too."""
    corners = stored_px(np.reshape(box_px, (2, 2)) - 0.5, size_px, turn) + 0.5
    return tuple(float(value) for value in (*corners.min(0), *corners.max(0)))


def half_turned(turn: int) -> int:
    """The turn that shows a picture upside down that another turn shows upright."""
    transposed, mirrored, upside_down = _TURNS[turn]
    return next(one for one, way in _TURNS.items() if way == (transposed, not mirrored, not upside_down))


def turned_geometry(stated: StatedGeometry, turn: int) -> StatedGeometry:
    """What is said of a stored picture, of the shown one: spacings (u, v) change places where rows become columns. A
    view is stated of the shown picture already."""
    if not _TURNS[turn][0]:
        return stated
    parameters, patient = dict(stated.parameters), stated.patient_spacing
    if "pixel_spacing_mm" in parameters:
        parameters["pixel_spacing_mm"] = parameters["pixel_spacing_mm"][::-1]
    if patient:
        patient = replace(patient, value=patient.value[::-1])
    return replace(stated, parameters=parameters, patient_spacing=patient)


def is_mirrored(turn: int) -> bool:
    """Whether the shown picture is a mirror image of the stored one."""
    return sum(_TURNS[turn]) % 2 == 1


def turn_note(turn: int, source: str) -> list[str]:
    """The line that says what was done, if anything was."""
    return (
        []
        if turn == UPRIGHT
        else [f"the picture was {TURN_WORDS[turn]}, as {source} says; box and point refer to that"]
    )


def shown_letters(right: str, down: str, turn: int) -> tuple[str, str]:
    """The directions in which rows and columns of the shown picture run, by those of the stored one."""
    transposed, mirrored, upside_down = _TURNS[turn]
    right, down = (down, right) if transposed else (right, down)
    return _OPPOSITE[right] if mirrored else right, _OPPOSITE[down] if upside_down else down


def turn_of_letters(right: str, down: str, wanted_right: str | None = None) -> int:
    """How a picture is shown whose rows run to `right` and columns to `down`, two of the letters L R A P H F.

    wanted_right: where the rows of a picture from the side are to run; None mirrors none. A picture without head and
    feet is left as it is.
    """
    if not {right, down} & {"H", "F"}:
        return UPRIGHT
    found = {turn: shown_letters(right, down, turn) for turn in _TURNS}
    feet_down = [turn for turn, (_, shown_down) in found.items() if shown_down == "F"]
    if {right, down} & {"L", "R"}:
        wanted_right = "L"
    if wanted_right is None:
        return next(turn for turn in feet_down if not is_mirrored(turn))
    return next((turn for turn in feet_down if found[turn][0] == wanted_right), UPRIGHT)


def turn_of_axes(right: str, down: str) -> int:
    """How a picture is shown whose axes run to two of the letters L R A P, where L and P are those of any image."""
    return next(turn for turn in _TURNS if shown_letters(right, down, turn) == ("L", "P"))


def letter(direction: np.ndarray) -> str:
    """The letter of the main axis of a direction (3,) in LPS."""
    axis = int(np.abs(direction).argmax())
    return ("LR", "PA", "HF")[axis][int(direction[axis] < 0)]


def header_turn(
    direction: Sequence[float], kind: str, axes: tuple[int, int]
) -> tuple[int, Sequence[str], Sequence[str]]:
    """(turn, notes, doubts) by the directions (n * n cosines, as ITK hands them out) in an NRRD, MHA or NIfTI header,
    axes being those of the picture. Directions that writers put by default state nothing: the axes of LPS, and in NIfTI
    those of RAS as well."""
    count = round(len(direction) ** 0.5)
    directions = np.zeros((max(count, 3), count))
    directions[:count] = np.reshape(direction, (count, count))
    if np.allclose(directions[:count], np.eye(count), atol=1e-3):
        return UPRIGHT, (), ()
    if kind == "NIfTI" and np.allclose(directions[:count, :2], -np.eye(count)[:, :2], atol=1e-3):
        return UPRIGHT, ["the NIfTI header has the axes of RAS, a default that does not say how it is to be shown"], ()
    right, down = (letter(directions[:3, axis]) for axis in axes)
    if {right, down} & set("HF") and {right, down} & set("LRPA"):
        turn = turn_of_letters(right, down)
    elif kind != "NIfTI" and {right, down} & set("LR") and {right, down} & set("PA"):
        turn = turn_of_axes(right, down)
    else:
        stated = f"the {kind} header states that rows run to {right} and columns to {down}"
        return UPRIGHT, (), [f"{stated}: it may be turned or mirrored"]
    return turn, turn_note(turn, f"the {kind} header"), ()


def picture_turn(path: Path, kind: str) -> int:
    """The turn that a PNG, JPEG or TIFF file states; 1 where it states none or nonsense."""
    data = path.read_bytes()
    exif = {"TIFF": lambda: data, "PNG": lambda: _png_exif(data), "JPEG": lambda: jpeg_exif(data)}[kind]()
    turn = (read_tags(exif).get(_ORIENTATION_TAG) or (UPRIGHT,))[0]
    return int(turn) if turn in _TURNS else UPRIGHT


def _png_exif(data: bytes) -> bytes:
    """The contents of the eXIf chunk of a PNG file."""
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"eXIf":
            return data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
        at += 12 + length
    return b""
