"""`revert.reconstruct`: one radiograph to the surface of a vertebra."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.sidecar import sidecar_values
from ReVertLib.geometry.views import parse_view
from ReVertLib.imaging.radiograph import Radiograph
from ReVertLib.inference.inputs import ReconstructionInput, input_from_array, input_from_file, reconstructed
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import Verdict, verdict
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import ErrorParts

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

FilePath: TypeAlias = "str | os.PathLike[str]"
ImageLike: TypeAlias = "FilePath | np.ndarray | Radiograph"
GeometryLike: TypeAlias = "Geometry | Mapping[str, object] | FilePath"


@dataclass(frozen=True)
class Result:
    """A vertebra that was reconstructed.

    mesh: its closed surface, camera frame, mm. expected_error_mm: (n,) for each vertex the distance to the true surface
    to be expected, error_parts its parts `across_mm` and `along_mm` the beam and `bound_mm`, below which nine in ten
    distances are; None from weights that do not say. verdict: `word` is "trust", "check" or "do not use", `reason` one
    line, `mean_error_mm` the mean to be expected. warnings: one line each. geometry: as used, with the box.
    spacing_source: in plain words, where the pixel spacing is from. seconds: from image to mesh. weights_sha256,
    device: what computed it. probability: that geometry's view is the right one, where none was given. other: the
    result for a second view that is likely, too. seen_px: closed polylines (k, 2), (u, v), around what of the image the
    network took for the vertebra; none from weights that do not say.
    """

    mesh: Mesh
    expected_error_mm: np.ndarray | None
    verdict: Verdict
    warnings: tuple[str, ...]
    geometry: Geometry
    spacing_source: str
    seconds: float
    weights_sha256: str
    device: str
    probability: float | None = None
    other: Result | None = None
    seen_px: tuple[np.ndarray, ...] = ()
    error_parts: ErrorParts | None = None


def reconstruct(
    image: ImageLike,
    geometry: GeometryLike | None = None,
    *,
    level: str | None = None,
    view: str | Sequence[float] | None = None,
    box: Sequence[float] | None = None,
    weights: FilePath | None = None,
    device: str = "auto",
) -> Result:
    """The surface of one lumbar vertebra from one radiograph, at its place before the X-ray source.

    image: a file (PNG, TIFF, JPEG, DICOM, NRRD, MHA, NIfTI), or grey values (rows, columns), or a `Radiograph`. Bone
    may be bright or dark: an image that looks like a dark object on white is inverted, and a warning says so.

    geometry: how it was taken, a `Geometry`, or a dict or JSON file with its keys: `sdd_mm` source-detector distance;
    `sod_mm` depth of the vertebra's centre from the source; `pixel_spacing_mm` (u, v) at the detector;
    `principal_point_px` (u, v), default the image's centre; `level`; `box_px`. What it leaves out is taken from the
    JSON sidecar beside an image file, then from the file's own tags; nothing is guessed.

    level: "L1".."L5". view: "AP", "PA", "LL", "RL", "LPO", "RPO", "LAO" or "RAO", the side at the detector, or (yaw,
    pitch, roll) in degrees, to some ten degrees; without one the likeliest is taken, and `other` answers for a second
    one where that is likely, too. box: (u0, v0, u1, v1), pixels around the vertebra; without one the image must show an
    isolated vertebra. All three go before those in geometry. weights: a .safetensors file with its .sha256 beside it,
    default the shipped ones; they are loaded once for all calls. device: "auto", "cpu", "cuda" or "mps".

    Raises InputError for an image, geometry, weights or device that cannot be used.
    """
    angles = {} if view is None else parse_view([view] if isinstance(view, str) else view)
    given = radiograph_input(image, geometry, {"level": level, "box_px": box} | angles)
    return answer(predictor_of(weights, device), given)


def answer(predictor: Predictor, given: ReconstructionInput) -> Result:
    """What a predictor says of an input."""
    return _result(predictor, given, reconstructed(predictor, given))


def _result(predictor: Predictor, given: ReconstructionInput, found: Reconstruction) -> Result:
    return Result(
        mesh=found.mesh,
        expected_error_mm=found.expected_error_mm,
        verdict=verdict(found),
        warnings=found.warnings,
        geometry=found.geometry,
        spacing_source=given.sources["pixel_spacing_mm"],
        seconds=found.seconds,
        weights_sha256=predictor.weights_sha256,
        device=str(predictor.device),
        probability=found.probability,
        seen_px=found.seen_px,
        error_parts=found.error_parts,
        other=found.other and _result(predictor, given, found.other),
    )


def radiograph_input(image: ImageLike, geometry: GeometryLike | None, options: dict) -> ReconstructionInput:
    """An image with its geometry, options by sidecar key going before it; None counts as absent. Raises InputError for
    either that cannot be used."""
    known, sidecar = stated_by(geometry, options)
    if isinstance(image, str | os.PathLike):
        return input_from_file(image, known, "given", sidecar)
    return input_from_array(image, known, "given", sidecar)


def stated_by(geometry: GeometryLike | None, options: dict) -> tuple[dict, Path | None]:
    """The options over a geometry, by sidecar key and view angle; and the sidecar, where it is the path of one. Raises
    InputError for anything else."""
    said = {key: value for key, value in options.items() if value is not None}
    if isinstance(geometry, Geometry):
        return sidecar_values(geometry) | said, None
    if isinstance(geometry, Mapping):
        return dict(geometry) | said, None
    if geometry is None or isinstance(geometry, str | os.PathLike):
        return said, Path(geometry) if geometry else None
    got = type(geometry).__name__
    raise InputError(f"geometry: expected a Geometry, a dict or the path of a JSON file, got a {got}")


def predictor_of(weights: FilePath | None, device: str) -> Predictor:
    """The predictor of a weights file as it is now, loaded once."""
    return _predictor(*file_now(weights), device)


def file_now(weights: FilePath | None) -> tuple[Path | None, int]:
    """A weights file as it is now: written anew, it is another."""
    path = None if weights is None else Path(weights).absolute()
    return path, path.stat().st_mtime_ns if path and path.is_file() else 0


@lru_cache(maxsize=2)
def _predictor(weights: Path | None, _written_ns: int, device: str) -> Predictor:
    from ReVertLib.inference.predictor import Predictor

    return Predictor(weights, device)
