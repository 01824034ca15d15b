"""Where a result is from, as attributes of its node, without names: weights, device, versions, image and how it was
read."""

import json
from datetime import datetime, timezone

import slicer

from .result_state import BONE_DARK, IMAGE, TURN


def describeSource(node, about, taken):
    """about: ReVertLib's About. taken: a `reconstruction_nodes.Taken` whose image is known."""
    with slicer.util.NodeModify(node):
        node.SetAttribute("ReVert.WeightsSha256", about.weights_sha256)
        node.SetAttribute("ReVert.Architecture", about.architecture)
        node.SetAttribute("ReVert.Device", about.device)
        node.SetAttribute("ReVert.Versions", json.dumps({**about.versions, "Slicer": _slicerVersion()}))
        node.SetAttribute(IMAGE, taken.image)
        node.SetAttribute(TURN, str(taken.turn))
        node.SetAttribute(BONE_DARK, str(int(taken.boneDark)))


def now():
    """UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _slicerVersion():
    version = getattr(slicer.app, "applicationVersion", "unknown")
    return version() if callable(version) else version
