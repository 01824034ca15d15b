"""Small volumes and the camera in which the tests of projectors see them."""

import numpy as np
from scipy import ndimage

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.drr import Drr, DrrView, Vertebra

SIZE_PX = (41, 33)
CAMERA = Geometry(1000.0, 500.0, (0.8, 0.8), (20.0, 16.0))
VIEWS = [(0, 0, 0), (90, 0, 0), (0, 90, 0), (25, -40, 15)]


def grid(array: np.ndarray, spacing_mm=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), turn=0.0) -> Volume:
    """A volume of (k, j, i) values, its axes turned about the superior axis."""
    matrix = np.eye(4)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) * spacing_mm
    matrix[:3, 3] = origin
    return Volume(np.asarray(array, np.float32), matrix)


def one_voxel(value: float, spacing_mm, at=(3, 4, 5), size=9) -> Volume:
    array = np.zeros((size,) * 3)
    array[at] = value
    return grid(array, spacing_mm, (12.0, -7.0, 30.0))


def pose(angles=(0, 0, 0), centre=(0.0, 0.0, 0.0), depth_mm=500.0) -> RigidTransform:
    return RigidTransform.about(np.array(centre), view_rotation(*angles), np.array([0.0, 0.0, depth_mm]))


def centre_of(volume: Volume, kji) -> np.ndarray:
    return (volume.ijk_to_lps @ [*kji[::-1], 1.0])[:3]


def blob(seed=0, turn=0.0) -> Volume:
    """Random smooth bone with holes, and a loose piece, in an anisotropic grid."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.standard_normal((14, 18, 22)), 2.0)
    array = np.where(field > 0.03, 0.05 + field, 0.0)
    array[0, 0, 0] = 0.5
    return grid(array, (1.0, 1.5, 2.0), (3.0, -20.0, 8.0), turn)


def vertebra_drr(
    ct: Volume,
    labels: Volume,
    label: int,
    view: DrrView,
    camera: Geometry,
    size_px: tuple[int, int],
    context: bool = False,
) -> Drr:
    """The DRR of one vertebra alone, or with context of the whole CT; errors as `Vertebra` and `Vertebra.drr`."""
    return Vertebra(ct, labels, label, context).drr(view, camera, size_px)
