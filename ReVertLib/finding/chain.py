"""From what lies on a film to a spine: which of the candidates make a chain, and how likely each way to name it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ReVertLib.network.finder_network import NAMED

from .found import COLUMN, L6, S1, Reading

STEP_MM = (15.0, 56.0)
"""From one vertebra to the next on a film, of which the scale is known to a fifth."""
MISSED = 1.6
"""So many usual steps without a vertebra: one was missed."""
MISS_COST, LEAN_COST = 3.0, 6.0
"""In logits: of a vertebra that was missed, and of a step that leans by 45 degrees more than FREE_LEAN_DEG."""
FREE_LEAN_DEG = 40.0
OFFSET = 0.85
"""What every candidate of the chain adds to its logit: with a probability of 0.3 or more it gains."""
SHARPNESS = 2.0
"""How much more the vertebrae say together than one of them: they see the same ribs and sacrum."""
LEAST_PROBABILITY = 0.02
"""Of a reading, for it to be told."""


@dataclass(frozen=True)
class Candidates:
    """Where the middles of n vertebrae may be. places_mm: (n, 2) right and down at the spine, the film hung head up.
    probability: (n,). names: (n, NAMED) log-probabilities of the labels."""

    places_mm: np.ndarray
    probability: np.ndarray
    names: np.ndarray


def best_chain(candidates: Candidates) -> tuple[list[int], float]:
    """Which candidates make the spine, from cranial to caudal, and how good a spine it is, in logits; by dynamic
    programming over the candidates from top to bottom."""
    places, p = candidates.places_mm, np.clip(candidates.probability, 1e-6, 1 - 1e-6)
    gain = np.log(p / (1 - p)) + OFFSET
    order = np.argsort(places[:, 1], kind="stable")
    best, before = gain.copy(), np.full(len(gain), -1)
    for at, i in enumerate(order):
        for j in order[:at]:
            value = best[j] + gain[i] - _step_cost(places[i] - places[j])
            if value > best[i]:
                best[i], before[i] = value, j
    if not len(gain) or best.max() <= 0:
        return [], 0.0
    chain = [int(best.argmax())]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return chain[::-1], float(best.max())


def _step_cost(step_mm: np.ndarray) -> float:
    """Of going from one vertebra to the next by (right, down)."""
    length = float(np.hypot(*step_mm))
    lean = max(np.degrees(np.arctan2(abs(step_mm[0]), step_mm[1])) - FREE_LEAN_DEG, 0.0)
    if length < STEP_MM[0]:
        return np.inf
    missed = max(int(np.ceil(length / STEP_MM[1])) - 1, 0)
    return MISS_COST * missed + LEAN_COST * lean / 45.0


def places_in_column(places_mm: np.ndarray) -> np.ndarray:
    """(n,) how many vertebrae below the uppermost each of a chain (n, 2) is, those between that were missed counted."""
    lengths = np.linalg.norm(np.diff(places_mm, axis=0), axis=1)
    usual = np.array([np.median(lengths[max(i - 2, 0) : i + 3]) for i in range(len(lengths))])
    steps = np.where(lengths > MISSED * usual, np.rint(lengths / np.maximum(usual, 1e-6)), 1)
    return np.concatenate([[0], np.cumsum(steps)]).astype(int)


def readings(names: np.ndarray, places: np.ndarray) -> tuple[Reading, ...]:
    """Every way to name a chain, the likeliest first. names: (n, NAMED) log-probabilities. places: of
    `places_in_column`. A column has no L6, or has one."""
    found: dict[tuple[int, ...], float] = {}
    for column in (COLUMN, (*COLUMN[:-1], L6, S1)):
        for first in range(len(column) - places[-1]):
            labels = tuple(column[first + place] for place in places)
            index = [NAMED.index(max(label, NAMED[0])) for label in labels]
            found[labels] = SHARPNESS * float(names[np.arange(len(places)), index].mean())
    logits = np.array(list(found.values()))
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    order = [i for i in np.argsort(-shares, kind="stable") if shares[i] >= LEAST_PROBABILITY] or [int(shares.argmax())]
    labels, total = list(found), shares[order].sum()
    return tuple(Reading(labels[i], float(shares[i] / total)) for i in order)
