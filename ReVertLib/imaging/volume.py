"""CT volumes and label maps with their place in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.errors import InputError, one_line
from ReVertLib.files import holds_bytes


@dataclass(frozen=True)
class Volume:
    """A 3D image. array: (k, j, i), the order of SimpleITK's arrays. ijk_to_lps: (4, 4), voxel index (i, j, k, 1) of a
    voxel's centre to patient LPS mm."""

    array: np.ndarray
    ijk_to_lps: np.ndarray

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) voxel size along i, j, k."""
        return np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0)

    def cropped(self, lower_ijk: np.ndarray, upper_ijk: np.ndarray) -> Volume:
        """Voxels lower <= (i, j, k) < upper, cut to the volume, at the same place in the patient."""
        lower = np.maximum(lower_ijk, 0).astype(int)
        upper = np.minimum(upper_ijk, self.array.shape[::-1]).astype(int)
        moved = self.ijk_to_lps.copy()
        moved[:3, 3] = (self.ijk_to_lps @ [*lower, 1.0])[:3]
        (i0, j0, k0), (i1, j1, k1) = lower, upper
        return Volume(self.array[k0:k1, j0:j1, i0:i1], moved)


def read_volume(path: str | Path, what: str = "CT") -> Volume:
    """A 3D image in any format SimpleITK reads (NIfTI, NRRD, MHA). Raises InputError when it is not one, or has NaN."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{what} {path.name}: expected an existing file, got none")
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        cause = one_line(error).rsplit("ITK ERROR:", 1)[-1][:120]
        raise InputError(f"{what} {path.name}: expected a readable volume, got {cause}") from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        kind = f"{image.GetDimension()}D with {image.GetNumberOfComponentsPerPixel()} components"
        raise InputError(f"{what} {path.name}: expected a 3D volume of one component, got {kind}")
    if image.HasMetaDataKey("vox_offset") and not holds_bytes(path, _nifti_bytes(image)):
        raise InputError(f"{what} {path.name}: expected a whole NIfTI file, got one that is cut off")
    array = sitk.GetArrayFromImage(image)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{what} {path.name}: expected finite values, got NaN or infinity")
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return Volume(array, affine)


def _nifti_bytes(image: sitk.Image) -> int:
    """The length of an unpacked NIfTI file by its own header."""
    offset, bits = (float(image.GetMetaData(key)) for key in ("vox_offset", "bitpix"))
    return int(offset + image.GetNumberOfPixels() * bits / 8)
