"""A radiograph's volume node before any computation: what it is, what is missing, and what makes one doubt.

What the user says of it is stored by `enter`, read by `entered` (sources.py).

Nothing but numpy and the scene is needed, so that a selected image is judged at once. Pixel (u, v) is the voxel with
i = u, j = v, k = the slice.
"""

from dataclasses import dataclass

import numpy as np
import slicer
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.sidecar import complete_geometry
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.imaging.grey_values import grey_plane, inverted_greys, is_object_on_white

from .input_warnings import geometryDoubts, pixelDoubts
from .sources import Known, enter, entered, sourcesOf

__all__ = ["RadiographCheck", "checkRadiograph", "enter", "entered", "geometryOf", "pixelsOf"]

_CACHED = 32


@dataclass(frozen=True)
class RadiographCheck:
    """sizePx: (columns, rows). known, missing: see `sources.Sources`. boneDark: whether bone is dark in the volume.
    problems: why it cannot be used at all; doubts: why the result may be poor; one line each."""

    sizePx: tuple
    sliceCount: int
    known: dict
    missing: dict
    boneDark: Known
    problems: tuple
    doubts: tuple


@dataclass(frozen=True)
class PixelFacts:
    """Of one slice. Shares are of 0..1. brightEdge: of the edge's pixels above the darkest 5 % of the grey range;
    darkEdge: of those below the brightest 5 %. lowest, highest: of all pixels at that very value. levels: grey values
    seen among at least 10,000 pixels."""

    looksDark: bool
    brightEdge: float
    darkEdge: float
    lowest: float
    highest: float
    levels: int


_facts = {}
"""PixelFacts by (modification time, slice): VTK gives no time twice, so an image is looked at once."""


def checkRadiograph(node, sliceIndex=None):
    """What the panel shows of a node as soon as it is selected. sliceIndex: None stands for the only slice."""
    problems, sources, pixels = [], None, None
    try:
        sources = sourcesOf(node, sliceIndex or 0)
    except InputError as error:
        problems.append(str(error))
    try:
        pixels = _pixelFacts(node, sliceIndex)
    except InputError as error:
        problems.append(str(error))
    image = node.GetImageData()
    columns, rows, slices = image.GetDimensions() if image else (0, 0, 0)
    usable = sources is not None and pixels is not None
    boneDark = (sources.boneDark or _asItLooks(pixels)) if usable else Known(False, _("not known"))
    doubts = pixelDoubts(pixels, boneDark.value) if usable else ()
    return RadiographCheck(
        (columns, rows),
        slices,
        sources.known if sources else {},
        sources.missing if sources else {},
        boneDark,
        tuple(problems),
        doubts + (geometryDoubts(sources, (columns, rows)) if sources else ()),
    )


def pixelsOf(node, sliceIndex=None, boneDark=None):
    """The grey values of one slice as a copy (rows, columns), bone bright, integers in the volume's own type, other
    numbers as float32.

    sliceIndex: k; None stands for the only slice. boneDark: None takes what the user, DICOM or the picture says.
    Raises InputError, in the words of `checkRadiograph`'s problems, for what cannot be used.
    """
    plane = _plane(node, sliceIndex)
    if boneDark is None:
        said = sourcesOf(node, sliceIndex or 0).boneDark
        boneDark = said.value if said else is_object_on_white(plane)
    return inverted_greys(plane) if boneDark else np.array(plane, order="C")


def geometryOf(node, sliceIndex, level, box=None, given=None):
    """(Geometry, {"yaw_deg": ..., "pitch_deg": ..., "roll_deg": ...}) for one vertebra; an angle that nobody gave is 0.

    box: (u0, v0, u1, v1) in pixels; without it the sidecar's, if that is of the same level. given: sidecar keys and
    view angles for this call, before all others. Raises InputError naming what is missing or impossible.
    """
    sources = sourcesOf(node, sliceIndex or 0, given)
    known = {key: found.value for key, found in sources.known.items()}
    if known.get("level", level) != level and "box_px" not in (given or {}):
        known.pop("box_px", None)
    known["level"] = level
    if box is not None:
        known["box_px"] = tuple(box)
    view = {angle: known.pop(angle, 0.0) for angle in VIEW_ANGLES}
    distances = [key for key in sources.missing if key != "pixel_spacing_mm"]
    if distances:
        keys = ", ".join(distances)
        raise InputError(_("geometry: expected {keys} entered, from a sidecar or DICOM, got none").format(keys=keys))
    if sources.missing:
        reason = sources.missing["pixel_spacing_mm"]
        raise InputError(_("pixel_spacing_mm: expected the detector's, got {reason}").format(reason=reason))
    return complete_geometry(known, node.GetImageData().GetDimensions()[:2]), view


def _asItLooks(pixels):
    return Known(pixels.looksDark, _("the picture: a dark object on white") if pixels.looksDark else _("assumed"))


def _plane(node, sliceIndex):
    """The grey values of one slice, a view of the volume's."""
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        raise InputError(_("radiograph: expected grey values, got a label map"))
    if node.GetImageData() is None or node.GetImageData().GetPointData().GetScalars() is None:
        raise InputError(_("radiograph: expected an image, got an empty volume"))
    array = slicer.util.arrayFromVolume(node)
    if sliceIndex is None and len(array) != 1:
        raise InputError(_("radiograph: expected a volume with one slice, got {count}").format(count=len(array)))
    if not 0 <= (sliceIndex or 0) < len(array):
        text = _("slice: expected 0 to {last}, got {index}")
        raise InputError(text.format(last=len(array) - 1, index=sliceIndex))
    return grey_plane(array[sliceIndex or 0], "radiograph")


def _pixelFacts(node, sliceIndex):
    image = node.GetImageData()
    key = (image.GetMTime() if image else 0, sliceIndex)
    if key not in _facts:
        found = _lookedAt(_plane(node, sliceIndex))
        while len(_facts) >= _CACHED:
            _facts.pop(next(iter(_facts)))
        _facts[key] = found
    return _facts[key]


def _lookedAt(plane):
    low, high = float(plane.min()), float(plane.max())
    margin = 0.05 * (high - low)
    edge = np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]]).astype(float)
    step = max(int((plane.size / 10_000) ** 0.5), 1)
    return PixelFacts(
        looksDark=is_object_on_white(plane),
        brightEdge=float((edge > low + margin).mean()),
        darkEdge=float((edge < high - margin).mean()),
        lowest=np.count_nonzero(plane == plane.min()) / plane.size,
        highest=np.count_nonzero(plane == plane.max()) / plane.size,
        levels=len(np.unique(plane[::step, ::step])),
    )
