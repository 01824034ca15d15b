"""`revert.register`: a CT laid into the beam of one or two radiographs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ReVertLib.ct_registration.inputs import registration_input
from ReVertLib.ct_registration.records import CtRegistration
from ReVertLib.ct_registration.register import registered
from ReVertLib.geometry.views import parse_view
from ReVertLib.imaging.label_numbers import verse_numbered
from ReVertLib.imaging.radiograph import Radiograph, radiograph_from_array, read_radiograph
from ReVertLib.spine.film import film_result
from ReVertLib.spine.inputs import FilmInput, Wishes, boxes_beside
from ReVertLib.startup import matrices_alone

from .film import finder_of
from .forms import VolumeLike, volume_of
from .fuse import relative_pose
from .reconstruct import FilePath, GeometryLike, ImageLike, predictor_of, stated_by


@matrices_alone()
def register(
    ct: VolumeLike,
    labels: VolumeLike,
    image: ImageLike,
    geometry: GeometryLike | None = None,
    *,
    second: ImageLike | None = None,
    second_geometry: GeometryLike | None = None,
    view: str | Sequence[float] | None = None,
    pose: str | np.ndarray | None = None,
    sod_of: str = "L3",
    shift: int = 0,
    scheme: str | None = None,
    weights: FilePath | None = None,
    device: str = "auto",
    capture: bool = False,
    say: Callable[[str], None] = lambda _what: None,
) -> CtRegistration:
    """Where each lumbar vertebra of a CT lies in the beam of a radiograph, or of two: 2D/3D registration, every
    vertebra a rigid piece, from the pose of the reconstruction.

    ct, labels, scheme: as for `drr`. image, geometry, view: as for `film`, sod_of and shift, too; where geometry names
    one level, only that vertebra is looked for, in its box or in an image of it alone. second, second_geometry: another
    image of the same person from another side; pose: as for `fuse`, found from the bones where it is not given.
    capture: whether to measure, too, from how far off starts come back (`vertebrae[i].capture`, by mm and degrees).
    say: is told what is at work, and may raise to stop it.

    The result's `vertebrae` hold `camera_from_lps`, from the CT's LPS frame to the first image's camera frame, mm, the
    surface there, the error to be expected and a judgement, "accepted", "check" or "refused" with a reason.

    Raises InputError for volumes, images, geometries, a pose, weights or a device that cannot be used, and where CT and
    images show no level in common.
    """
    volume = volume_of(ct, "CT")
    masks, _ = verse_numbered(volume_of(labels, "labels"), scheme, "labels")
    angles = {} if view is None else parse_view([view] if isinstance(view, str) else view)
    given = [_given(image, geometry, angles, Wishes(None, shift, sod_of), device)]
    if second is not None:
        given.append(_given(second, second_geometry, {}, Wishes(None, shift, sod_of), device))
    predictor = predictor_of(weights, device)
    films = [(one, film_result(predictor, one)) for one in given]
    second_from_first = relative_pose(pose, *(one.geometry for one in given)) if second is not None else None
    return registered(volume, masks, films, second_from_first, say, capture)


def _given(image: ImageLike, geometry: GeometryLike | None, angles: dict, wishes: Wishes, device: str) -> FilmInput:
    known, sidecar = stated_by(geometry, angles)
    path = Path(image) if isinstance(image, str | os.PathLike) else None
    if path is not None:
        radiograph = read_radiograph(path)
    else:
        radiograph = image if isinstance(image, Radiograph) else radiograph_from_array(image, name="array")
    if path or sidecar:
        wishes = Wishes(boxes_beside(path or sidecar, sidecar), wishes.steps, wishes.sod_of)
    return registration_input(radiograph, path, known, "given", sidecar, wishes, finder_of(None, device))
