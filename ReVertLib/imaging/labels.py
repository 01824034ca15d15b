"""Label maps: reading, regions, centres, and the smooth closed surface of a label."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
from scipy import ndimage

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import SACRUM, VERSE_NUMBERS
from ReVertLib.mesh.mesh import Mesh, mesh_area_mm2, mesh_volume_mm3
from ReVertLib.mesh.polydata import isosurface

from .volume import Volume, read_volume, slices

MIN_VOLUME_MM3 = 1000.0
"""A lumbar vertebra has 30,000 and more; labels below this are fragments at the border of a scan."""

_ONE_VERTEBRA = re.compile(r"(?:vertebrae_([CTLS]\d+)|sacrum)\.(?:nii\.gz|nii|nrrd|mha)")
_MOST_LABEL = 65535
_SAME_PLACE_MM = 0.1
"""What the corners of one grid may differ by in two files."""


def read_label_map(path: str | Path) -> Volume:
    """A label map as a Volume of integers, of the file's kind if it has one: a file, a file of one vertebra by the name
    vertebrae_L3, or a folder of such files, as TotalSegmentator writes them, which get VerSe's numbers. Raises
    InputError when its values are not whole numbers."""
    path = Path(path)
    if path.is_dir():
        return _joined_files(path)
    named = _vertebra_named(path)
    labels = _whole_numbers(path)
    if named and not set(np.unique(labels.array).tolist()) - {0, 1}:
        return Volume((labels.array > 0).astype(np.uint8) * np.uint8(named), labels.ijk_to_lps)
    return labels


def _joined_files(folder: Path) -> Volume:
    """The label map of a folder of masks, one for each vertebra. Raises InputError when it holds none."""
    files = sorted(path for path in folder.iterdir() if _vertebra_named(path))
    if not files:
        raise InputError(f"label map {folder.name}: expected files vertebrae_L1.nii.gz and so on, got none")
    joined = read_label_map(files[0])
    for path in files[1:]:
        one = on_grid_of(joined, read_label_map(path))
        joined = Volume(np.where(one.array > 0, one.array, joined.array), joined.ijk_to_lps)
    return joined


def _vertebra_named(path: Path) -> int | None:
    """VerSe's number of the vertebra that a file is named after, if it is."""
    found = _ONE_VERTEBRA.fullmatch(path.name)
    return VERSE_NUMBERS.get(SACRUM if found[1] in ("S1", None) else found[1]) if found else None


def _whole_numbers(path: Path) -> Volume:
    volume = read_volume(path, "label map")
    if volume.array.max(initial=0) > _MOST_LABEL:
        got = f"{volume.array.max():g}"
        raise InputError(f"label map {path.name}: expected labels up to {_MOST_LABEL}, got {got}: is it an image?")
    if volume.array.dtype.kind in "iu":
        return volume
    labels = volume.array.astype(np.int32)
    if not np.array_equal(labels, volume.array):
        raise InputError(f"label map {path.name}: expected whole numbers, got fractions")
    return Volume(labels, volume.ijk_to_lps)


def on_grid_of(ct: Volume, labels: Volume) -> Volume:
    """A label map on a CT's grid: as it is where both have one grid, turned, flipped, cut and filled with zeros where
    its voxels are the CT's in another order or only part of them. Raises InputError for other voxels."""
    index = np.linalg.inv(ct.ijk_to_lps) @ labels.ijk_to_lps  # from the map's voxels to the CT's
    steps, first = np.rint(index[:3, :3]), np.rint(index[:3, 3])
    turn = np.abs(steps)
    if (turn.sum(0) == 1).all() and (turn.sum(1) == 1).all():
        snapped = np.eye(4)
        snapped[:3, :3], snapped[:3, 3] = steps, first
        corners = np.array([[*corner, 1] for corner in product(*((0, n - 1) for n in labels.size_ijk))])
        apart_mm = np.abs(corners @ (ct.ijk_to_lps @ snapped - labels.ijk_to_lps).T).max()
        if apart_mm <= _SAME_PLACE_MM and np.array_equal(snapped, np.eye(4)) and labels.array.shape == ct.array.shape:
            return labels
        if labels.array.size == ct.array.size:  # whole and yet elsewhere: a map that lost its place
            apart_mm = max(apart_mm, _furthest_mm(ct, labels))
        if apart_mm <= _SAME_PLACE_MM:
            return Volume(_placed(labels, steps.astype(int), first.astype(int), ct), ct.ijk_to_lps)
        raise InputError(f"CT and label map: expected one grid, got grids {apart_mm:.3g} mm apart")
    sizes = (" x ".join(f"{mm:.3g}" for mm in volume.spacing_mm) for volume in (ct, labels))
    raise InputError("CT and label map: expected one grid, got voxels of {} and {} mm, or turned".format(*sizes))


