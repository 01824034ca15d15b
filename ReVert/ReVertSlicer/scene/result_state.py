"""What a reconstruction in the scene is worth now: its verdict, its expected error, and whether its radiograph is still
as it was when the surface was made."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import slicer
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.geometry.layers import REQUIRED, LayeredGeometry
from ReVertLib.imaging.orientation import UPRIGHT, shown_box, shown_size
from ReVertLib.inference.verdict import WORDS
from ReVertSlicer.input.panel_words import NAMES

from . import hierarchy
from .colours import EXPECTED_ERROR

IMAGE = "ReVert.ImageSha256"
"""Attribute of a model: SHA-256 of its pixels, which identifies a case without a patient's name."""
SLICE = "ReVert.Slice"
TURN = "ReVert.Turn"
"""Attribute of a model: by which turn its radiograph was shown, 1 to 8 as in ReVertLib.imaging.orientation; models of
earlier versions have none, they are from pixels as they were stored."""
BONE_DARK = "ReVert.BoneDark"
"""Attribute of a model: "1" where bone was dark in its radiograph, else "0"; earlier versions wrote none."""
ASKED = "ReVert.Asked"
"""Attribute of a model that was made together with others of its film: see `reconstruction_nodes.Taken.asked`."""
OUT_OF_DATE = _("out of date")
LENGTHS = ("sdd_mm", "sod_mm", "pixel_spacing_mm", "principal_point_px")
"""What a surface depends on, by sidecar key."""
_CACHED = 32
_digests = {}
"""SHA-256 by (modification time, slice): VTK gives no time twice, so an image is read once."""


@dataclass(frozen=True)
class ResultState:
    """word: of ReVertLib's verdict. verdict: it with its reason. expectedMm: the mean over the vertices, None where the
    weights predict none. changed: what is another now than when the surface was made, in the panel's words."""

    level: str
    word: str
    verdict: str
    expectedMm: float | None
    changed: tuple

    @property
    def text(self):
        """Verdict and expected error in a few words."""
        word = OUT_OF_DATE if self.changed else self.word
        return word if self.expectedMm is None else _("{word}, {mm:.1f} mm").format(word=word, mm=self.expectedMm)

    @property
    def reason(self):
        """Why it is out of date, in one line; "" when it is not."""
        if not self.changed:
            return ""
        return _("Out of date: changed since it was made: {what}. Reconstruct again.").format(
            what=", ".join(self.changed)
        )


def turnOf(modelNode):
    """The turn from its radiograph's pixels to those it was made from."""
    return int(modelNode.GetAttribute(TURN) or UPRIGHT)


def resultStates(radiographNode, sliceIndex, check, placed, weightsSha256=None):
    """ResultStates by the model's id, of the surfaces made from a slice.

    check: the RadiographCheck of that slice. placed: the Placements on it; where there are none, as in an image of one
    isolated vertebra, there is no box that could have changed. weightsSha256: of the weights in use, None: not known.
    """
    placedAs = {vertebra.level: vertebra for vertebra in placed}
    states = {}
    for model in hierarchy.parts(radiographNode, "surface"):
        if model.GetAttribute(SLICE) == str(sliceIndex or 0):
            level = model.GetAttribute("ReVert.Level") or ""
            changed = (
                *_changedGeometry(model, check, placedAs.get(level), bool(placed)),
                *_changedReading(model, check),
                *_changedImage(model, radiographNode),
                *_changedWeights(model, weightsSha256),
            )
            states[model.GetID()] = _state(model, level, changed)
    return states


def changedSince(node, radiographNode, check):
    """What of a radiograph is another now than when a node was made of it, in the panel's words; "" when nothing is."""
    changes = (
        _changedGeometry(node, check, None, False),
        _changedReading(node, check),
        _changedImage(node, radiographNode),
    )
    return ", ".join(what for change in changes for what in change)


def worst(states):
    """The ResultState that deserves most care: an outdated one, then the worst verdict; None of none."""
    return max(
        states, key=lambda state: (bool(state.changed), _rank(state.word), state.expectedMm or 0.0), default=None
    )


