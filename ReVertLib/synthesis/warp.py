"""A volume bent around other landmarks by a thin-plate spline."""

from __future__ import annotations

import numpy as np
import torch
from scipy.interpolate import RBFInterpolator

from ReVertLib.imaging.volume import Volume


class ThinPlateWarp:
    """The smoothest map of points that takes landmarks (n, 3) to landmarks (n, 3) of another frame, mm. smoothing: 0
    meets them exactly; more lets it miss them by some. mirrored: x is negated after the map."""

    def __init__(self, start: np.ndarray, end: np.ndarray, smoothing: float, mirrored: bool = False) -> None:
        self._spline = RBFInterpolator(start, end, kernel="thin_plate_spline", smoothing=smoothing)
        self._sides = np.array([-1.0 if mirrored else 1.0, 1.0, 1.0])

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) where points (n, 3) go, mm."""
        return self._spline(points) * self._sides

    def sampled(self, volume: Volume, grid: Volume, lattice_mm: float) -> np.ndarray:
        """(k, j, i) float32: the values of a volume at where the voxel centres of a grid go; beyond the volume those of
        its nearest voxel. The map is evaluated at the nodes of a lattice, at most lattice_mm apart, and trilinear
        between them."""
        counts = np.ceil(grid.size_ijk * grid.spacing_mm / lattice_mm).astype(int) + 1
        axes = (np.linspace(0, n - 1, count) for n, count in zip(grid.size_ijk, counts, strict=True))
        nodes = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
        index = volume.ijk_from_lps(self(grid.lps_from_ijk(nodes.reshape(-1, 3))))
        from_end_to_end = ((2 * index + 1) / volume.size_ijk - 1).reshape(nodes.shape)  # -1..1, as grid_sample has it
        field = torch.as_tensor(from_end_to_end.T[None], dtype=torch.float32)
        field = torch.nn.functional.interpolate(field, grid.array.shape, mode="trilinear", align_corners=True)
        values = torch.as_tensor(volume.array)[None, None]
        at = field.permute(0, 2, 3, 4, 1)
        return torch.nn.functional.grid_sample(values, at, padding_mode="border", align_corners=False)[0, 0].numpy()
