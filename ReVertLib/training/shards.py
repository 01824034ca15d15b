"""Training samples on disk: shards of crops with the pose and the shape of what they show.

A shard of `build_shards` depends on its own number and the seed alone. It shows vertebrae alone, or those of patients
with what lies around them in layers of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.errors import InputError
from ReVertLib.files import made_folder, whole_file
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.progress import log
from ReVertLib.synthesis.patient import PatientSampler, load_patient_sampler
from ReVertLib.synthesis.samplers import SampleVertebra, SampleView, sample_patient_vertebrae, sample_vertebra
from ReVertLib.synthesis.shapes import VertebraSampler, load_vertebra_sampler
from ReVertLib.workers import PerProcess, work_off

SHARD_PATTERN = "shard_*.npz"
VERTEBRAE_PER_SHARD = 32
VIEWS_PER_VERTEBRA = 8
PATIENTS_PER_SHARD, VIEWS_IN_PATIENT = 2, 24


@dataclass(frozen=True)
class Shard:
    """N training samples of K vertebrae; on disk an .npz of arrays with the names of the fields.

    images: (N, S, S) uint8, the crops. level: (N,) int64, 0..4. shape_index: (N,) int64, which of shapes each shows.
    rotation, position_mm: (N, 3, 3) and (N, 3) float32, crop camera from canonical. shapes: (K, n, 3) float16, vertices
    in the canonical frame, mm. Raises InputError for arrays that do not fit each other.

    view: (N, 3, 3) float32, the crop camera from LPS, None where it is not known.

    With layers, images show the vertebra alone. bones: (N, S, S) uint8, the other bones of the spine and metal. body:
    (N, S / 2, S / 2) float16 line integrals of everything else. scale: (N, 2) float32, the line integral of a step of
    images and of bones. Without layers all of these are None.
    """

    images: np.ndarray
    level: np.ndarray
    shape_index: np.ndarray
    rotation: np.ndarray
    position_mm: np.ndarray
    shapes: np.ndarray
    view: np.ndarray | None = None
    bones: np.ndarray | None = None
    body: np.ndarray | None = None
    scale: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.images)
        expected = {"level": (count,), "shape_index": (count,), "rotation": (count, 3, 3), "position_mm": (count, 3)}
        if self.layered:
            rows, columns = self.images.shape[1:]
            expected |= {"bones": (count, rows, columns), "body": (count, rows // 2, columns // 2)}
            expected |= {"scale": (count, 2)}
        if self.view is not None:
            expected |= {"view": (count, 3, 3)}
        for name, shape in expected.items():
            if np.shape(getattr(self, name)) != shape:
                raise InputError(f"shard: expected {name} of shape {shape}, got {np.shape(getattr(self, name))}")
        if count and not 0 <= self.shape_index.min() <= self.shape_index.max() < len(self.shapes):
            found = f"{self.shape_index.min()} to {self.shape_index.max()}"
            raise InputError(f"shard: expected shape_index within its {len(self.shapes)} shapes, got {found}")

    @property
    def layered(self) -> bool:
        """Whether what lies around the vertebrae is in layers of its own."""
        return self.bones is not None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that are there, by name."""
        return {name: array for name, array in vars(self).items() if array is not None}

    def __len__(self) -> int:
        return len(self.images)

    @classmethod
    def of(cls, vertebrae: Sequence[SampleVertebra]) -> Shard:
        """The samples of some vertebrae, in order."""
        rows = [(index, vertebra, view) for index, vertebra in enumerate(vertebrae) for view in vertebra.views]
        poses = [view.camera_from_canonical for _, _, view in rows]
        layered = rows[0][2].around is not None
        seen = _layers([view for _, _, view in rows]) if layered else {"images": [view.image for _, _, view in rows]}
        if rows[0][2].camera_from_lps is not None:
            seen["view"] = [view.camera_from_lps.astype(np.float32) for _, _, view in rows]
        return cls(
            level=np.array([vertebra.level for _, vertebra, _ in rows]),
            shape_index=np.array([index for index, _, _ in rows]),
            rotation=np.stack([pose.rotation for pose in poses]).astype(np.float32),
            position_mm=np.stack([pose.translation_mm for pose in poses]).astype(np.float32),
            shapes=np.stack([vertebra.vertices for vertebra in vertebrae]).astype(np.float16),
            **{name: np.stack(arrays) for name, arrays in seen.items()},
        )

    @classmethod
    def concatenated(cls, shards: Sequence[Shard]) -> Shard:
        """One shard of the samples of several, in order. Raises InputError when only some have layers or views."""
        if len({tuple(shard.arrays) for shard in shards}) > 1:
            raise InputError("shards: expected all with layers and views or all without, got some of each")
        first = np.cumsum([0] + [len(shard.shapes) for shard in shards[:-1]])
        columns = {name: [shard.arrays[name] for shard in shards] for name in shards[0].arrays}
        columns["shape_index"] = [index + start for index, start in zip(columns["shape_index"], first, strict=True)]
        return cls(**{name: np.concatenate(arrays) for name, arrays in columns.items()})

    @classmethod
    def load(cls, path: Path) -> Shard:
        """A shard on disk. Raises InputError for a file that is none."""
        needed = {field.name for field in fields(cls) if field.default is not None}
        try:
            with np.load(path, allow_pickle=False) as file:
                there = [field.name for field in fields(cls) if field.name in needed or field.name in file]
                return cls(**{name: file[name] for name in there})
        except (KeyError, ValueError, OSError) as error:
            raise InputError(f"shard {path.name}: expected the arrays of a shard, got {error}") from error

    def save(self, path: Path) -> None:
        """Writes the shard, whole or not at all."""
        with whole_file(path) as temporary:
            np.savez(temporary, **self.arrays)


