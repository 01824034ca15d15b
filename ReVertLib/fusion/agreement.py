"""Whether two images show the same vertebra, as far as it can be told.

With the relative pose given, another level lies far from where the first image has it. Without it there is only the
shape to go by, and vertebrae are so alike that most wrong pairs pass.
"""

from __future__ import annotations

from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import Verdict, verdict

from .records import Agreement, RelativePose

DISAGREE = "the two images disagree: "
"""How the warnings begin that they may show different vertebrae, or one of them is mirrored."""
SHAPE_RATIO, SIZE_RATIO = 2.0, 1.12
"""Above what 99 in 100 pairs of images of one vertebra have, of synthetic people alone and in context."""
TURNED_DEG, MOVED_MM = {True: 15.0, False: 35.0}, 6.0
"""The first is by whether the relative pose was given: views are stated to some ten degrees each."""


def pair_verdict(
    reconstruction: Reconstruction, relative: RelativePose, agreement: Agreement
) -> tuple[Verdict, tuple[str, ...]]:
    """What a fused vertebra is worth, and how the two images disagree, a line each: "do not use" where they do."""
    lines = tuple(DISAGREE + line for line in _disagreements(relative, agreement))
    usual = verdict(reconstruction)
    return (Verdict("do not use", lines[0], usual.mean_error_mm) if lines else usual), lines


def _disagreements(relative: RelativePose, agreement: Agreement) -> list[str]:
    lines, against = [], "given" if relative.given else "of their views"
    if relative.moved_mm is not None and relative.moved_mm > MOVED_MM:
        lines.append(f"by the relative pose given, the vertebra lies {relative.moved_mm:.0f} mm off in the second one")
    if relative.turned_deg is not None and relative.turned_deg > TURNED_DEG[relative.given]:
        lines.append(f"the vertebra is turned by {relative.turned_deg:.0f} degrees against the relative pose {against}")
    if max(agreement.size_ratio, 1 / agreement.size_ratio) > SIZE_RATIO:
        lines.append(f"it is {agreement.size_ratio:.2f} times as large in the second one; are the distances right?")
    if (agreement.shape_ratio or 0.0) > SHAPE_RATIO:
        lines.append(f"the shapes differ {agreement.shape_ratio:.1f} times as much as is to be expected")
    return lines
