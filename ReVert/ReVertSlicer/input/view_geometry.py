"""Geometry for the panel: views by name, and how a distance changes the size of the result."""

import numpy as np
from slicer.i18n import tr as _

from ReVertLib.geometry.layers import REQUIRED
from ReVertLib.imaging.orientation import UPRIGHT, shown_size

from .input_warnings import VERTEBRA_MM, wrapped

VIEWS = {
    _("AP"): (0.0, 0.0, 0.0),
    _("PA"): (180.0, 0.0, 0.0),
    _("Left lateral (tube on the right)"): (-90.0, 0.0, 0.0),
    _("Right lateral (tube on the left)"): (90.0, 0.0, 0.0),
    _("Oblique 25° (tube in front, to the right)"): (-25.0, 0.0, 0.0),
    _("Oblique 25° (tube in front, to the left)"): (25.0, 0.0, 0.0),
}
"""Yaw, pitch and roll in degrees by what a person calls the view: the clinical views of ReVertLib.dataset.build_case,
and PA. In a left lateral the patient's left side is at the detector."""

VERTEBRA_HEIGHT_MM = 60.0
"""Of a mean vertebra on a radiograph; VERTEBRA_MM is its width."""
_SHARE_OF_IMAGE = np.array([1 / 2, 1 / 3])
"""What a vertebra is taken to fill while its size in pixels cannot be known."""
_SAME_DEG = 0.05


def viewOf(angles):
    """The key of VIEWS with these angles (yaw, pitch, roll), or None."""
    for name, own in VIEWS.items():
        if all(abs(wrapped(a - b)) < _SAME_DEG for a, b in zip(angles, own, strict=True)):
            return name
    return None


def sizeEffect(known):
    """One line on what the distances do, "" while one of sdd_mm, sod_mm and pixel_spacing_mm is not in known, or they
    contradict each other.

    A length at the vertebra is one on the detector times sod / sdd, so it grows in proportion with sod.
    """
    if any(key not in known for key in REQUIRED) or known["sod_mm"] >= known["sdd_mm"]:
        return ""
    magnification = known["sdd_mm"] / known["sod_mm"]
    u, v = (spacing / magnification for spacing in known["pixel_spacing_mm"])
    text = _(
        "Magnification {magnification:.3f}; a pixel is {u:.3f} × {v:.3f} mm at the vertebra; "
        "1 cm more from source to vertebra makes the result {percent:.1f} % larger."
    )
    return text.format(magnification=magnification, u=u, v=v, percent=1000 / known["sod_mm"])


def vertebraPx(known, sizePx, turn=UPRIGHT):
    """(2,) width and height of a mean vertebra in a volume's pixels. known: as for `sizeEffect`, of the picture shown
    by turn; while that is not complete, a fixed share of sizePx (columns, rows)."""
    if any(key not in known for key in REQUIRED):
        shown = np.array(shown_size(sizePx, turn)) * _SHARE_OF_IMAGE
    else:
        magnification = known["sdd_mm"] / known["sod_mm"]
        shown = np.array([VERTEBRA_MM, VERTEBRA_HEIGHT_MM]) * magnification / known["pixel_spacing_mm"]
    return np.array(shown_size(shown, turn))
