"""Warnings about the input: where a radiograph differs from those the network was trained on.

Today's weights have seen computed radiographs of vertebrae alone and in the body, from all around the patient. What
they were drawn from stands in ReVertLib.synthesis.views; `Testing/slicer/input/test_input_warnings.py` holds this file
to it.
"""

from slicer.i18n import tr as _

from ReVertLib.imaging.orientation import TURN_WORDS

TRAINED_SOD_MM = (450.0, 950.0)
TOLERANCE_DEG = {"pitch_deg": 36.0, "roll_deg": 18.0}
"""Three standard deviations of the angles about 0; the yaw may be any."""
COARSE_MM = 1.75
"""Twice the pixel of the network's crop (112 mm on 128 pixels)."""
VERTEBRA_MM = 90.0
"""About the width of a lumbar vertebra with its transverse processes."""

SATURATED_SHARE = 0.01
FEW_LEVELS = 32
CT_AIR_HU = -500.0
"""Grey values below this are the air of a CT, of which a slab may come without DICOM's word for what it is."""


def pixelWarnings(pixels, boneDark):
    """Lines about the grey values. pixels: `radiograph.PixelFacts`. boneDark: whether bone is dark in them."""
    saturated = pixels.lowest if boneDark else pixels.highest
    found = {
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
        lines.append(_("the view leans farther than those of training: pitch within 36 and roll within 18 degrees"))
    return (*lines, *(() if sources.missing else _sizeWarnings(known, sizePx)))


def isTrainedView(view):
    """Whether pitch_deg and roll_deg (0 if absent) lie where most of the training views do."""
    return all(abs(wrapped(view.get(angle, 0.0))) <= limit for angle, limit in TOLERANCE_DEG.items())


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