def _furthest_mm(ct: Volume, labels: Volume) -> float:
    """How far the middles of two grids are apart, mm."""
    return float(np.abs(ct.centre_lps - labels.centre_lps).max())


def _placed(labels: Volume, steps: np.ndarray, first: np.ndarray, ct: Volume) -> np.ndarray:
    """(k, j, i) a map's array in the order of the CT's axes. steps: (3, 3), where the map's axes run among the CT's;
    first: the CT's index of the map's first voxel."""
    axes = [int(np.abs(row).argmax()) for row in steps]  # of the map, for each of the CT's
    array = labels.array.transpose(2, 1, 0).transpose(axes)
    runs = [steps[i, axis] for i, axis in enumerate(axes)]
    array = array[tuple(slice(None, None, run) for run in runs)].transpose(2, 1, 0)
    size = np.array(array.shape[::-1])
    low = np.where(np.array(runs) > 0, first, first - size + 1)
    if (low == 0).all() and (size == ct.size_ijk).all():
        return array
    placed = np.zeros(ct.array.shape, array.dtype)
    lower, upper = np.maximum(low, 0), np.minimum(low + size, ct.size_ijk)
    if (upper > lower).all():
        placed[slices(lower, upper)] = array[slices(lower - low, upper - low)]
    return placed


def label_regions(labels: Volume) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For every label above 0 the box around it: (lower, upper) voxel indices (i, j, k), upper exclusive. A mask of
    bool has the label 1."""
    array = labels.array.view(np.uint8) if labels.array.dtype == bool else labels.array
    found = enumerate(ndimage.find_objects(array), 1)
    return {
        label: (np.array([s.start for s in where[::-1]]), np.array([s.stop for s in where[::-1]]))
        for label, where in found
        if where is not None
    }


def label_region(labels: Volume, label: int, margin_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """(lower, upper) voxel indices (i, j, k) of the box around a label with a margin, upper exclusive, not cut to the
    volume. Raises InputError when the label is absent."""
    regions = label_regions(labels)
    if not regions:
        raise InputError(f"label: expected a label map with labels above 0, got none; asked for {label}")
    if label not in regions:
        present = ", ".join(map(str, regions))
        raise InputError(f"label: expected one of {present} of the label map, got {label}")
    lower, upper = regions[label]
    margin = np.ceil(margin_mm / labels.spacing_mm).astype(int)
    return lower - margin, upper + margin


def check_is_vertebra(labels: Volume, label: int) -> None:
    """Raises InputError for a label that is absent, one slice or voxel, or smaller than `MIN_VOLUME_MM3`."""
    lower, upper = label_region(labels, label, 0.0)
    size = upper - lower
    if size.min() == 1:
        raise InputError(f"label {label}: expected a vertebra, got one slice of {' x '.join(map(str, size))} voxels")
    count = (labels.array[slices(lower, upper)] == label).sum()
    volume_mm3 = count * abs(np.linalg.det(labels.ijk_to_lps[:3, :3]))
    if volume_mm3 < MIN_VOLUME_MM3:
        raise InputError(f"label {label}: expected a vertebra, got a fragment of {volume_mm3:.0f} mm^3")


def is_cut_off(labels: Volume, label: int) -> bool:
    """Whether the label touches the volume's border, so that part of the vertebra may lie outside."""
    return touches_border(labels, *label_region(labels, label, 0.0))


