"""Training samples on disk: shards of crops with the pose and the shape of what they show.

A shard of `build_shards` depends on its own number and the seed alone. It shows vertebrae alone, or patients.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.errors import InputError
from ReVertLib.files import check_folder, made_folder, whole_file
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX
from ReVertLib.progress import log, progress
from ReVertLib.synthesis.patient import PatientSampler, load_patient_sampler
from ReVertLib.synthesis.samplers import SampleVertebra, sample_patient_vertebrae, sample_vertebra
from ReVertLib.synthesis.shapes import VertebraSampler, load_vertebra_sampler

SHARD_PATTERN = "shard_*.npz"
VERTEBRAE_PER_SHARD = 32
VIEWS_PER_VERTEBRA = 8
PATIENTS_PER_SHARD = 8


@dataclass(frozen=True)
class Shard:
    """N training samples of K vertebrae; on disk an .npz of arrays with the names of the fields.

    images: (N, S, S) uint8, the crops. level: (N,) int64, 0..4. shape_index: (N,) int64, which of shapes each shows.
    rotation, position_mm: (N, 3, 3) and (N, 3) float32, crop camera from canonical. shapes: (K, n, 3) float16, vertices
    in the canonical frame, mm. Raises InputError for arrays that do not fit each other.
    """

    images: np.ndarray
    level: np.ndarray
    shape_index: np.ndarray
    rotation: np.ndarray
    position_mm: np.ndarray
    shapes: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.images)
        expected = {"level": (count,), "shape_index": (count,), "rotation": (count, 3, 3), "position_mm": (count, 3)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise InputError(f"shard: expected {name} of shape {shape}, got {getattr(self, name).shape}")
        if count and not 0 <= self.shape_index.min() <= self.shape_index.max() < len(self.shapes):
            found = f"{self.shape_index.min()} to {self.shape_index.max()}"
            raise InputError(f"shard: expected shape_index within its {len(self.shapes)} shapes, got {found}")

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def of(cls, vertebrae: Sequence[SampleVertebra]) -> Shard:
        """The samples of some vertebrae, in order."""
        rows = [(index, vertebra, view) for index, vertebra in enumerate(vertebrae) for view in vertebra.views]
        poses = [view.camera_from_canonical for _, _, view in rows]
        return cls(
            images=np.stack([view.image for _, _, view in rows]),
            level=np.array([vertebra.level for _, vertebra, _ in rows]),
            shape_index=np.array([index for index, _, _ in rows]),
            rotation=np.stack([pose.rotation for pose in poses]).astype(np.float32),
            position_mm=np.stack([pose.translation_mm for pose in poses]).astype(np.float32),
            shapes=np.stack([vertebra.vertices for vertebra in vertebrae]).astype(np.float16),
        )

    @classmethod
    def concatenated(cls, shards: Sequence[Shard]) -> Shard:
        """One shard of the samples of several, in order."""
        first = np.cumsum([0] + [len(shard.shapes) for shard in shards[:-1]])
        columns = {field.name: [getattr(shard, field.name) for shard in shards] for field in fields(cls)}
        columns["shape_index"] = [index + start for index, start in zip(columns["shape_index"], first, strict=True)]
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})

    @classmethod
    def load(cls, path: Path) -> Shard:
        """A shard on disk. Raises InputError for a file that is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(**{field.name: file[field.name] for field in fields(cls)})
        except (KeyError, ValueError, OSError) as error:
            raise InputError(f"shard {path.name}: expected the arrays of a shard, got {error}") from error

    def save(self, path: Path) -> None:
        """Writes the shard, whole or not at all."""
        with whole_file(path) as temporary:
            np.savez(temporary, **vars(self))


def make_shard(sampler: VertebraSampler, seed: int, number: int, size_px: int = CROP_SIZE_PX) -> Shard:
    """The shard of a number, of vertebrae alone, in images of size_px x size_px."""
    rng = np.random.default_rng([seed, number])
    views = VIEWS_PER_VERTEBRA
    return Shard.of([sample_vertebra(sampler, views, rng, size_px) for _ in range(VERTEBRAE_PER_SHARD)])


def make_patient_shard(sampler: PatientSampler, seed: int, number: int) -> Shard:
    """The shard of a number, of patients: L1 to L5 of each."""
    rng = np.random.default_rng([seed, number])
    patients = (sample_patient_vertebrae(sampler, VIEWS_PER_VERTEBRA, rng) for _ in range(PATIENTS_PER_SHARD))
    return Shard.of([vertebra for patient in patients for vertebra in patient])


def build_shards(
    data: Path,
    shapes: Path,
    out: Path,
    numbers: Iterable[int],
    seed: int,
    model: Path | None = None,
    context: bool = False,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
) -> None:
    """Writes OUT/shard_<number>.npz for each number; one that is already there is whole and is skipped, so a stopped
    run goes on where it was, and several runs can share the numbers. context: of whole patients.
    scheme: whose numbers the label maps have."""
    check_folder(out)
    load = load_patient_sampler if context else load_vertebra_sampler
    sampler = load(data, shapes, model, held_out, scheme)
    made_folder(out)
    make = make_patient_shard if context else make_shard
    for number in progress(numbers, "shards"):
        path = out / f"shard_{number:05d}.npz"
        if not path.exists():
            started = time.monotonic()
            shard = make(sampler, seed, number)
            shard.save(path)
            log.info(f"{path.name}: {len(shard) / (time.monotonic() - started):.0f} samples/s")