def _layers(views: Sequence[SampleView]) -> dict[str, list[np.ndarray]]:
    """The arrays of a shard, by name, that hold the layers of views."""
    pairs = [(view.image, view.around.bones) for view in views]
    return {
        "images": [quantised(alone, np.uint8) for alone, _ in pairs],
        "bones": [quantised(bones, np.uint8) for _, bones in pairs],
        "scale": [np.array([alone.max(), bones.max()], np.float32) / 255 for alone, bones in pairs],
        "body": [view.around.body.astype(np.float16) for view in views],
    }


def make_shard(sampler: VertebraSampler, seed: int, number: int, size_px: int = CROP_SIZE_PX) -> Shard:
    """The shard of a number, of vertebrae alone, in images of size_px x size_px."""
    rng = np.random.default_rng([seed, number])
    views = VIEWS_PER_VERTEBRA
    return Shard.of([sample_vertebra(sampler, views, rng, size_px) for _ in range(VERTEBRAE_PER_SHARD)])


def make_patient_shard(sampler: PatientSampler, seed: int, number: int) -> Shard:
    """The shard of a number, of patients: L1 to L5 of each."""
    rng = np.random.default_rng([seed, number])
    patients = (sample_patient_vertebrae(sampler, VIEWS_IN_PATIENT, rng) for _ in range(PATIENTS_PER_SHARD))
    return Shard.of([vertebra for patient in patients for vertebra in patient])


def build_shards(
    data: Path,
    shapes: Path,
    out: Path,
    numbers: Sequence[int],
    seed: int,
    model: Path | None = None,
    context: bool = False,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
) -> None:
    """Writes OUT/shard_<number>.npz for each number; one that is already there is whole and is skipped, so a stopped
    run goes on where it was, and several runs can share the numbers. context: of whole patients.
    scheme: whose numbers the label maps have. workers, scheduler: see `workers.workers_of`."""
    load, make = (load_patient_sampler, make_patient_shard) if context else (load_vertebra_sampler, make_shard)
    paths, rest = (data, shapes, model), (tuple(held_out), scheme)
    work_off(numbers, partial(_write_shard, make, seed), "shards", load, paths, rest, out, workers, scheduler)


def _write_shard(make: Callable[..., Shard], seed: int, sampler: PerProcess, out: Path, number: int) -> None:
    path = out / f"shard_{number:05d}.npz"
    if path.exists():
        return
    source = sampler()
    made_folder(out)
    started = time.monotonic()
    shard = make(source, seed, number)
    shard.save(path)
    log.info(f"{path.name}: {len(shard) / (time.monotonic() - started):.0f} samples/s")