def touches_border(volume: Volume, lower_ijk: np.ndarray, upper_ijk: np.ndarray) -> bool:
    """Whether voxels lower <= (i, j, k) < upper reach the first or last ones of a volume."""
    return bool((lower_ijk <= 0).any() or (upper_ijk >= volume.size_ijk).any())


def label_centre_lps(labels: Volume, label: int) -> np.ndarray:
    """(3,) centroid of a label's voxels in LPS, mm: what `sod_mm` is the depth of."""
    k, j, i = (axis.mean() for axis in np.nonzero(labels.array == label))
    return (labels.ijk_to_lps @ [i, j, k, 1.0])[:3]


def label_mesh(labels: Volume, label: int, smoothing_mm: float = 0.7) -> Mesh:
    """The closed surface of a label in LPS, mm; see `mesh_from_mask`."""
    region = labels.cropped(*label_region(labels, label, 0.0))
    return mesh_from_mask(region.array == label, region.ijk_to_lps, smoothing_mm)


def mesh_from_mask(mask: np.ndarray, ijk_to_world: np.ndarray, smoothing_mm: float = 0.7) -> Mesh:
    """The closed outward surface of a label, in the frame of ijk_to_world, mm.

    mask: (k, j, i) bool, as SimpleITK's arrays. ijk_to_world: (4, 4) from voxel index (i, j, k) to mm.
    The mask's signed distance to its voxel faces is smoothed by a Gaussian of smoothing_mm and cut where the volume
    of the mask is kept, so that stair-casing goes and size stays.
    """
    field, isovalue, index_to_world = smooth_level_set(mask, ijk_to_world, smoothing_mm)
    mesh = isosurface(field, isovalue, index_to_world)
    # Counting voxels gives the isovalue only to within a layer of equal distances: one Newton step on the volume.
    wanted_mm3 = mask.sum() * abs(np.linalg.det(ijk_to_world[:3, :3]))
    isovalue += (mesh_volume_mm3(mesh) - wanted_mm3) / mesh_area_mm2(mesh)
    return isosurface(field, isovalue, index_to_world)


def smooth_level_set(
    mask: np.ndarray, ijk_to_world: np.ndarray, smoothing_mm: float
) -> tuple[np.ndarray, float, np.ndarray]:
    """A smooth field on a finer grid which is above the isovalue where the mask is, without its stair-cases.

    mask: (k, j, i) bool. Returns field (k, j, i) float32 on a grid of about 1 mm or finer, the isovalue at which the
    enclosed volume equals the mask's, and the (4, 4) matrix from the field's index (i, j, k) to the world.
    """
    spacing = np.linalg.norm(ijk_to_world[:3, :3], axis=0)
    padding = np.ceil(4.0 / spacing).astype(int) + 1
    padded = np.pad(mask, [(p, p) for p in padding[::-1]])
    sampling = spacing[::-1]
    distance = ndimage.distance_transform_edt(padded, sampling) - ndimage.distance_transform_edt(~padded, sampling)
    factor = np.maximum(1, np.ceil(spacing / 1.01)).astype(int)
    field = _upsampled(distance.astype(np.float32), factor[::-1])
    field = ndimage.gaussian_filter(field, smoothing_mm / (sampling / factor[::-1]))
    inside = int(mask.sum() * factor.prod())
    isovalue = float(np.partition(field.ravel(), -inside)[-inside])
    index_to_world = ijk_to_world @ np.diag([*1.0 / factor, 1.0])
    index_to_world[:3, 3] = (ijk_to_world @ [*-padding.astype(float), 1.0])[:3]
    return field, isovalue, index_to_world


def _upsampled(field: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """field on a grid factor times finer along each axis, first samples in place, by cubic interpolation."""
    for axis, (size, f) in enumerate(zip(field.shape, factor, strict=True)):
        if f > 1:
            at = np.arange((size - 1) * f + 1)[None] / f
            weights = [ndimage.map_coordinates(one, at, order=3, mode="nearest") for one in np.eye(size)]
            # Not by a product of BLAS, whose last bits depend on its threads: the same mask gives the same bytes.
            finer = np.einsum("...i,if->...f", np.moveaxis(field, axis, -1), np.array(weights, np.float32))
            field = np.moveaxis(finer, -1, axis)
    return field
