"""What was found on a film, seen once more: each lumbar vertebra is cut out and answered, and where its surface covers
the film says where it is, finer than the search over all of the film does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.anatomy.landmarks import endplate_ends, endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.finding.found import FoundSpine, FoundVertebra
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.results import Reconstruction

from .box import box_around, cut_to_film
from .inputs import FilmInput

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

LOOKS = 2
"""How often; at the second one the crops are cut where the first found the vertebrae."""
FARTHEST = 0.35
"""Of the height of what was found: a vertebra that is seen farther away was another one, and stays where it was."""


def looked_again(predictor: Predictor, film: FilmInput) -> FilmInput:
    """A film with centres, boxes and corners of its lumbar vertebrae as their surfaces show them; the same where boxes
    were given, or where the weights' surfaces are not in correspondence."""
    for _ in range(LOOKS if film.found else 0):
        asked = film.asked
        geometries = [one.geometry for one in asked.values()]
        answers = predictor.reconstruct_all(film.radiograph.pixels, geometries, draft=True)
        seen = {level: _seen(film.found, level, one) for level, one in zip(asked, answers, strict=True)}
        film = _with(film, {level: vertebra for level, vertebra in seen.items() if vertebra is not None})
        film = replace(film, seen=dict(zip(asked, answers, strict=True)))
    return film


def _seen(spine: FoundSpine, level: str, one: Reconstruction) -> FoundVertebra | None:
    """Where a surface is seen; None for an answer that is not of what was found."""
    before = next(v for v in spine.vertebrae if LEVEL_OF_LABEL.get(v.label) == level)
    unlike = any(warning.startswith(UNLIKE) for warning in one.warnings)
    if unlike or len(one.mesh.vertices) != load_template().means.shape[1]:
        return None
    on_film = one.geometry.project(one.mesh.vertices)
    upper, lower = (on_film[at] for at in endplate_vertices())
    middles = np.stack([one.mesh.vertices[at].mean(0) for at in endplate_vertices()])
    centre = one.geometry.project(middles.mean(0, keepdims=True))[0]
    _, v0, _, v1 = before.box_px
    if np.hypot(*(centre - before.centre_px)) > FARTHEST * (v1 - v0):
        return None
    down = lower.mean(0) - upper.mean(0)
    corners = np.vstack([endplate_ends(upper, down), endplate_ends(lower, down)[::-1]])
    return replace(before, centre_px=centre, box_px=box_around(on_film), corners_px=corners)


def _with(film: FilmInput, seen: dict[str, FoundVertebra]) -> FilmInput:
    vertebrae = tuple(seen.get(LEVEL_OF_LABEL.get(one.label), one) for one in film.found.vertebrae)
    size_px = film.radiograph.pixels.shape[::-1]
    asked = dict(film.asked)
    for level, one in seen.items():
        geometry = replace(asked[level].geometry, box_px=cut_to_film(one.box_px, size_px))
        asked[level] = replace(asked[level], geometry=geometry)
    return replace(film, asked=asked, found=replace(film.found, vertebrae=vertebrae))
