"""Projectors of others for the same volume, pose and camera: what the tests and the benchmark hold ours against."""

import numpy as np
import torch
from nanodrr.data import Subject
from nanodrr.drr import render

from ReVertLib.geometry import Geometry
from ReVertLib.projector import Pose
from ReVertLib.volume import Volume


def marched_integrals(
    mu: Volume, pose: Pose, geometry: Geometry, size_px: tuple[int, int], step_mm: float
) -> np.ndarray:
    """(rows, columns) line integrals by nanodrr, which samples trilinearly, at most step_mm apart inside the volume."""
    columns, rows = size_px
    reach_mm = float(np.linalg.norm(mu.spacing_mm * (np.array(mu.array.shape[::-1]) + 2)))
    matrices = (np.linalg.inv(geometry.matrix)[None], pose.lps_from_camera[None], [geometry.sdd_mm])
    camera = [torch.as_tensor(np.asarray(m), dtype=torch.float32) for m in matrices]
    v, u = np.indices((rows, columns)).reshape(2, -1)  # nanodrr's own pixels begin elsewhere
    targets = torch.as_tensor(geometry.backproject(np.stack([u, v], 1), geometry.sdd_mm), dtype=torch.float32)
    image = render(subject(mu), *camera, rows, columns, int(np.ceil(reach_mm / step_mm)), tgt=targets[None])
    return image[0, 0].numpy()


def subject(mu: Volume) -> Subject:
    """nanodrr's form of a volume, its world being LPS."""
    array = torch.as_tensor(np.ascontiguousarray(mu.array, np.float32))[None, None]
    size = np.array(mu.array.shape[::-1])
    voxel_to_grid = np.eye(4)  # voxel i's centre at (2 i + 1) / size - 1, as grid_sample without aligned corners
    voxel_to_grid[:3, :3] = np.diag(2.0 / size)
    voxel_to_grid[:3, 3] = 1.0 / size - 1.0
    matrices = (mu.ijk_to_lps, np.linalg.inv(mu.ijk_to_lps), voxel_to_grid, np.zeros(3))
    to_world, to_voxel, to_grid, isocentre = (torch.as_tensor(m, dtype=torch.float32) for m in matrices)
    return Subject(array, torch.zeros_like(array), to_world, to_voxel, to_grid, isocentre, 0, convert_to_mu=False)
