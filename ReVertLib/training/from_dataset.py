"""Training samples from a data set of DRRs and meshes: the template laid over every mesh, every image cropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.layout import DatasetItem, read_dataset
from ReVertLib.errors import InputError
from ReVertLib.files import whole_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.crop import boxed, crop_vertebra
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.progress import log, progress
from ReVertLib.registration.correspondence import canonical, fitted

from .samples import SHARD_PATTERN


def sample_folder(folder: Path, out: Path) -> Path:
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
    for count, item in enumerate(progress(items, "vertebrae"), 1):
        path = shards / SHARD_PATTERN.replace("*", item.vertebra)
        if not path.exists():
            arrays = vertebra_samples(item)
            with whole_file(path) as temporary:
                np.savez(temporary, **arrays)
            log.info(f"{item.vertebra}: {len(arrays['images'])} samples, {count} of {len(items)} vertebrae")
    return shards


def vertebra_samples(item: DatasetItem) -> dict[str, np.ndarray]:
    """The shard of one vertebra; its arrays are those of `shards.make_shard`."""
    mean = load_template().mean(item.level)
    lps = Mesh(fitted(mean, read_mesh(item.mesh)).vertices, mean.faces)
    shape, lps_from_canonical = canonical(lps, mean.vertices)
    rows = [
        _sample(image, geometry, camera_from_lps @ lps_from_canonical)
        for image, geometry, camera_from_lps in zip(item.images, item.geometries, item.camera_from_lps, strict=True)
    ]
    images, rotations, positions = (np.stack(column) for column in zip(*rows, strict=True))
    return {
        "images": images,
        "level": np.full(len(rows), LEVELS.index(item.level)),
        "shape_index": np.zeros(len(rows), int),
        "rotation": rotations,
        "position_mm": positions,
        "shapes": shape.vertices.astype(np.float16)[None],
    }


def _sample(path: Path, geometry: Geometry, camera_from_canonical: RigidTransform) -> tuple[np.ndarray, ...]:
    """Image (S, S) uint8, rotation (3, 3) and position (3,) of the canonical frame in the crop camera."""
    pixels = read_radiograph(path).pixels
    crop = crop_vertebra(pixels, boxed(pixels, replace(geometry, level=None)))
    placed = crop.camera_from_crop.inverse @ camera_from_canonical
    return (
        quantised(crop.pixels, np.uint8, 1.0),
        placed.rotation.astype(np.float32),
        placed.translation_mm.astype(np.float32),
    )
