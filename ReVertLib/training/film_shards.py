"""Whole films of synthetic patients on disk, from which training cuts smaller ones.

A shard of `build_film_shards` depends on its own number and the seed alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.errors import InputError
from ReVertLib.files import made_folder, whole_file
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.progress import log
from ReVertLib.synthesis.films import THORACIC, Film, film_angles, film_of, sample_film_patient
from ReVertLib.synthesis.real_bones import load_patient_sources, sample_patient_around
from ReVertLib.workers import PerProcess, work_off

SHARD_PATTERN = "films_*.npz"
PATIENTS_PER_SHARD, FILMS_OF_PATIENT = 2, 14
MOST_VERTEBRAE = 13


@dataclass(frozen=True)
class FilmShard:
    """N films of `synthesis.films.Film`; on disk an .npz of arrays with the names of the fields.

    spine: (N, rows, columns) uint8, of which a step is spine_scale (N,) float32. body: (N, rows, columns) float16.
    labels: (N, k) int16, centres: (N, k, 2), corners: (N, k, 4, 2) and boxes: (N, k, 4) float32, rows of 0 and NaN
    where a film has fewer vertebrae. yaw_deg: (N,) float32. rows: (N, 2) float32. Raises InputError for arrays that do
    not fit each other.
    """

    spine: np.ndarray
    spine_scale: np.ndarray
    body: np.ndarray
    labels: np.ndarray
    centres: np.ndarray
    corners: np.ndarray
    boxes: np.ndarray
    yaw_deg: np.ndarray
    rows: np.ndarray

    def __post_init__(self) -> None:
        count, *size = self.spine.shape
        k = MOST_VERTEBRAE
        expected = {"spine_scale": (count,), "body": (count, *size), "labels": (count, k), "centres": (count, k, 2)}
        expected |= {"corners": (count, k, 4, 2), "boxes": (count, k, 4), "yaw_deg": (count,), "rows": (count, 2)}
        for name, shape in expected.items():
            if np.shape(getattr(self, name)) != shape:
                raise InputError(f"films: expected {name} of shape {shape}, got {np.shape(getattr(self, name))}")

    def __len__(self) -> int:
        return len(self.spine)

    @classmethod
    def of(cls, films: Sequence[Film]) -> FilmShard:
        """The films in order."""
        marks = [film.marks for film in films]
        return cls(
            spine=np.stack([quantised(film.spine, np.uint8) for film in films]),
            spine_scale=np.array([film.spine.max() / 255 for film in films], np.float32),
            body=np.stack([film.body for film in films]).astype(np.float16),
            labels=np.stack([_filled_up(mark.labels, 0) for mark in marks]).astype(np.int16),
            **{name: np.stack([_filled_up(vars(m)[name], np.nan) for m in marks]) for name in _PLACES},
            yaw_deg=np.array([film.yaw_deg for film in films], np.float32),
            rows=np.array([film.rows for film in films], np.float32),
        )

    @classmethod
    def concatenated(cls, shards: Sequence[FilmShard]) -> FilmShard:
        """One shard of the films of several, in order."""
        return cls(**{field.name: np.concatenate([vars(s)[field.name] for s in shards]) for field in fields(cls)})

    @classmethod
    def load(cls, path: Path) -> FilmShard:
        """A shard on disk. Raises InputError for a file that is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(**{field.name: file[field.name] for field in fields(cls)})
        except (KeyError, ValueError, OSError) as error:
            raise InputError(f"films {path.name}: expected the arrays of a shard of films, got {error}") from error

    def save(self, path: Path) -> None:
        """Writes the shard, whole or not at all."""
        with whole_file(path) as temporary:
            np.savez(temporary, **vars(self))


_PLACES = ("centres", "corners", "boxes")


def _filled_up(rows: np.ndarray, value: float) -> np.ndarray:
    """(MOST_VERTEBRAE, ...) rows with more of a value after them."""
    missing = MOST_VERTEBRAE - len(rows)
    return np.concatenate([rows, np.full((missing, *rows.shape[1:]), value, rows.dtype)])


def build_film_shards(
    data: Path,
    shapes: Path,
    out: Path,
    numbers: Sequence[int],
    seed: int,
    model: Path | None = None,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
    bones: str | None = None,
    workers: int | None = 1,
    scheduler: str | None = None,
) -> None:
    """Writes OUT/films_<number>.npz for each number; one that is already there is whole and is skipped. scheme: whose
    numbers the label maps have. bones: the case in data whose L1 to L5 all patients have, None for sampled ones.
    workers, scheduler: see `workers.workers_of`."""
    paths, rest = (data, shapes, model), (tuple(held_out), scheme, bones)
    work = partial(_write_shard, seed)
    work_off(numbers, work, "shards", load_patient_sources, paths, rest, out, workers, scheduler)


def _write_shard(seed: int, sources: PerProcess, out: Path, number: int) -> None:
    path = out / f"films_{number:05d}.npz"
    if path.exists():
        return
    real, sampler = sources()
    made_folder(out)
    started, films = time.monotonic(), []
    for i in range(PATIENTS_PER_SHARD):
        rng = np.random.default_rng([seed, number, i])
        patient = sample_patient_around(real, sampler, rng, THORACIC) if real else sample_film_patient(sampler, rng)
        films += [film_of(patient, film_angles(rng), rng) for _ in range(FILMS_OF_PATIENT)]
    FilmShard.of(films).save(path)
    log.info(f"{path.name}: {len(films) / (time.monotonic() - started):.1f} films/s")
