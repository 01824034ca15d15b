"""Projectors of others for the same volume, pose and camera: what the tests and the benchmark hold ours against."""

from collections.abc import Callable

import numpy as np
import torch
from nanodrr.data import Subject
from nanodrr.drr import render

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume


def marched_integrals(
    mu: Volume, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int], step_mm: float
) -> np.ndarray:
    """(rows, columns) line integrals by nanodrr, which samples trilinearly, at most step_mm apart inside the volume."""
    columns, rows = size_px
    reach_mm = float(np.linalg.norm(mu.spacing_mm * (np.array(mu.array.shape[::-1]) + 2)))
    matrices = (np.linalg.inv(geometry.matrix)[None], camera_from_lps.inverse.matrix[None], [geometry.sdd_mm])
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


def rtk_integrals(
    mu: Volume, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int], threads: int
) -> Callable[[], np.ndarray]:
    """What computes (rows, columns) line integrals by itk-rtk, Joseph's method too, with its volume and camera already
    made. Raises ImportError when it is not installed."""
    import itk
    from itk import RTK as rtk

    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    spacing, (cu, cv) = geometry.pixel_spacing_mm, geometry.principal_point_px
    volume = itk.image_from_array(np.ascontiguousarray(mu.array, np.float32))
    volume.SetSpacing(mu.spacing_mm.tolist())
    volume.SetOrigin(mu.ijk_to_lps[:3, 3].tolist())
    volume.SetDirection(itk.matrix_from_array(mu.ijk_to_lps[:3, :3] / mu.spacing_mm))
    image = itk.image_from_array(np.zeros((1, *size_px[::-1]), np.float32))
    image.SetSpacing([*spacing, 1.0])
    image.SetOrigin([-cu * spacing[0], -cv * spacing[1], 0.0])
    source, detector = (camera_from_lps.inverse.matrix @ [0, 0, depth_mm, 1] for depth_mm in (0.0, geometry.sdd_mm))
    along_u, along_v = camera_from_lps.rotation[:2].tolist()
    camera = rtk.ThreeDCircularProjectionGeometry.New()
    if not camera.AddProjection(source[:3].tolist(), detector[:3].tolist(), along_u, along_v):
        raise ValueError("itk-rtk: expected a camera that it can express")
    projector = rtk.JosephForwardProjectionImageFilter[type(image), type(volume)].New()
    projector.SetInput(0, image)
    projector.SetInput(1, volume)
    projector.InPlaceOff()  # or the second run would find its image gone

    def run() -> np.ndarray:
        projector.SetGeometry(camera)  # which the filter itself does not keep alive
        projector.Modified()
        projector.Update()
        return itk.array_view_from_image(projector.GetOutput())[0].copy()

    return run
