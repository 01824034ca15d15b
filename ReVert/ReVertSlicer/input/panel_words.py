"""What the panel calls the quantities that sidecars and the library know by their keys."""

import re

from slicer.i18n import tr as _

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

_OPTIONS = re.compile(r", DICOM or --[\w-]+(?:, --[\w-]+)*")


def inPanelWords(text):
    """A message of the library as the panel says it: names instead of keys, and no options of the command line."""
    text = _OPTIONS.sub(" or DICOM", _REPEATED.sub("", text))
    return _KEYS.sub(lambda key: NAMES[key[0]], text)
