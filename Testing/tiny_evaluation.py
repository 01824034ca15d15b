"""Evaluations whose every figure is written down by the test that asks for one."""

from pathlib import Path

import numpy as np

from ReVertLib.geometry import Geometry
from ReVertLib.measure import Asked, Evaluation, PoseError, Row, Shot
from ReVertLib.metrics import SurfaceMetrics

CAMERA = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5))
NETWORK = Asked("network", "template", "0" * 64, None)
SPHERE = Asked("sphere abcdef01", "sphere", "abcdef01" + "0" * 56, "model.safetensors")


def row(dice, level="L3", view="ap", answer="network", alignment="rigid", pose=(1.0, 2.0, 3.0), crossing=0.0, euler=0):
    """HD95 is ten times the Dice, in mm, and all other figures are the Dice; so a table can be told by heart."""
    metrics = SurfaceMetrics(dice, 10 * dice, dice, dice, dice, 1.0, 1.0)
    placed = PoseError(*pose) if pose else None
    return Row(f"secret_{level}", "secret", level, view, answer, alignment, metrics, placed, True, euler, crossing)


def evaluation(rows, networks=(NETWORK,), failures=(), errors_mm=None, judgements=()):
    """With a shot for each vertebra and view of the rows."""
    places = dict.fromkeys((r.vertebra, r.case, r.level, r.view) for r in rows)
    shots = tuple(Shot(*place, Path("/home/me/i.png"), Path("/home/me/m.stl"), CAMERA, np.eye(4)) for place in places)
    return Evaluation("data", networks, shots, tuple(rows), tuple(failures), tuple(judgements), errors_mm or {})


def constants(level="L3", view="ap"):
    """What every image has beside the networks' answers: control and oracle."""
    return [row(0.8, level, view, "control", pose=None), row(0.95, level, view, "oracle", pose=None)]
