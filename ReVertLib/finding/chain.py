"""From what lies on a film to a spine: which of the candidates make a chain, and how likely each way to name it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.network.film_cells import NAMED

from .found import COLUMN, L6, S1, Reading

STEP_MM = {13: 24.9, 14: 25.4, 15: 26.0, 16: 26.6, 17: 26.9, 18: 29.4, 19: 31.2, 20: 34.2, 21: 37.3}
STEP_MM |= {22: 40.1, 23: 39.8, 24: 39.8, 25: 39.8, 26: 36.5}
"""How far below the one above it a vertebra's middle is usually seen, by its label; the medians over 500 films of 36
synthetic people. Above T6 as at T6."""
STEP_SD = 0.16
"""Of the logarithm of a step: people and discs differ by 0.09, and the scale of a film is known to some tenths."""
MISS_COST, LEAN_COST = 3.0, 6.0
"""In logits: of a vertebra that was missed, and of a step that leans by 45 degrees more than FREE_LEAN_DEG."""
MOST_MISSED = 2
"""So many next to each other."""
FREE_LEAN_DEG = 40.0
OFFSET = 1.5
"""What every candidate of the chain adds to its logit: with a probability of 0.2 or more it gains."""
NAME_SHARE = 0.5
"""How much what a vertebra is taken for says about whether it belongs to the chain."""
SHARPNESS = 0.4
"""What each vertebra's names count for: all of them see the same ribs and sacrum. Chosen on 504 films of six people, so
that what is said to be p likely is right in a share p of them."""
LEAST_PROBABILITY = 0.02
"""Of a reading, for it to be told."""


COLUMNS = COLUMN, (*COLUMN[:-1], L6, S1)
"""Most people's, and that of those who have a sixth lumbar vertebra."""


@dataclass(frozen=True)
class Candidates:
    """Where the middles of n vertebrae may be. places_mm: (n, 2) right and down at the spine, the film hung head up.
    probability: (n,). names: (n, NAMED) log-probabilities of the labels."""

    places_mm: np.ndarray
    probability: np.ndarray
    names: np.ndarray


@dataclass(frozen=True)
class Chain:
    """Which candidates make the spine, from cranial to caudal. places: (n,) how many vertebrae below the uppermost each
    is, those between that were missed counted. score: how good a spine it is, in logits."""

    members: list[int]
    places: np.ndarray
    score: float


def best_chain(candidates: Candidates) -> Chain:
    """The spine among candidates, by dynamic programming from top to bottom over which one is which vertebra: two
    candidates in one body, or a gap, do not fit the names and the steps that go with them."""
    found = [_best_in(candidates, column) for column in COLUMNS] if len(candidates.probability) else []
    return max(found, key=lambda chain: chain.score, default=Chain([], np.zeros(0, int), 0.0))


def _best_in(candidates: Candidates, column: tuple[int, ...]) -> Chain:
    """The best chain whose vertebrae have the names of one column."""
    places, p = candidates.places_mm, np.clip(candidates.probability, 1e-6, 1 - 1e-6)
    names = candidates.names[:, _named_as(column)]
    gain = (np.log(p / (1 - p)) + OFFSET)[:, None] + NAME_SHARE * names
    order = np.argsort(places[:, 1], kind="stable")
    best, before = gain.copy(), np.full((*gain.shape, 2), -1)
    for at, i in enumerate(order):
        for j in order[:at]:
            lean = _lean_cost(places[i] - places[j])
            for missed in range(MOST_MISSED + 1):
                last = len(column) - 1 - missed
                cost = lean + MISS_COST * missed + _step_costs(places[i] - places[j], column, missed)
                value = best[j, :last] + gain[i, missed + 1 :] - cost
                better = value > best[i, missed + 1 :]
                best[i, missed + 1 :][better] = value[better]
                before[i, missed + 1 :][better] = np.stack([np.full(last, j), np.arange(last)], 1)[better]
    score = float(best.max())
    if score <= 0:
        return Chain([], np.zeros(0, int), 0.0)
    at = np.unravel_index(int(best.argmax()), best.shape)
    members, labels = [], []
    while at[0] >= 0:
        members.append(int(at[0]))
        labels.append(int(at[1]))
        at = tuple(before[at])
    return Chain(members[::-1], np.array(labels[::-1]) - labels[-1], score)


def _lean_cost(step_mm: np.ndarray) -> float:
    lean = np.degrees(np.arctan2(abs(step_mm[0]), step_mm[1]))
    return LEAN_COST * max(float(lean) - FREE_LEAN_DEG, 0.0) / 45.0


def _step_costs(step_mm: np.ndarray, column: tuple[int, ...], missed: int) -> np.ndarray:
    """Of going (right, down) from each vertebra of a column to the one below it, so many of them missed between."""
    usual = np.array([STEP_MM.get(label, STEP_MM[13]) for label in column[1:]])
    total = np.convolve(usual, np.ones(missed + 1), "valid")
    return 0.5 * (np.log(max(float(np.hypot(*step_mm)), 1e-3) / total) / STEP_SD) ** 2


def _named_as(column: tuple[int, ...]) -> list[int]:
    """Where in NAMED the labels of a column are; all above the first as that."""
    return [NAMED.index(max(label, NAMED[0])) for label in column]


def readings(names: np.ndarray, places: np.ndarray) -> tuple[Reading, ...]:
    """Every way to name a chain, the likeliest first. names: (n, NAMED) log-probabilities. places: of the `Chain`. A
    column has no L6, or has one."""
    found: dict[tuple[int, ...], float] = {}
    for column in COLUMNS:
        index = np.array(_named_as(column))
        for first in range(len(column) - places[-1]):
            labels = tuple(column[first + place] for place in places)
            found[labels] = SHARPNESS * float(names[np.arange(len(places)), index[first + places]].sum())
    logits = np.array(list(found.values()))
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    order = [i for i in np.argsort(-shares, kind="stable") if shares[i] >= LEAST_PROBABILITY] or [int(shares.argmax())]
    labels, total = list(found), shares[order].sum()
    return tuple(Reading(labels[i], float(shares[i] / total)) for i in order)
