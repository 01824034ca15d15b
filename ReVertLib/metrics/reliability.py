"""How far an expected error can be believed: what was expected of many images against what was so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats


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


def reliability(expected_mm: np.ndarray, actual_mm: np.ndarray) -> Reliability:
    """What there is to say of expected and actual errors (images, vertices), mm. A correlation with a constant, as
    that over the means of one image, is NaN."""
    order = np.argsort(expected_mm, axis=None, kind="stable")
    tenths = (np.array_split(values.ravel()[order], 10) for values in (expected_mm, actual_mm))
    within = [_rank_correlation(e, a) for e, a in zip(expected_mm, actual_mm, strict=True)]
    return Reliability(
        deciles=np.stack([[part.mean() for part in parts] for parts in tenths], 1),
        factor=float(actual_mm.mean() / expected_mm.mean()),
        within=float(np.mean(within)),
        between=_rank_correlation(expected_mm.mean(1), actual_mm.mean(1)),
        below_twice=float((actual_mm < 2 * expected_mm).mean()),
        deviance=float((np.log(expected_mm) + actual_mm / expected_mm).mean()),
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
