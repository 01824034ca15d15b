"""What the panel calls the quantities that sidecars and the library know by their keys."""

import re

from slicer.i18n import tr as _

from ReVertLib.geometry.sidecar import without_options

NAMES = {
    "sdd_mm": _("Source to detector"),
    "sod_mm": _("Source to object"),
    "pixel_spacing_mm": _("Detector spacing"),
    "principal_point_px": _("Principal point"),
    "box_px": _("Box"),
    "bone_dark": _("Bone"),
    "yaw_deg": _("Yaw"),
    "pitch_deg": _("Pitch"),
    "roll_deg": _("Roll"),
}
"""By sidecar key, view angle or entry; the lengths as their fields are labelled."""
_KEYS = re.compile(r"\b(" + "|".join(NAMES) + r")\b")
_REPEATED = re.compile(r" \((?:" + "|".join(NAMES) + r")\)")


def inPanelWords(text):
    """A message of the library as the panel says it: names instead of keys, and no options of the command line."""
    return _KEYS.sub(lambda key: NAMES[key[0]], without_options(_REPEATED.sub("", text)))
