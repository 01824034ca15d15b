"""A radiograph's volume node before any computation: what is known of it, what is missing, and warnings.

What the user enters for it is stored by `enter`, read by `entered` (sources.py).

Nothing but numpy and the scene is needed, so that a selected image is checked at once. Pixel (u, v) is the voxel with
i = u, j = v, k = the slice.
"""

from dataclasses import dataclass

import numpy as np
import slicer
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue
from ReVertLib.imaging.grey_values import grey_plane, inverted_greys, is_object_on_white
from ReVertLib.imaging.orientation import UPRIGHT, shown_box, shown_size, turned

from .entries import KIND
from .input_warnings import geometryWarnings, pixelWarnings
from .panel_words import NAMES
from .sources import BONE_DARK, GIVEN, HALF_TURN, enter, entered, sourcesOf

__all__ = ["BONE_DARK", "HALF_TURN", "RadiographCheck", "checkRadiograph", "enter", "entered", "geometryOf", "pixelsOf"]

_CACHED = 32


@dataclass(frozen=True)
class RadiographCheck:
    """sizePx: (columns, rows) of the volume. turn: from its pixels to those of the shown picture. known: of the shown
    picture, values with their source, by sidecar key or view angle. missing: see `sources.Sources`. boneDark: whether
    bone is dark in the volume, with its source. problems: why it cannot be used at all; warnings: why the result may be
    poor; one line each."""

    sizePx: tuple
    sliceCount: int
    known: dict
    missing: dict
    boneDark: SourcedValue
    problems: tuple
    warnings: tuple
    turn: int = UPRIGHT


@dataclass(frozen=True)
class PixelFacts:
    """Of one slice. lowest, highest: the share, of 0..1, of all pixels at that very value. levels: grey values seen
    among at least 10,000 pixels. minimum: the lowest grey value."""

    looksDark: bool
    lowest: float
    highest: float
    levels: int
    minimum: float


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
    boneDark = (sources.boneDark or _boneDarkIn(pixels)) if usable else SourcedValue(False, _("not known"))
    warnings = pixelWarnings(pixels, boneDark.value) if usable else ()
    return RadiographCheck(
        (columns, rows),
        slices,
        sources.geometry.known if sources else {},
        sources.missing if sources else {},
        boneDark,
        tuple(problems),
        warnings + (geometryWarnings(sources, shown_size((columns, rows), sources.turn)) if sources else ()),
        sources.turn if sources else UPRIGHT,
    )


def lastLoaded(among=None):
    """The volume of a single slice that came into the scene last, probably meant as the radiograph, or None. among:
    node ids; None: all."""
    nodes = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
        if (among is None or node.GetID() in among)
        and not node.IsA("vtkMRMLLabelMapVolumeNode")
        and not node.GetAttribute(KIND)
        and node.GetImageData() is not None
        and node.GetImageData().GetDimensions()[2] == 1
    ]
    return nodes[-1] if nodes else None


def pixelsOf(node, sliceIndex, sources):
    """The grey values of one slice as they are shown, a copy (rows, columns), bone bright, integers in the volume's own
    type, other numbers as float32.

    sliceIndex: k; None stands for the only slice. sources: of `sourcesOf`; where they do not know whether bone is dark,
    the picture decides. Raises InputError, in the words of `checkRadiograph`'s problems, for what cannot be used.
    """
    plane = turned(_plane(node, sliceIndex), sources.turn)
    return inverted_greys(plane) if isBoneDark(node, sliceIndex, sources) else np.array(plane, order="C")


def isBoneDark(node, sliceIndex, sources):
    """Whether bone is dark in one slice; parameters and errors as of `pixelsOf`."""
    return sources.boneDark.value if sources.boneDark else is_object_on_white(_plane(node, sliceIndex))


def geometryOf(node, sources, level, box=None):
    """The Geometry of one vertebra in the shown picture. sources: of `sourcesOf`. box: (u0, v0, u1, v1) in the volume's
    pixels; without it the one given
    for this call, else the sidecar's, if that is of the same level. Raises InputError naming what is missing or
    impossible."""
    if sources.missing:
        raise InputError(_missingGeometry(sources.missing))
    size = node.GetImageData().GetDimensions()[:2]
    box = box and shown_box(box, size, sources.turn)
    layers = LayeredGeometry().over({"level": level, "box_px": box}, _("vertebra"))
    known = dict(sources.geometry.known)
    if known.pop("level", layers.known["level"]).value != level and sources.geometry.source("box_px") != GIVEN:
        known.pop("box_px", None)
    return LayeredGeometry({**known, **layers.known}).complete(shown_size(size, sources.turn))


def _missingGeometry(missing):
    """One line on what to enter. missing: reasons by key; a missing spacing has the reason worth reading."""
    fields = ", ".join(f"{NAMES[key]} ({key})" for key in missing)
    text = _("geometry: expected {fields} entered, from a sidecar or from DICOM, got none")
    if set(missing) == {"pixel_spacing_mm"}:
        text = _("geometry: expected {fields} entered, from a sidecar or from DICOM, got {reason}")
    return text.format(fields=fields, reason=missing.get("pixel_spacing_mm"))


def _boneDarkIn(pixels):
    """Whether bone is dark by the picture itself, where no source knows."""
    source = _("the picture: a dark object on white") if pixels.looksDark else _("assumed")
    return SourcedValue(pixels.looksDark, source)


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
        found = _measured(_plane(node, sliceIndex))
        while len(_facts) >= _CACHED:
            _facts.pop(next(iter(_facts)))
        _facts[key] = found
    return _facts[key]


def _measured(plane):
    step = max(int((plane.size / 10_000) ** 0.5), 1)
    return PixelFacts(
        looksDark=is_object_on_white(plane),
        lowest=np.count_nonzero(plane == plane.min()) / plane.size,
        highest=np.count_nonzero(plane == plane.max()) / plane.size,
        levels=len(np.unique(plane[::step, ::step])),
        minimum=float(plane.min()),
    )