def imageSha256(radiographNode, sliceIndex):
    """SHA-256 of the pixels of a slice as they are now."""
    pixels = slicer.util.arrayFromVolume(radiographNode)[sliceIndex]
    digest = hashlib.sha256(np.ascontiguousarray(pixels)).hexdigest()
    while len(_digests) >= _CACHED:
        _digests.pop(next(iter(_digests)))
    _digests[radiographNode.GetImageData().GetMTime(), sliceIndex] = digest
    return digest


def knownSha256(radiographNode, sliceIndex):
    """The same, read once for each state of the image."""
    key = radiographNode.GetImageData().GetMTime(), sliceIndex
    return _digests.get(key) or imageSha256(radiographNode, sliceIndex)


def _state(model, level, changed):
    verdict = model.GetAttribute("ReVert.Verdict") or ""
    polydata = model.GetPolyData()
    expected = polydata.GetPointData().GetArray(EXPECTED_ERROR) if polydata else None
    mean_mm = float(vtk_to_numpy(expected).mean()) if expected else None
    return ResultState(level, verdict.partition(":")[0], verdict, mean_mm, changed)


def _rank(word):
    return WORDS.index(word) if word in WORDS else 0


def _changedGeometry(model, check, vertebra, areAnyPlaced):
    """What of lengths, view and box is another now; a value that is not known now cannot be compared."""
    if check.problems:
        return
    made = json.loads(model.GetAttribute("ReVert.Geometry") or "{}")
    layers = LayeredGeometry(check.known)
    now = {"principal_point_px": [(size - 1) / 2 for size in shown_size(check.sizePx, check.turn)], **layers.values}
    asked = json.loads(model.GetAttribute(ASKED) or "{}")
    for key in LENGTHS:
        if _isAnother(key, made, asked, now):
            yield NAMES[key]
    view = json.loads(model.GetAttribute("ReVert.View") or "{}")
    if view != layers.view and (layers.view or any(view.values())):  # earlier versions wrote AP where it is not known
        yield _("View")
    isProposed = bool(asked) and model.GetAttribute("ReVert.Level") not in asked["levels"]  # it never had a box
    if made.get("box_px") and areAnyPlaced and not isProposed and _isElsewhere(made["box_px"], vertebra, check):
        yield _("Place")


def _isAnother(key, made, asked, now):
    """Whether a length is another now than a surface was made with. A film's own lengths count, not the distance of
    each vertebra; one that was not known then and is now is another."""
    if asked and key in REQUIRED:
        return (key in asked) != (key in now) or (key in asked and not np.allclose(asked[key], now[key], rtol=1e-6))
    return key in made and key in now and not np.allclose(made[key], now[key], rtol=1e-6)


def _isElsewhere(box_px, vertebra, check):
    """Whether a vertebra is not placed any more, or not where box_px of the shown picture is."""
    if vertebra is None or vertebra.problem:
        return True
    return _moved(box_px, shown_box(vertebra.boxPx, check.sizePx, check.turn))


def _changedReading(model, check):
    """Whether the volume would be turned or inverted otherwise now."""
    if check.problems:
        return
    if turnOf(model) != check.turn:
        yield _("Orientation")
    if model.GetAttribute(BONE_DARK) not in (None, str(int(check.boneDark.value))):
        yield NAMES["bone_dark"]


def _changedWeights(model, weightsSha256):
    if weightsSha256 and model.GetAttribute("ReVert.WeightsSha256") not in (None, weightsSha256):
        yield _("Weights")


def _moved(before, after):
    """Whether a box's centre is another. Its size does not matter: around a point it follows from the lengths."""
    centres = [(np.asarray(box[:2], float) + box[2:]) / 2 for box in (before, after)]
    return not np.allclose(*centres, atol=0.5)


def _changedImage(model, radiographNode):
    """Frames of a stream keep no digest."""
    made, image = model.GetAttribute(IMAGE), radiographNode.GetImageData()
    if not made or image is None:
        return
    sliceIndex = int(model.GetAttribute(SLICE))
    if sliceIndex >= image.GetDimensions()[2] or made != knownSha256(radiographNode, sliceIndex):
        yield _("Image")
