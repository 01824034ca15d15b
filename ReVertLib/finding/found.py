"""What is found on a whole film: the vertebrae with their names, and how the film was taken. Plain data.

All places are pixels (u, v) of the film as it was given, upside down or mirrored as it may be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import VERSE_NUMBERS

THORACIC = tuple(VERSE_NUMBERS[f"T{i}"] for i in range(1, 13))
LUMBAR = tuple(VERSE_NUMBERS[f"L{i}"] for i in range(1, 6))
L6, S1 = VERSE_NUMBERS["L6"], VERSE_NUMBERS["sacrum"]
COLUMN = (*THORACIC, *LUMBAR, S1)
"""VerSe's numbers from T1 to the first sacral vertebra, as most people have them: no L6 between."""

_NAMES = {number: name for name, number in VERSE_NUMBERS.items()}

RIBS, SACRUM = "ribs", "sacrum"


def name_of(label: int) -> str:
    """ "T12", "L1", ..., "L6" or "S1" of VerSe's number."""
    return "S1" if label == S1 else _NAMES[label]


@dataclass(frozen=True)
class FoundVertebra:
    """label: VerSe's number: 8..19 for T1..T12, 20..24 for L1..L5, 25 for L6, 26 for S1. centre_px: (2,) the middle of
    the body, which lies midway between the middles of its endplates; of S1 15 mm below its only endplate. box_px: (u0,
    v0, u1, v1) around all of the vertebra, as `camera.Geometry`'s; of S1 around what lies within 30 mm below its
    endplate. It may reach beyond the film. corners_px: (4, 2) the ends of the endplates: the cranial one's left and
    right, then the caudal one's right and left, left as on a film that hangs with the head up; S1's last two are NaN.
    probability: that a vertebra is there."""

    label: int
    centre_px: np.ndarray
    box_px: tuple[float, float, float, float]
    corners_px: np.ndarray
    probability: float

    @property
    def name(self) -> str:
        """As of `name_of`."""
        return name_of(self.label)


@dataclass(frozen=True)
class Reading:
    """One way to name the vertebrae. labels: one for each, as in `FoundVertebra`. probability: of this reading."""

    labels: tuple[int, ...]
    probability: float


@dataclass(frozen=True)
class SeenView:
    """A view that a film may have been taken from. yaw_deg: as in `geometry.camera`. probability: that the patient is
    seen from about there."""

    yaw_deg: float
    probability: float


@dataclass(frozen=True)
class Answer:
    """Whether something is so. probability: of the answer that is given, half or more."""

    is_so: bool
    probability: float


@dataclass(frozen=True)
class FoundSpine:
    """vertebrae: from cranial to caudal, named as in the likeliest of the readings. readings: the likeliest first;
    their probabilities sum to one. anchors: which of RIBS (the vertebra with the last pair of ribs) and SACRUM are in
    the film, from which names are counted. views: the likeliest, and a second one if that is likely, too; each of the
    film hung head up and not mirrored. inverted: whether bone is dark. upside_down: whether the film must be turned by
    180 degrees to hang head up. mirrored: whether left and right are exchanged. warnings: one line each."""

    vertebrae: tuple[FoundVertebra, ...]
    readings: tuple[Reading, ...]
    anchors: frozenset[str]
    views: tuple[SeenView, ...]
    inverted: Answer
    upside_down: Answer
    mirrored: Answer
    warnings: tuple[str, ...] = ()

    def named(self, label: int) -> FoundVertebra | None:
        """The vertebra of a label, None where it was not found."""
        return next((vertebra for vertebra in self.vertebrae if vertebra.label == label), None)


def shifted(spine: FoundSpine, steps: int) -> FoundSpine:
    """The spine with every name moved by so many vertebrae towards the feet, or towards the head where steps is
    negative, counted from the uppermost: an L6 is no longer one. What would come below S1 or above T1 is left out. The
    reading that is taken comes first. Raises InputError when nothing is left."""
    if steps == 0:
        return spine
    order = COLUMN if spine.named(L6) is None else (*COLUMN[:-1], L6, S1)
    places = [order.index(vertebra.label) + steps for vertebra in spine.vertebrae]
    kept = [i for i, place in enumerate(places) if 0 <= place < len(COLUMN)]
    if not kept:
        raise InputError(f"steps: expected a shift that leaves a vertebra on the film, got {steps}")
    labels = tuple(COLUMN[places[i]] for i in kept)
    vertebrae = tuple(replace(spine.vertebrae[i], label=label) for i, label in zip(kept, labels, strict=True))
    readings = [Reading(tuple(reading.labels[i] for i in kept), reading.probability) for reading in spine.readings]
    taken = Reading(labels, sum(reading.probability for reading in readings if reading.labels == labels))
    others = (reading for reading in readings if reading.labels != labels)
    return replace(spine, vertebrae=vertebrae, readings=(taken, *others))
