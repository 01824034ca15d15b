"""Vertebrae that their scan cuts off: where it does, and what their registered surface is continued by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ReVertLib.imaging.labels import label_region
from ReVertLib.imaging.volume import Volume, slices
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.registration.icp import best_motion
from ReVertLib.registration.nonrigid import graph_laplacian
from ReVertLib.registration.untangle import filled_in, untangled

LEAST_CUT_MM2, LEAST_CUT_SHARE = 20.0, 0.65
"""A vertebra is cut off where the first slice of its scan holds this much of it, and this share of what the second one
does: the tip of a process, as scans that are cropped to their labels end with, tapers faster."""
CUT_MARGIN_MM = 3.0
"""So near to where a scan ends a surface is not the bone's."""


@dataclass(frozen=True)
class Border:
    """A plane at which a scan ends: a point, mm, and the outward normal, (3,) each."""

    point: np.ndarray
    outward: np.ndarray

    def reached(self, points: np.ndarray) -> np.ndarray:
        """(n,) bool: which of points (n, 3) lie beyond the plane or nearer than CUT_MARGIN_MM to it."""
        return (points - self.point) @ self.outward > -CUT_MARGIN_MM

    @property
    def mirrored(self) -> Border:
        """As `symmetric_means.mirror` mirrors a surface."""
        return Border(*(vector * [-1.0, 1.0, 1.0] for vector in (self.point, self.outward)))


def cuts(labels: Volume, label: int) -> tuple[Border, ...]:
    """The borders of a label map that cut a label off, LPS."""
    lower, upper = label_region(labels, label, 0.0)
    inside = labels.array[slices(lower, upper)] == label
    found = []
    for axis in range(3):
        layers_mm2 = inside.sum(tuple({0, 1, 2} - {2 - axis})) * _voxel_face_mm2(labels, axis)
        if lower[axis] == 0 and _is_cut(layers_mm2):
            found.append(_border(labels, axis, first=True))
        if upper[axis] == labels.size_ijk[axis] and _is_cut(layers_mm2[::-1]):
            found.append(_border(labels, axis, first=False))
    return tuple(found)


def continued(fit: Mesh, start: Mesh, borders: Sequence[Border]) -> Mesh:
    """A fit of start to a vertebra that its scan cuts off at some borders, continued there as the start is shaped."""
    unknown = np.any([border.reached(fit.vertices) for border in borders], axis=0)
    rest = best_motion(start.vertices[~unknown], fit.vertices[~unknown], "similarity").apply(start.vertices)
    unknown |= np.any([border.reached(rest) for border in borders], axis=0)
    displacement = filled_in(graph_laplacian(fit.faces, len(rest)), fit.vertices - rest, unknown)
    return untangled(Mesh(rest + displacement, fit.faces), rest)


def _is_cut(layers_mm2: np.ndarray) -> bool:
    return len(layers_mm2) > 1 and layers_mm2[0] > max(LEAST_CUT_MM2, LEAST_CUT_SHARE * layers_mm2[1])


def _voxel_face_mm2(volume: Volume, axis: int) -> float:
    return abs(np.linalg.det(volume.ijk_to_lps[:3, :3])) / volume.spacing_mm[axis]


def _border(volume: Volume, axis: int, first: bool) -> Border:
    """The outer face of a volume's first or last voxels along an axis."""
    middle = (volume.size_ijk - 1) / 2
    middle[axis] = -0.5 if first else volume.size_ijk[axis] - 0.5
    outward = volume.ijk_to_lps[:3, axis] / volume.spacing_mm[axis] * (-1 if first else 1)
    return Border((volume.ijk_to_lps @ [*middle, 1.0])[:3], outward)
