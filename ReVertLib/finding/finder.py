"""From a whole film to its vertebrae: the network's answers made into one spine with names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.special import expit, log_softmax, softmax

from ReVertLib.errors import InputError
from ReVertLib.geometry.views import view_name
from ReVertLib.imaging.grey_values import grey_plane
from ReVertLib.network.answering import answering
from ReVertLib.network.context_answers import YAWS_DEG, likely_views
from ReVertLib.network.film_cells import (
    FINDER_PIXEL_MM,
    NAMED,
    REACH_PX,
    STRIDE,
    Seen,
    cell_middles,
    film_grey,
)
from ReVertLib.resources import FINDER_FILE

from .chain import Candidates, best_chain, readings
from .found import LUMBAR, RIBS, S1, SACRUM, THORACIC, Answer, FoundSpine, FoundVertebra, SeenView
from .sheet import Sheet, sheet_of

LEAST_HEAT = 0.05
SAME_PX = 8.0
"""Two middles so near to each other are of one vertebra."""
TRIED = (0.6, 0.75, 0.93)
"""Of the source-detector distance: where the spine may be when nobody says so."""
SURE = 0.8
"""A reading less likely than this is called uncertain."""
NEAR_BINS = 2
"""So many views beside one are taken for it."""


@dataclass(frozen=True)
class _Look:
    """One look at a film. places: (n, 2) px of the canvas, of a chain, cranial first; boxes: (n, 4), corners: (n, 4,
    2), probability: (n,), names: (n, NAMED) log-probabilities. yaw: (YAWS,) probabilities, flags: (3,). in_column and
    score: places and score of the `Chain`."""

    sheet: Sheet
    places: np.ndarray
    boxes: np.ndarray
    corners: np.ndarray
    probability: np.ndarray
    names: np.ndarray
    yaw: np.ndarray
    flags: np.ndarray
    in_column: np.ndarray
    score: float


class Finder:
    """The network with its weights (default: the shipped ones) on a device. Raises InputError for weights or a device
    that cannot be used."""

    def __init__(self, weights: Path | None = None, device: str = "auto") -> None:
        found = answering(weights or FINDER_FILE, device)
        if found.file.architecture != "finder":
            raise InputError(f"weights: expected those of a finder, got of a network called {found.file.architecture}")
        self.network, self.weights_sha256 = found.network, found.file.sha256

    def find(
        self,
        pixels: np.ndarray,
        sdd_mm: float,
        pixel_spacing_mm: tuple[float, float],
        sod_mm: float | None = None,
        view_deg: tuple[float, float, float] | None = None,
    ) -> FoundSpine:
        """The spine on a film (rows, columns). sdd_mm and pixel_spacing_mm (u, v): as `camera.Geometry`'s. sod_mm: the
        spine's distance from the source to within a fifth; None tries several. view_deg: (yaw, pitch, roll) as far as
        known; it tells a mirrored film from the other side. Raises InputError for what no film has."""
        grey = grey_plane(pixels, "film")
        spacing = np.asarray(pixel_spacing_mm, float)
        if not (sdd_mm > 0 and spacing.shape == (2,) and (spacing > 0).all()):
            raise InputError(f"film: expected a distance and two spacings above 0, got {sdd_mm}, {pixel_spacing_mm}")
        if sod_mm is not None and not 0 < sod_mm < sdd_mm:
            raise InputError(f"sod_mm: expected 0 < sod_mm < sdd_mm = {sdd_mm:g}, got {sod_mm:g}")
        shares = TRIED if sod_mm is None else (sod_mm / sdd_mm,)
        looks = [self._righted(sheet_of(grey, spacing * share)) for share in shares]
        return _spine(*max(looks, key=lambda look: look[0].score), view_deg)

    def _righted(self, sheet: Sheet) -> tuple[_Look, np.ndarray]:
        """What is seen of a film with bone bright and the head up, and the flags of the first look."""
        first = look = self._look(sheet)
        inverted, turned, _ = first.flags > 0.5
        if inverted or turned:
            sheet = sheet.inverted() if inverted else sheet
            look = self._look(sheet.turned() if turned else sheet)
        return look, np.array([*first.flags[:2], look.flags[2]])

    def _look(self, sheet: Sheet) -> _Look:
        return _look_at(self.network.look(film_grey(sheet.grey, sheet.there), sheet.there), sheet)


def _look_at(seen: Seen[np.ndarray], sheet: Sheet) -> _Look:
    """The spine in what the network says."""
    heat = expit(seen.heat)
    top = (heat[0, 0] == maximum_filter(heat[0, 0], 3, mode="constant")) & (heat[0, 0] > LEAST_HEAT)
    rows, columns = top.nonzero()
    order = np.argsort(-heat[0, 0, rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]

    def at_tops(values: np.ndarray) -> np.ndarray:
        return values[0][:, rows, columns].T

    middles = at_tops(cell_middles(*heat.shape[2:])[None])
    places = middles + STRIDE * at_tops(seen.offset)
    kept = _apart(places)
    places, probability = places[kept], at_tops(heat)[kept, 0]
    names = at_tops(log_softmax(seen.names, 1))[kept]
    chain = best_chain(Candidates(FINDER_PIXEL_MM * places, probability, names))
    members = chain.members
    places, at = places[members], np.array(kept, int)[members]
    boxes = np.tile(places, 2) + REACH_PX * at_tops(seen.box)[at]
    corners = places[:, None] + REACH_PX * at_tops(seen.corners)[at].reshape(-1, 4, 2)
    share = heat / heat.sum()
    yaw = softmax((share * log_softmax(seen.yaw, 1)).sum((0, 2, 3)))
    flags = expit((share * seen.flags).sum((0, 2, 3)))
    sure = probability[members], names[members]
    return _Look(sheet, places, boxes, corners, *sure, yaw, flags, chain.places, chain.score)


def _apart(places: np.ndarray) -> list[int]:
    """Of places (n, 2), the surest first, those that lie SAME_PX or more from a surer one."""
    kept: list[int] = []
    for i, place in enumerate(places):
        if all(np.hypot(*(place - places[j])) >= SAME_PX for j in kept):
            kept.append(i)
    return kept


def _spine(look: _Look, flags: np.ndarray, view_deg: tuple[float, float, float] | None) -> FoundSpine:
    """What was seen, in pixels of the film and with names."""
    if view_deg is not None:
        flags = np.array([*flags[:2], _mirrored_of(flags[2], look.yaw, view_deg[0])])
    answers = [Answer(bool(flag > 0.5), float(max(flag, 1 - flag))) for flag in flags]
    sign = -1.0 if answers[2].is_so else 1.0
    views = tuple(SeenView(sign * yaw, p) for (yaw, *_), p in likely_views(look.yaw.tolist()))
    spine = FoundSpine((), (), frozenset(), views, *answers)
    if len(look.places):
        named = readings(look.names, look.in_column)
        spine = replace(spine, vertebrae=_vertebrae(look, named[0].labels), readings=named)
        spine = replace(spine, anchors=_anchors(look, named[0].labels))
    return replace(spine, warnings=_warnings(spine, view_deg is not None))


def _vertebrae(look: _Look, labels: tuple[int, ...]) -> tuple[FoundVertebra, ...]:
    found = []
    for i, label in enumerate(labels):
        ends = look.sheet.on_film(look.boxes[i].reshape(2, 2) - 0.5)
        box = (*ends.min(0) + 0.5, *ends.max(0) + 0.5)
        corners = look.sheet.on_film(look.corners[i])
        if label == S1:
            corners[2:] = np.nan
        centre = look.sheet.on_film(look.places[i])
        found.append(FoundVertebra(label, centre, tuple(map(float, box)), corners, float(look.probability[i])))
    return tuple(found)


def _anchors(look: _Look, labels: tuple[int, ...]) -> frozenset[str]:
    """The sacrum where one is seen as such, the ribs where a vertebra with ribs lies right above one without."""
    names, anchors = np.exp(look.names), set()
    if labels[-1] == S1 and names[-1, NAMED.index(S1)] > 0.5:
        anchors.add(SACRUM)
    thoracic = names[:, [NAMED.index(label) for label in THORACIC if label in NAMED]].sum(1) > 0.5
    if LUMBAR[0] in labels and any(thoracic[i] for i, label in enumerate(labels) if label in THORACIC):
        anchors.add(RIBS)
    return frozenset(anchors)


def _mirrored_of(mirrored: float, yaw: np.ndarray, known_deg: float) -> float:
    """The probability that a film is mirrored whose view is known: seen as from the other side it is more likely. yaw:
    (YAWS,) probabilities of what is seen."""

    def seen_from(yaw_deg: float) -> float:
        off = np.abs((np.array(YAWS_DEG) - yaw_deg + 180) % 360 - 180)
        return float(yaw[off <= NEAR_BINS * 15 + 7.5].sum()) + 1e-3

    odds = mirrored / max(1 - mirrored, 1e-6) * seen_from(-known_deg) / seen_from(known_deg)
    return odds / (1 + odds)


def _warnings(spine: FoundSpine, is_view_known: bool) -> tuple[str, ...]:
    lines = []
    if not spine.vertebrae:
        return ("no vertebra was found",)
    likeliest = spine.readings[0].probability
    if not spine.anchors:
        lines.append(f"neither the last ribs nor the sacrum are in view: the names are a guess, {likeliest:.0%} likely")
    elif likeliest < SURE:
        lines.append(f"the names are uncertain, {likeliest:.0%} likely")
    if spine.inverted.is_so:
        lines.append("bone is dark on this film: it is read inverted")
    if spine.upside_down.is_so:
        lines.append("the film hangs upside down: it is read turned")
    if spine.mirrored.is_so:
        lines.append(f"the film seems to be mirrored, {spine.mirrored.probability:.0%} likely")
    if len(spine.views) > 1 and not is_view_known:
        views = " or ".join(f"{view_name(view.yaw_deg)} ({view.probability:.0%})" for view in spine.views)
        lines.append(f"the view may be {views}")
    return tuple(lines)
