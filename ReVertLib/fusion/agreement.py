"""Whether two images show the same vertebra, as far as it can be told.

With the relative pose given, another level lies far from where the first image has it. Without it there is only the
shape to go by, and vertebrae are so alike that most wrong pairs pass.
"""

from __future__ import annotations

from ReVertLib.inference.verdict import DISAGREE

from .records import Agreement, RelativePose

SHAPE_RATIO, SIZE_RATIO = 2.0, 1.12
"""Above what 99 in 100 pairs of images of one vertebra have, of synthetic people alone and in context."""
TURNED_DEG, MOVED_MM = {True: 15.0, False: 35.0}, 6.0
"""The first is by whether the relative pose is known: views are stated to some ten degrees each."""


def disagreements(relative: RelativePose, agreement: Agreement) -> tuple[str, ...]:
    """How the two images disagree, a line each, as warnings of the fused vertebra."""
    lines, known = [], relative.moved_mm is not None
    against = "given" if relative.given else "of all levels" if known else "of their views"
    if known and relative.moved_mm > MOVED_MM:
        lines.append(
            f"by the relative pose {against}, the vertebra lies {relative.moved_mm:.0f} mm off in the second one"
        )
    if relative.turned_deg is not None and relative.turned_deg > TURNED_DEG[known]:
        lines.append(f"the vertebra is turned by {relative.turned_deg:.0f} degrees against the relative pose {against}")
    if max(agreement.size_ratio, 1 / agreement.size_ratio) > SIZE_RATIO:
        lines.append(f"it is {agreement.size_ratio:.2f} times as large in the second one; are the distances right?")
    if (agreement.shape_ratio or 0.0) > SHAPE_RATIO:
        lines.append(f"the shapes differ {agreement.shape_ratio:.1f} times as much as is to be expected")
    return tuple(DISAGREE + line for line in lines)
