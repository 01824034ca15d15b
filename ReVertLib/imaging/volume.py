"""CT volumes and label maps with their place in the patient."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ReVertLib.errors import InputError, one_line
from ReVertLib.files import existing_file, utf8_name
from ReVertLib.geometry.transform import mapped

from .dicom_series import read_series
from .nifti import is_nifti, read_nifti, stated_axes

_SAME_PLACE_MM = 0.1
"""What two statements of one place may differ by."""
_VOXEL_MM = (0.005, 50.0)
"""From micro-CT to the coarsest of scouts; beyond them a length is in another unit."""


@dataclass(frozen=True)
class Volume:
    """A 3D image. array: (k, j, i), the order of SimpleITK's arrays. ijk_to_lps: (4, 4), voxel index (i, j, k, 1) of a
    voxel's centre to patient LPS mm; any other frame in mm serves as well.

    Boxes of voxels are (lower, upper), each (3,) int along i, j and k, upper exclusive.
    """

    array: np.ndarray
    ijk_to_lps: np.ndarray

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) voxel size along i, j, k."""
        return np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0)

    @property
    def size_ijk(self) -> np.ndarray:
        """(3,) number of voxels along i, j, k."""
        return np.array(self.array.shape[::-1])

    @property
    def centre_lps(self) -> np.ndarray:
        """(3,) the middle of the volume, LPS mm."""
        return self.lps_from_ijk((self.size_ijk - 1) / 2)

    def lps_from_ijk(self, index: np.ndarray) -> np.ndarray:
        """(n, 3) LPS mm of voxel indices (n, 3), which may be fractions."""
        return mapped(index, self.ijk_to_lps)

    def ijk_from_lps(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) voxel indices, in fractions, of points (n, 3), LPS mm."""
        return mapped(points, np.linalg.inv(self.ijk_to_lps))

    def coordinates_lps(self, dtype: type[np.floating] = np.float64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and z, LPS mm, of all voxel centres. Each broadcasts to (k, j, i): it has its full length only along the
        axes on which it depends."""
        k, j, i = (axis.astype(dtype) for axis in np.ogrid[tuple(slice(n) for n in self.array.shape)])
        x, y, z = (
            sum(step * index for step, index in zip(row, (i, j, k), strict=False) if step) + row[3]
            for row in self.ijk_to_lps[:3].astype(dtype)
        )
        return x, y, z

    def box_around(self, points: np.ndarray, margin: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The box of whole voxels around points (n, 3), LPS mm, and margin voxels more on each side; not cut to the
        volume."""
        index = self.ijk_from_lps(points)
        return np.floor(index.min(0)).astype(int) - margin, np.ceil(index.max(0)).astype(int) + 1 + margin

    def cut(self, lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What of a box lies in the volume; empty boxes, too, are in the volume."""
        lower = np.clip(lower, 0, self.size_ijk).astype(int)
        return lower, np.clip(upper, lower, self.size_ijk).astype(int)

    def cropped(self, lower: np.ndarray, upper: np.ndarray) -> Volume:
        """The box of a volume, cut to it, at the same place in the patient. Its array is a view: what is written into
        it is written into the volume."""
        lower, upper = self.cut(lower, upper)
        return Volume(self.array[slices(lower, upper)], self._matrix_from(lower))

    def empty(self, lower: np.ndarray, upper: np.ndarray) -> Volume:
        """Zeros, float32, on the volume's grid in a box that may reach beyond the volume."""
        return Volume(np.zeros((upper - lower)[::-1], np.float32), self._matrix_from(lower))

    def resampled_to(self, grid: Volume, outside: float | None = None) -> np.ndarray:
        """(k, j, i) float32 values at the voxel centres of another grid, trilinear. outside: the value beyond the
        volume; None: that of the nearest voxel."""
        index = np.linalg.inv(self.ijk_to_lps) @ grid.ijk_to_lps
        return ndimage.affine_transform(
            self.array.astype(np.float32, copy=False),
            index[:3, :3][::-1, ::-1],
            index[:3, 3][::-1],
            grid.array.shape,
            order=1,
            mode="nearest" if outside is None else "constant",
            cval=outside or 0.0,
        )

    def _matrix_from(self, first: np.ndarray) -> np.ndarray:
        """(4, 4) ijk_to_lps of the grid whose first voxel is `first` (3,) of this one."""
        matrix = self.ijk_to_lps.copy()
        matrix[:3, 3] = (self.ijk_to_lps @ [*first, 1.0])[:3]
        return matrix


def slices(lower: np.ndarray, upper: np.ndarray) -> tuple[slice, slice, slice]:
    """A box of voxels as an index of arrays (k, j, i)."""
    k, j, i = (slice(a, b) for a, b in zip(lower[::-1], upper[::-1], strict=True))
    return k, j, i


def read_volume(path: str | Path, what: str = "CT") -> Volume:
    """A 3D image in any format SimpleITK reads (NIfTI, NRRD, MHA), or a folder with one DICOM series of a CT. Warns of
    a NIfTI file without sform and qform, or with two that differ. Raises InputError when it is not one, is cut off, or
    has NaN."""
    path = Path(path) if Path(path).is_dir() else existing_file(path, what)
    name = f"{what} {path.name}"
    array, affine = _read_nifti(path, what) if is_nifti(path) else _read_by_itk(path, name)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError(f"{name}: expected finite values, got NaN or infinity")
    volume = Volume(array, affine)
    low, high = volume.spacing_mm.min(), volume.spacing_mm.max()
    if not (np.isfinite(affine).all() and _VOXEL_MM[0] <= low and high <= _VOXEL_MM[1]):
        sides = " x ".join(f"{mm:.4g}" for mm in volume.spacing_mm)
        raise InputError(f"{name}: expected voxels of {_VOXEL_MM[0]:g} to {_VOXEL_MM[1]:g} mm, got {sides}")
    return volume


def _read_by_itk(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        image = read_series(path, name) if path.is_dir() else sitk.ReadImage(utf8_name(path))
    except RuntimeError as error:
        cause = one_line(error).rsplit("ITK ERROR:", 1)[-1][:120]
        raise InputError(f"{name}: expected a readable volume, got {cause}") from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:  # as other writers store a single volume
        image = image[:, :, :, 0]
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        kind = f"{image.GetDimension()}D with {image.GetNumberOfComponentsPerPixel()} components"
        raise InputError(f"{name}: expected a 3D volume of one component, got {kind}")
    return sitk.GetArrayFromImage(image), _affine(image)


def _read_nifti(path: Path, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Values as they are in the file, which ITK's reader does not hand out; its place where ITK puts it, and where the
    file puts it if its axes are too roughly rounded for ITK."""
    found, name = read_nifti(path, what), f"{what} {path.name}"
    if not all(np.isfinite(form).all() for form in (found.sform, found.qform) if form is not None):
        raise InputError(f"{name}: expected a place in finite numbers, got NaN or infinity")
    reader = sitk.ImageFileReader()
    reader.SetFileName(utf8_name(path))
    try:
        reader.ReadImageInformation()
        affine = _affine(reader)
    except RuntimeError as error:
        form = found.qform if found.sform is None else found.sform
        if form is None:
            cause = one_line(error).rsplit("ITK ERROR:", 1)[-1][:120]
            raise InputError(f"{name}: expected a readable volume, got {cause}") from error
        affine = stated_axes(form, name)
    if found.sform is None and min(map(abs, found.spacing_mm)) == 0:  # ITK takes that for 1 mm
        raise InputError(f"{name}: expected voxels with a size, got none")
    last = np.array([*found.array.shape[::-1], 1.0])

    def apart_mm(form: np.ndarray, other: np.ndarray) -> float:
        return float(max(np.linalg.norm((form - other)[:3, 3]), np.linalg.norm(((form - other) @ last)[:3])))

    if found.sform is None and found.qform is None:
        warnings.warn(f"{name}: no orientation is stated, its axes are taken to run {_runs(affine)}", stacklevel=3)
    elif found.sform is not None and found.qform is not None:
        difference_mm = apart_mm(found.sform, found.qform)
        if difference_mm > _SAME_PLACE_MM:
            used = "sform" if apart_mm(affine, found.sform) <= apart_mm(affine, found.qform) else "qform"
            message = f"sform and qform put it {difference_mm:.3g} mm apart, the {used} is used"
            warnings.warn(f"{name}: {message}", stacklevel=3)
    return found.array, affine


def _affine(image: sitk.Image | sitk.ImageFileReader) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (-1, image.GetDimension()))[:3, :3] * image.GetSpacing()[:3]
    affine[:3, 3] = image.GetOrigin()[:3]
    return affine


def _runs(affine: np.ndarray) -> str:
    """Where the axes i, j and k run, in the patient's words."""
    words = (("right", "left"), ("front", "back"), ("feet", "head"))
    axes = affine[:3, :3].T
    return "to the " + ", ".join(words[np.abs(axis).argmax()][int(axis[np.abs(axis).argmax()] > 0)] for axis in axes)
