"""Two radiographs of one vertebra, each reconstructed, at the distance that both together tell where they can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.inputs import ReconstructionInput, reconstructed
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.mesh import volume_centroid

from .fuse import fused
from .records import Fused

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

SAME_DISTANCE = 0.003
"""A distance that is off by less, as a share of it, is left as it is."""
LEAST_ANGLE_DEG = 15.0
"""Between two beams, for their crossing to tell a distance."""


def fused_pair(
    predictor: Predictor, given: Sequence[ReconstructionInput], second_from_first: RigidTransform | None
) -> Fused:
    """The vertebra that two radiographs show. second_from_first: see `fuse.fused`; where it is known, the distances
    given need only be near: where the beams through the vertebra's centre cross is how far it is from each source.
    Raises InputError unless given are two, and as `fused` does."""
    if len(given) != 2:
        raise InputError(f"images: expected two of one vertebra, got {len(given)}")
    found = [reconstructed(predictor, one) for one in given]
    if second_from_first is not None:
        found = [
            one if is_same else reconstructed(predictor, asked)
            for one, (asked, is_same) in zip(found, _asked_again(given, found, second_from_first), strict=True)
        ]
    return fused(*found, second_from_first)


def about_isocentre(first: Geometry, second: Geometry) -> RigidTransform:
    """From the first camera's frame to the second's, when the views are exact and each sod_mm is the distance of one
    isocentre, which lies on both principal rays. Raises InputError where a view is not known."""
    cameras = []
    for name, geometry in (("first", first), ("second", second)):
        if geometry.view_deg is None:
            raise InputError(f"pose: expected the view of both images for a pose about an isocentre, got no {name} one")
        cameras.append(RigidTransform(view_rotation(*geometry.view_deg), np.array([0.0, 0.0, geometry.sod_mm])))
    return cameras[1] @ cameras[0].inverse


def crossing(
    first: np.ndarray, second: np.ndarray, second_from_first: RigidTransform
) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the ray through a point (3,) of the first camera's frame is nearest to that through one of the second's,
    each in its own frame, mm; None for rays that are nearly parallel or cross behind a source."""
    back = second_from_first.inverse
    rays = np.stack([first / np.linalg.norm(first), back.rotation @ (second / np.linalg.norm(second))])
    cosine = float(rays[0] @ rays[1])
    if abs(cosine) > np.cos(np.radians(LEAST_ANGLE_DEG)):
        return None
    system = np.array([[1.0, -cosine], [-cosine, 1.0]])
    lengths = np.linalg.solve(system, [rays[0] @ back.translation_mm, -(rays[1] @ back.translation_mm)])
    if lengths.min() <= 0:
        return None
    return lengths[0] * rays[0], second_from_first.rotation @ (lengths[1] * rays[1])


def _asked_again(
    given: Sequence[ReconstructionInput], found: Sequence[Reconstruction], second_from_first: RigidTransform
) -> list[tuple[ReconstructionInput, bool]]:
    """The inputs at the distances at which the beams cross, and whether that is the distance given."""
    places = crossing(*(volume_centroid(one.mesh) for one in found), second_from_first)
    if places is None:
        return [(one, True) for one in given]
    asked = []
    for one, place in zip(given, places, strict=True):
        geometry, depth_mm = one.geometry, float(place[2])
        same = abs(depth_mm / geometry.sod_mm - 1) < SAME_DISTANCE or not 0 < depth_mm < geometry.sdd_mm
        asked.append((one if same else replace(one, geometry=replace(geometry, sod_mm=depth_mm)), same))
    return asked
