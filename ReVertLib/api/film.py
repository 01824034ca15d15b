"""`revert.film`: a whole film to its lumbar vertebrae."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib.geometry.views import parse_view
from ReVertLib.imaging.radiograph import Radiograph, radiograph_from_array, read_radiograph
from ReVertLib.spine.inputs import Wishes, boxes_beside
from ReVertLib.spine.records import FilmResult
from ReVertLib.spine.scale import marked
from ReVertLib.startup import matrices_alone

from .reconstruct import FilePath, GeometryLike, ImageLike, file_now, predictor_of, stated_by

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder


@matrices_alone()
def film(
    image: ImageLike,
    geometry: GeometryLike | None = None,
    *,
    view: str | Sequence[float] | None = None,
    boxes: Mapping[str, Sequence[float]] | None = None,
    sod_of: str = "L3",
    shift: int = 0,
    upside_down: bool = False,
    ball: Sequence[float] | None = None,
    length: Sequence[float] | None = None,
    weights: FilePath | None = None,
    finder: FilePath | None = None,
    device: str = "auto",
) -> FilmResult:
    """All lumbar vertebrae on a film, together in one camera frame, from one known distance.

    image, geometry, view, weights, device: as for `reconstruct`; `sod_mm` is the distance of sod_of, a level or
    "isocentre". boxes: {"L3": (u0, v0, u1, v1), ...}, default those under `vertebrae` in the sidecar, else they are
    found, by the weights of finder or the shipped ones; shift: by how many vertebrae towards the feet names that are
    found are to be moved. upside_down: whether the film hangs so; found out where the vertebrae are. ball: (u, v,
    diameter_px, diameter_mm), or length: (u0, v0, u1, v1, mm), an object of known size beside the spine, where
    distances or spacing are missing; without either the usual size of vertebrae is the scale, and the expected errors
    are larger.

    The result's `levels` hold the level, its `reconstruction` (mesh, expected error, geometry, warnings), the expected
    error of its depth and what its neighbours changed; `discs`, `scale` and `warnings` are of the film.

    Raises InputError for an image, geometry, boxes, weights or device that cannot be used.
    """
    from ReVertLib.spine.film import film_given, film_result

    angles = {} if view is None else parse_view([view] if isinstance(view, str) else view)
    known, sidecar = stated_by(geometry, angles)
    is_file = isinstance(image, str | os.PathLike)
    if boxes is None and (is_file or sidecar):
        boxes = boxes_beside(Path(image) if is_file else sidecar, sidecar)
    wishes = Wishes(boxes, shift, sod_of, marked(ball, length), upside_down)
    finds = None if boxes else finder_of(finder, device)
    if is_file:
        radiograph = read_radiograph(Path(image))
    else:
        radiograph = image if isinstance(image, Radiograph) else radiograph_from_array(image, name="array")
    given = film_given(radiograph, Path(image) if is_file else None, known, "given", sidecar, wishes, finds)
    return film_result(predictor_of(weights, device), given)


def finder_of(weights: FilePath | None, device: str) -> Finder:
    """The finder of a weights file as it is now, loaded once."""
    return _finder(*file_now(weights), device)


@lru_cache(maxsize=1)
def _finder(weights: Path | None, _written_ns: int, device: str) -> Finder:
    from ReVertLib.finding.finder import Finder

    return Finder(weights, device)
