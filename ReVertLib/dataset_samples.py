"""Training samples from a data set of DRRs and meshes: the template laid over every mesh, every image cropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from .align import best_motion
from .crop import boxed, crop_vertebra
from .dataset import DatasetItem, read_dataset
from .errors import InputError
from .files import whole_file
from .geometry import LEVELS, Geometry
from .mesh import Mesh, read_mesh, volume_centroid
from .radiograph import read_radiograph
from .samples import SHARD_PATTERN
from .shapes import fitted
from .template import load_template


def sample_folder(folder: Path, out: Path, say: Callable[[str], None]) -> Path:
    """The folder of shards to train on: folder itself if it holds shards, else OUT/samples, one shard for each
    training vertebra of the data set in folder; one that is already there is kept.

    Raises InputError when folder is neither, or when no vertebra of the data set is a training one.
    """
    if any(Path(folder).glob(SHARD_PATTERN)):
        return Path(folder)
    items = [item for item in read_dataset(folder) if item.split == "train"]
    if not items:
        raise InputError(f"data set: expected vertebrae of training people, got none in {Path(folder).name!r}")
    shards = Path(out) / "samples"
    shards.mkdir(parents=True, exist_ok=True)
    for count, item in enumerate(items, 1):
        path = shards / SHARD_PATTERN.replace("*", item.vertebra)
        if not path.exists():
            arrays = vertebra_samples(item)
            with whole_file(path) as temporary:
                np.savez(temporary, **arrays)
            say(f"{item.vertebra}: {len(arrays['images'])} samples, {count} of {len(items)} vertebrae")
    return shards


def vertebra_samples(item: DatasetItem) -> dict[str, np.ndarray]:
    """The shard of one vertebra; its arrays are those of `shards.make_shard`."""
    mean = load_template().mean(item.level)
    lps = Mesh(fitted(mean, read_mesh(item.mesh)).vertices, mean.faces)
    motion = best_motion(lps.vertices, mean.vertices, "rigid")
    laid = motion.apply(lps)
    centre = volume_centroid(laid)
    canonical_to_lps = np.eye(4)
    canonical_to_lps[:3, :3] = motion.rotation.T
    canonical_to_lps[:3, 3] = motion.rotation.T @ (centre - motion.translation_mm)
    rows = [
        _sample(image, geometry, camera_from_lps @ canonical_to_lps)
        for image, geometry, camera_from_lps in zip(item.images, item.geometries, item.camera_from_lps, strict=True)
    ]
    images, rotations, positions = (np.stack(column) for column in zip(*rows, strict=True))
    return {
        "images": images,
        "level": np.full(len(rows), LEVELS.index(item.level)),
        "shape_index": np.zeros(len(rows), int),
        "rotation": rotations,
        "position_mm": positions,
        "shapes": (laid.vertices - centre).astype(np.float16)[None],
    }


def _sample(path: Path, geometry: Geometry, camera_from_canonical: np.ndarray) -> tuple[np.ndarray, ...]:
    """Image (S, S) uint8, rotation (3, 3) and position (3,) of the canonical frame in the crop camera."""
    pixels = read_radiograph(path).pixels
    crop = crop_vertebra(pixels, boxed(pixels, replace(geometry, level=None)))
    placed = crop.camera_from_crop.T @ camera_from_canonical[:3]
    return (
        np.rint(255 * crop.pixels).astype(np.uint8),
        placed[:, :3].astype(np.float32),
        placed[:, 3].astype(np.float32),
    )
