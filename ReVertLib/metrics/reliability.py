"""How far an expected error can be believed: what was expected of many images against what was so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

_MOST = 6_000_000
"""Vertices of all images that the tenths are made of: 72 MB, those of 2,000 images."""


@dataclass(frozen=True)
class Reliability:
    """deciles: (10, 2) mean expected and mean actual error, mm, of the tenths of all vertices by expectation. factor:
    what the expectation must be multiplied by to be right in the mean. within, between: rank correlation (Spearman) of
    expected and actual error over the vertices of an image, averaged over the images, and over the images' means.
    below_twice: share of vertices whose actual error is below twice the expected. deviance: mean of log e + a / e, the
    loss the expectation is trained with; less is better."""

    deciles: np.ndarray
    factor: float
    within: float
    between: float
    below_twice: float
    deviance: float


def reliability(pairs: Iterable[tuple[np.ndarray, np.ndarray]], images: int) -> Reliability:
    """What there is to say of expected and actual errors: a pair (vertices,), (vertices,), mm, for each image, one
    after the other, so that they need not be in memory together. images: how many there are; of very many the tenths
    are those of every second vertex, every third and so on. A correlation with a constant, as that over the means of
    one image, is NaN."""
    keys = actual = None
    means, within, below, deviance = [], [], [], []
    for number, (expected_of, actual_of) in enumerate(pairs):
        if keys is None:
            some = slice(None, None, math.ceil(images * len(actual_of) / _MOST))
            keys, actual = (np.empty((images, len(actual_of[some])), kind) for kind in (np.uint64, np.float32))
        keys[number], actual[number] = np.asarray(expected_of, np.float32)[some].view(np.uint32), actual_of[some]
        means.append((expected_of.mean(), actual_of.mean()))
        within.append(_rank_correlation(expected_of, actual_of))
        below.append((actual_of < 2 * expected_of).mean())
        deviance.append((np.log(expected_of) + actual_of / expected_of).mean())
    expected_means, actual_means = np.array(means).T
    return Reliability(
        deciles=_deciles(keys.ravel(), actual.ravel()),
        factor=float(actual_means.mean() / expected_means.mean()),
        within=float(np.mean(within)),
        between=_rank_correlation(expected_means, actual_means),
        below_twice=float(np.mean(below)),
        deviance=float(np.mean(deviance)),
    )


def _deciles(keys: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """(10, 2) mean expected and actual error of the tenths by expectation. keys: (n,) the bits of expectations in
    single precision, which are in order as the positive numbers are; they become theirs and, below, the place of each,
    and are sorted where they are."""
    keys <<= np.uint64(32)
    keys |= np.arange(len(keys), dtype=np.uint64)
    keys.sort()
    return np.array(
        [
            (
                (part >> np.uint64(32)).astype(np.uint32).view(np.float32).mean(dtype=float),
                actual[part & np.uint64(0xFFFFFFFF)].mean(dtype=float),
            )
            for part in np.array_split(keys, 10)
        ]
    )


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(stats.spearmanr(a, b).statistic)


def reliability_table(found: Reliability) -> str:
    """Markdown: the ten rows, and a line of the rest."""
    lines = ["| vertices by expected error | expected mm | actual mm |", "|---|--:|--:|"]
    lines += [f"| tenth {i} | {e:.2f} | {a:.2f} |" for i, (e, a) in enumerate(found.deciles, 1)]
    return "\n".join(lines) + (
        f"\n\nActual error over expected: {found.factor:.2f}. Rank correlation over the vertices of an image "
        f"{found.within:.2f}, over images {found.between:.2f}. Below twice the expected error: "
        f"{100 * found.below_twice:.0f} % of the vertices."
    )
