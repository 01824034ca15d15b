"""`revert.fuse`: two radiographs of one vertebra to one surface."""

from __future__ import annotations

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.fusion.pair import about_isocentre, fused_pair
from ReVertLib.fusion.records import Fused
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.startup import matrices_alone

from .reconstruct import FilePath, GeometryLike, ImageLike, predictor_of, radiograph_input

ISOCENTRE = "isocentre"
"""The pose of two images whose views are exact and whose distances are those of one isocentre."""
_RIGID = 1e-3


@matrices_alone()
def fuse(
    first: ImageLike,
    second: ImageLike,
    first_geometry: GeometryLike | None = None,
    second_geometry: GeometryLike | None = None,
    *,
    level: str | None = None,
    pose: str | np.ndarray | None = None,
    weights: FilePath | None = None,
    device: str = "auto",
) -> Fused:
    """The surface of one lumbar vertebra from two radiographs of it, in the first one's camera frame, mm.

    first, second and their geometries, level, weights, device: as for `reconstruct`; each view should be known. pose:
    how the second camera lies to the first, None where it is not known. "isocentre": both views' angles are exact, and
    each `sod_mm` is the distance of one isocentre on both principal rays. A matrix (4, 4): from the first camera's
    frame to the second's, mm, exact to about a degree and a mm. Where the pose is known, the vertebra's own distance
    is found from both images, and `sod_mm` need only be near.

    The result's `reconstruction` holds the mesh, the errors still to be expected and the warnings, `verdict` what it is
    worth: "do not use" where the images show different vertebrae, as far as that can be told. `relative_pose` is the
    one found, `agreement` says how well both agree, `alone` holds both answers by themselves, `gain_mm` what of the
    expected error the second image took away.

    Raises InputError for images, geometries, a pose, weights or a device that cannot be used, and for two levels.
    """
    options = {"level": level}
    given = [
        radiograph_input(image, geometry, options)
        for image, geometry in ((first, first_geometry), (second, second_geometry))
    ]
    second_from_first = relative_pose(pose, *(one.geometry for one in given))
    return fused_pair(predictor_of(weights, device), given, second_from_first)


def relative_pose(pose: object, first: Geometry, second: Geometry) -> RigidTransform | None:
    """From the first camera's frame to the second's, of a pose as for `fuse`. Raises InputError for another."""
    if pose is None:
        return None
    if isinstance(pose, str):
        if pose != ISOCENTRE:
            raise InputError(f"pose: expected {ISOCENTRE!r} or a matrix (4, 4), got {pose[:40]!r}")
        return about_isocentre(first, second)
    try:
        matrix = np.asarray(pose, float)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise InputError(f"pose: expected {ISOCENTRE!r} or a matrix (4, 4), got {str(pose)[:40]!r}")
    rotation = matrix[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > _RIGID or np.linalg.det(rotation) < 0:
        raise InputError("pose: expected a rotation in the first three rows and columns, got another matrix")
    return RigidTransform.from_matrix(matrix)
