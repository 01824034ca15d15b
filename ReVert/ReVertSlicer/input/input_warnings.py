"""Warnings about the input: where a radiograph differs from those the network was trained on.

Today's weights have seen computed radiographs of one vertebra alone: bone on black, near AP, lateral or oblique. What
they were drawn from stands in ReVertLib.synthesis.views; `Testing/slicer/input/test_input_warnings.py` holds this file
to it.
"""

from slicer.i18n import tr as _

from ReVertLib.imaging.orientation import TURN_WORDS

TRAINED_SOD_MM = (450.0, 850.0)
TRAINED_YAWS_DEG = (0.0, 90.0, -90.0, 25.0, -25.0)
TOLERANCE_DEG = {"yaw_deg": 21.0, "pitch_deg": 30.0, "roll_deg": 18.0}
"""Three standard deviations of the angles about TRAINED_YAWS_DEG, and about 0."""
COARSE_MM = 1.75
"""Twice the pixel of the network's crop (112 mm on 128 pixels)."""
VERTEBRA_MM = 90.0
"""About the width of a lumbar vertebra with its transverse processes."""

FRAMED_SHARE = 0.2
"""More of the edge than this is not black: the rule by which ReVertLib.imaging.crop tells an isolated vertebra."""
SATURATED_SHARE = 0.01
FEW_LEVELS = 32
CT_AIR_HU = -500.0
"""Grey values below this are the air of a CT, of which a slab may come without DICOM's word for what it is."""


def pixelWarnings(pixels, boneDark):
    """Lines about the grey values. pixels: `radiograph.PixelFacts`. boneDark: whether bone is dark in them."""
    edge = pixels.darkEdge if boneDark else pixels.brightEdge
    saturated = pixels.lowest if boneDark else pixels.highest
    found = {
        _("the border is not black: the network has only seen a single vertebra without soft tissue"): (
            edge > FRAMED_SHARE
        ),
        _("{share:.0%} of the image is saturated: the brightest bone shows no detail").format(share=saturated): (
            saturated > SATURATED_SHARE
        ),
        _("only {count} grey levels: a mask or a drawing rather than a radiograph").format(count=pixels.levels): (
            pixels.levels < FEW_LEVELS
        ),
        _("values down to {low:.0f}, as in a CT: a slice of one is not a radiograph").format(low=pixels.minimum): (
            pixels.minimum < CT_AIR_HU
        ),
    }
    return tuple(line for line, applies in found.items() if applies)


def geometryWarnings(sources, sizePx):
    """Lines about the geometry, as far as it is known. sources: `sources.Sources`. sizePx: (columns, rows) of the shown
    picture."""
    known = sources.geometry.values
    lines = sources.geometry.doubts(sizePx)
    if sources.mirrored:
        lines.append(
            _("the picture is a mirror image of what the X-ray source sees: it is read as taken from the opposite side")
        )
    if sources.stated:
        text = _(
            "{source} says that the picture is to be {turned}: it is reconstructed so; slice views show it as it is"
        )
        lines.append(text.format(source=sources.stated.source, turned=TURN_WORDS[sources.turn]))
    lines += sources.doubts
    low, high = TRAINED_SOD_MM
    if "sod_mm" in known and not low <= known["sod_mm"] <= high:
        text = _("source to object, {sod:g} mm, is beyond the {low:g} to {high:g} mm of training")
        lines.append(text.format(sod=known["sod_mm"], low=low, high=high))
    if not sources.geometry.view:
        lines.append(_("the view is not known: the surface is placed as if it were AP; choose the view"))
    elif not isTrainedView(known):
        lines.append(_("the view is far from the AP, lateral and 25 degree oblique views of training"))
    return (*lines, *(() if sources.missing else _sizeWarnings(known, sizePx)))


def isTrainedView(view):
    """Whether yaw_deg, pitch_deg and roll_deg (0 if absent) lie where most of the training views do."""
    yaw = view.get("yaw_deg", 0.0)
    off = {
        "yaw_deg": min(abs(wrapped(yaw - centre)) for centre in TRAINED_YAWS_DEG),
        "pitch_deg": abs(wrapped(view.get("pitch_deg", 0.0))),
        "roll_deg": abs(wrapped(view.get("roll_deg", 0.0))),
    }
    return all(off[angle] <= limit for angle, limit in TOLERANCE_DEG.items())


def wrapped(degrees):
    """The same angle in -180 (excluded) to 180."""
    return 180 - (180 - degrees) % 360


def _sizeWarnings(known, sizePx):
    """Lines about what the image resolves and covers at the vertebra."""
    mm = [spacing * known["sod_mm"] / known["sdd_mm"] for spacing in known["pixel_spacing_mm"]]
    if max(mm) > COARSE_MM:
        text = _("one pixel covers {mm:.1f} mm of the vertebra, which is about {count:.0f} pixels wide")
        yield text.format(mm=max(mm), count=VERTEBRA_MM / max(mm))
    width = min(size * one for size, one in zip(sizePx, mm, strict=True))
    if width < VERTEBRA_MM / 2:
        yield _("the image covers only {mm:.0f} mm at the vertebra: check spacing and distances").format(mm=width)
