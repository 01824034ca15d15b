"""Training samples from a data set of DRRs and meshes: the template laid over every mesh, every image cropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.layout import DatasetItem, read_dataset
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
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
from ReVertLib.synthesis.samplers import SampleVertebra, SampleView

from .shards import SHARD_PATTERN, Shard


def sample_folder(folder: Path, out: Path, failures: Failures) -> Path:
    """The folder of shards to train on: folder itself if it holds shards, else OUT/samples, one shard for each
    training vertebra of the data set in folder; one that is already there is kept.

    failures: where vertebrae that cannot be used are noted. Raises InputError when folder is neither, or when no
    training vertebra of the data set can be used.
    """
    if any(Path(folder).glob(SHARD_PATTERN)):
        return Path(folder)
    items = [item for item in read_dataset(folder, failures) if item.split == "train"]
    if not items:
        raise InputError(f"data set: expected vertebrae of training people, got none in {Path(folder).name!r}")
    shards = Path(out) / "samples"
    shards.mkdir(parents=True, exist_ok=True)
    for count, item in enumerate(progress(items, "vertebrae"), 1):
        path = shards / SHARD_PATTERN.replace("*", item.vertebra)
        if not path.exists():
            with failures.noted(item.vertebra):
                shard = Shard.of([dataset_vertebra(item)])
                shard.save(path)
                log.info(f"{item.vertebra}: {len(shard)} samples, {count} of {len(items)} vertebrae")
    if not any(shards.glob(SHARD_PATTERN)):
        raise_failed(failures.reasons, f"data set: expected {len(items)} training vertebrae", "none that can be used")
    for name, reason in failures.reasons.items():
        log.warning("%s is left out: %s", name, reason)
    return shards


def dataset_vertebra(item: DatasetItem) -> SampleVertebra:
    """A vertebra of a data set as samples: its shape, laid over the mean of its level, and a crop of every image."""
    images = zip(item.images, item.geometries, item.camera_from_lps, strict=True)
    crops = [_cropped(*image) for image in images]  # before the shape, which takes seconds: an image may be damaged
    mean = load_template().mean(item.level)
    lps = Mesh(fitted(mean, read_mesh(item.mesh)).vertices, mean.faces)
    shape, lps_from_canonical = canonical(lps, mean.vertices)
    views = (SampleView(image, pose @ lps_from_canonical, pose.rotation) for image, pose in crops)
    return SampleVertebra(LEVELS.index(item.level), shape.vertices, tuple(views))


def _cropped(path: Path, geometry: Geometry, camera_from_lps: RigidTransform) -> tuple[np.ndarray, RigidTransform]:
    """The crop of an image, uint8, and its camera from LPS."""
    pixels = read_radiograph(path).pixels
    crop = crop_vertebra(pixels, boxed(pixels, replace(geometry, level=None)))
    return quantised(crop.pixels, np.uint8, 1.0), crop.camera_from_crop.inverse @ camera_from_lps
