"""Films that hang upside down. All that is said of a film is in pixels of it as it was given, and in its camera's
frame; only the network, which has seen none upside down, sees it turned by 180 degrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

HALF_TURN = RigidTransform.turn(np.diag([-1.0, -1.0, 1.0]))
"""About the principal ray."""


class HeadUp:
    """A predictor for films that hang upside down: asked, and answering, of the film as it hangs. A view is that of the
    film hung head up."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def reconstruct_all(
        self, pixels: np.ndarray, geometries: Sequence[Geometry], draft: bool = False
    ) -> list[Reconstruction]:
        """As `Predictor.reconstruct_all`."""
        size_px = pixels.shape[::-1]
        turned = [turned_geometry(geometry, size_px) for geometry in geometries]
        found = self._predictor.reconstruct_all(np.ascontiguousarray(pixels[::-1, ::-1]), turned, draft)
        return [_turned_back(one, size_px) for one in found]


def turned_geometry(geometry: Geometry, size_px: tuple[int, int]) -> Geometry:
    """The geometry of a film of (columns, rows) when it is turned by 180 degrees."""
    (columns, rows), (cu, cv) = size_px, geometry.principal_point_px
    turned = replace(geometry, principal_point_px=(columns - 1 - cu, rows - 1 - cv))
    if geometry.box_px is None:
        return turned
    u0, v0, u1, v1 = geometry.box_px
    return replace(turned, box_px=(columns - u1, rows - v1, columns - u0, rows - v0))


def _turned_back(one: Reconstruction, size_px: tuple[int, int]) -> Reconstruction:
    last = np.array(size_px) - 1
    return replace(
        one,
        mesh=one.mesh.moved(HALF_TURN),
        geometry=turned_geometry(one.geometry, size_px),
        seen_px=tuple(last - loop for loop in one.seen_px),
        other=None if one.other is None else _turned_back(one.other, size_px),
    )
