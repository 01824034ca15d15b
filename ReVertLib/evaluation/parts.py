"""What is measured of a data set, vertebra by vertebra on disk: a stopped evaluation goes on, and memory does not grow
with the images.

    FOLDER/<vertebra>-<fingerprint>.npz    about: JSON of rows, failures, errors by region and verdicts; arrays: the
                                           sums over the images of what each vertex is off, by answer, and what the
                                           network expected of each vertex and was so

The fingerprint is of everything the figures depend on: code, weights, files. A part of another one is not looked at.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ReVertLib.files import whole_file
from ReVertLib.inference.verdict import Verdict
from ReVertLib.metrics.records import ErrorParts, SurfaceMetrics

from .measure import EvaluatedImage, Failure, Measured, Row
from .pose_error import PoseError
from .predicted import PredictedError
from .regions import RegionError


@dataclass(frozen=True)
class Part:
    """What was measured of one vertebra. found: by place among the images, of those that could be measured, each with
    the constant answers beside it. failed: by name, why the vertebra or an image of it could not be."""

    images: tuple[EvaluatedImage, ...]
    found: Mapping[int, Measured]
    failed: Mapping[str, str]


@dataclass(frozen=True)
class SavedPart:
    """A part read again, without what is large. vertex_sums_mm: by answer, (n,) sum over images, and their number."""

    images: tuple[EvaluatedImage, ...]
    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    region_errors: tuple[RegionError, ...]
    vertex_sums_mm: Mapping[str, tuple[np.ndarray, int]]
    predicted: int
    failed: Mapping[str, str]


class Parts:
    """The parts of a data set in a folder. vertebrae: the images of each. settings: what else the figures depend on, as
    text."""

    def __init__(self, folder: Path, vertebrae: Sequence[Sequence[EvaluatedImage]], settings: str) -> None:
        self._vertebrae = vertebrae
        self._files = [folder / f"{of[0].vertebra}-{_fingerprint(of, settings)}.npz" for of in vertebrae]

    def missing(self) -> list[int]:
        """The numbers of the vertebrae that have no part yet."""
        return [number for number, path in enumerate(self._files) if not path.exists()]

    def save(self, number: int, part: Part) -> None:
        """Writes the part of a vertebra, whole or not at all."""
        found = list(part.found.items())
        about = {"failed": dict(part.failed), "images": [_image_record(*item) for item in found]}
        arrays = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        for answer in dict.fromkeys(name for _, one in found for name in one.vertex_errors_mm):
            errors = [one.vertex_errors_mm[answer] for _, one in found if answer in one.vertex_errors_mm]
            arrays[f"sum {answer}"], arrays[f"count {answer}"] = np.sum(errors, axis=0), np.array(len(errors))
        predicted = [one.predicted_error for _, one in found if one.predicted_error]
        if predicted:
            arrays |= {name: np.stack([getattr(p, name) for p in predicted]) for name in _ARRAYS}
        if predicted and all(p.parts for p in predicted):
            arrays["parts"] = np.stack([np.stack(astuple(p.parts)) for p in predicted])
        with whole_file(self._files[number]) as temporary:
            np.savez(temporary, **arrays)

    def __iter__(self) -> Iterator[SavedPart]:
        return map(self._load, range(len(self._files)))

    def _load(self, number: int) -> SavedPart:
        images = self._vertebrae[number]
        with np.load(self._files[number], allow_pickle=False) as file:
            about = _about(file)
            sums = {name[4:]: (file[name], int(file[f"count {name[4:]}"])) for name in file if name[:4] == "sum "}
        records = [(images[record["place"]], record) for record in about["images"]]
        return SavedPart(
            images=tuple(image for image, _ in records),
            rows=tuple(_row(image, *row) for image, record in records for row in record["rows"]),
            failures=tuple(Failure(image, *failure) for image, record in records for failure in record["failures"]),
            region_errors=tuple(RegionError(*map(_once, e)) for _, record in records for e in record["regions"]),
            vertex_sums_mm=sums,
            predicted=sum(record["verdict"] is not None for _, record in records),
            failed=about["failed"],
        )

    def predicted_errors(self, counts: Sequence[int]) -> Sequence[PredictedError]:
        """Those of all parts, read when they are asked for. counts: how many each part has."""
        places = [(number, i) for number, count in enumerate(counts) for i in range(count)]
        return _Predicted(self._files, places)


_ARRAYS = ("expected_mm", "actual_mm", "actual_parts_mm")


class _Predicted(Sequence):
    """Predicted errors by (number of the part, place in it); one part is in memory."""

    def __init__(self, files: Sequence[Path], places: Sequence[tuple[int, int]]) -> None:
        self._files, self._places = files, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> PredictedError:
        number, i = self._places[index]
        verdicts, arrays = _predicted_of(self._files[number])
        expected, actual, actual_parts = (arrays[name][i] for name in _ARRAYS)
        parts = ErrorParts(*arrays["parts"][i]) if "parts" in arrays else None
        return PredictedError(Verdict(*verdicts[i]), expected, actual, parts, actual_parts)


@lru_cache(maxsize=1)
def _predicted_of(path: Path) -> tuple[list, dict[str, np.ndarray]]:
    with np.load(path, allow_pickle=False) as file:
        verdicts = [record["verdict"] for record in _about(file)["images"] if record["verdict"]]
        return verdicts, {name: file[name] for name in (*_ARRAYS, "parts") if name in file}


def _about(file: Mapping[str, np.ndarray]) -> dict:
    return json.loads(file["about"].tobytes())


def _image_record(place: int, found: Measured) -> dict:
    predicted = found.predicted_error
    return {
        "place": place,
        "rows": [_row_record(row) for row in found.rows],
        "failures": [[failure.answer, failure.reason] for failure in found.failures],
        "regions": [list(astuple(error)) for error in found.region_errors],
        "verdict": predicted and list(astuple(predicted.verdict)),
    }


def _row_record(row: Row) -> list:
    """What a row says besides where it is from."""
    pose = row.pose and list(astuple(row.pose))
    surface = [row.closed, row.euler_number, row.crossing_share]
    return [row.answer, row.alignment, list(astuple(row.metrics)), pose, *surface]


def _row(image: EvaluatedImage, answer: str, alignment: str, metrics: list, pose: list | None, *surface) -> Row:
    where = (image.vertebra, image.case, image.level, image.view, _once(answer), _once(alignment))
    return Row(*where, SurfaceMetrics(*metrics), pose and PoseError(*pose), *surface)


def _once(value: object) -> object:
    """The same text, in memory once."""
    return sys.intern(value) if isinstance(value, str) else value


def _fingerprint(images: Sequence[EvaluatedImage], settings: str) -> str:
    """Of files their size and time of change stand for what is in them."""
    files = [images[0].mesh, *(image.file for image in images)]
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    geometries = [(asdict(image.geometry), image.camera_from_lps.matrix.tolist(), image.view) for image in images]
    return hashlib.sha256(json.dumps([settings, stats, geometries], default=str).encode()).hexdigest()[:16]
