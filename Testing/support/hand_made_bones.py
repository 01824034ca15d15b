"""Vertebrae whose measurements are known by hand: landmarks put where they should be, no surface around them."""

import numpy as np
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.measurement.landmarks import PLATE_POINTS, RING_POINTS, landmarks
from ReVertLib.measurement.vertebra import Vertebra

WIDTH, DEPTH, HEIGHT = 50.0, 34.0, 28.0
PEDICLE_WIDTH, PEDICLE_HEIGHT, CONVERGENCE_DEG = {"left": 10.0, "right": 8.0}, 16.0, 20.0
ENTRY_MM, LENGTH = 15.0, 55.0
CANAL_DEPTH = 16.0
MIRROR = np.array([-1.0, 1.0, 1.0])


def points():
    """(k, 3) of a box with two tubes, patient's axes: the middle of the body is the origin."""
    found = np.full((len(landmarks().mean_mm), 3), np.nan)
    for plate, z in (("upper", HEIGHT / 2), ("lower", -HEIGHT / 2)):
        _put(found, f"{plate} rim", [[0, -DEPTH / 2, z], [0, DEPTH / 2, z], [WIDTH / 2, 0, z], [-WIDTH / 2, 0, z]])
        _put(found, f"{plate} middle", [[0, 0, z]])
        angles = 2 * np.pi * np.arange(PLATE_POINTS) / PLATE_POINTS
        _put(found, f"{plate} plate", np.stack([20 * np.cos(angles), 12 * np.sin(angles), np.full(PLATE_POINTS, z)], 1))
    for side, sign in (("left", 1), ("right", -1)):
        _put_pedicle(found, side, sign)
        _put(found, f"{side} tip", [[sign * 45, 30, 0]])
    _put(found, "canal", [[0, 20, 0], [0, 20 + CANAL_DEPTH, 0]])
    _put(found, "spinous tip", [[0, 70, -5]])
    assert not np.isnan(found).any()
    return found


def _put_pedicle(found, side, sign):
    angle = np.radians(CONVERGENCE_DEG)
    forward = np.array([-sign * np.sin(angle), -np.cos(angle), 0])
    across, isthmus = np.array([np.cos(angle), -sign * np.sin(angle), 0]), np.array([sign * 16.0, 22, 8])
    around = 2 * np.pi * np.arange(RING_POINTS) / RING_POINTS
    square = np.stack([np.cos(around), np.sin(around)], 1)
    square /= np.abs(square).max(1, keepdims=True)
    half = np.array([PEDICLE_WIDTH[side] / 2, PEDICLE_HEIGHT / 2])
    ring = square * half @ np.stack([across, [0, 0, 1.0]])
    for name, along, size in (("front", 3, 1.3), ("isthmus", 0, 1), ("rear", -3, 1.2)):
        _put(found, f"{side} {name}", isthmus + along * forward + size * ring)
    _put(found, f"{side} entry", [isthmus - ENTRY_MM * forward + 2 * across])
    _put(found, f"{side} end", [isthmus + (LENGTH - ENTRY_MM) * forward - across])


def _put(found, name, where):
    found[landmarks().rows[name]] = where


def mirrored(of_one):
    """The landmarks (k, 3) of the mirror image."""
    found, rows = of_one * MIRROR, landmarks().rows
    swapped = found.copy()
    for name in rows:
        if name.startswith("left"):
            other = rows[name.replace("left", "right")]
            swapped[rows[name]], swapped[other] = found[other], found[rows[name]]
    for plate in ("upper", "lower"):
        swapped[rows[f"{plate} rim"]] = found[rows[f"{plate} rim"]][[0, 1, 3, 2]]
    return swapped


def moved(of_one, degrees=(0.0, 0.0, 0.0), shift=(0.0, 0.0, 0.0)):
    """Turned by a rotation vector about the middle of the body, then shifted."""
    turn = Rotation.from_rotvec(degrees, degrees=True).as_matrix()
    return RigidTransform(turn, np.array(shift, float)).apply(of_one)


def vertebra(of_one):
    """A batch of one."""
    return Vertebra(of_one[None])


def upper_plate_tilted(of_one, degrees):
    """The upper endplate alone turned about the axis to the left, through the middle of the plate."""
    found, rows = of_one.copy(), landmarks().rows
    middle = np.array([0.0, 0.0, HEIGHT / 2])
    turn = Rotation.from_rotvec([degrees, 0, 0], degrees=True).as_matrix()
    for name in ("upper rim", "upper middle", "upper plate"):
        found[rows[name]] = (of_one[rows[name]] - middle) @ turn.T + middle
    return found
