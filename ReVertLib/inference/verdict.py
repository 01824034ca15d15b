"""What a reconstruction is worth: a word with its reason. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .plausibility import UNLIKE
from .results import Reconstruction

WORDS = ("trust", "check", "do not use")
VIEW_TAKEN, AMBIGUOUS = "no view was given: ", "two views are likely: "
"""How the warnings begin that the surface may be that of another view."""
DISAGREE = "the two images disagree: "
"""How the warnings of a surface from two images begin that they may show different vertebrae, or one is mirrored."""
TRUST_MM = 1.1
REFUSE_MM = 2.0


@dataclass(frozen=True)
class Verdict:
    """word: one of WORDS. reason: one line. mean_error_mm: predicted, of the vertices; None from weights
    that predict no error."""

    word: str
    reason: str
    mean_error_mm: float | None


def verdict(reconstruction: Reconstruction) -> Verdict:
    """What a reconstruction is worth, from its input warnings and its predicted mean error; the distance is taken as
    given and nothing is aligned.

    What the words mean was measured with the shipped weights. Of 288 new synthetic samples seen from all sides, alone
    or in context, 56 are trusted, and 96 % of those have a mean error below 1.5 mm; of 105 images of one real person's
    bones (verse008) 25, and 96 %. The limits were chosen on earlier weights; `revert
    calibrate` logs what they mean for those it makes, and the limit at which nine in ten of the trusted would have a
    mean error below 1.5 mm. Where no view was given nothing is trusted: of ten isolated vertebrae seen from behind, all
    ten were taken for AP.
    """
    found = [warning for warning in reconstruction.warnings if warning.startswith((UNLIKE, DISAGREE))]
    expected_mm = reconstruction.expected_error_mm
    mean_mm = None if expected_mm is None else float(np.mean(expected_mm))
    if found:
        return Verdict("do not use", found[0], mean_mm)
    if mean_mm is None:
        return Verdict("check", "these weights do not say what error to expect", None)
    guessed = [warning for warning in reconstruction.warnings if warning.startswith((VIEW_TAKEN, AMBIGUOUS))]
    if guessed and mean_mm < REFUSE_MM:
        return Verdict("check", guessed[0], mean_mm)
    word = "trust" if mean_mm < TRUST_MM else "check" if mean_mm < REFUSE_MM else "do not use"
    return Verdict(word, f"the mean error to be expected is {mean_mm:.1f} mm{_parts(reconstruction)}", mean_mm)


def _parts(reconstruction: Reconstruction) -> str:
    """The means across and along the beam, in brackets, where weights say them."""
    parts = reconstruction.error_parts
    if parts is None:
        return ""
    return f" ({np.mean(parts.across_mm):.1f} across, {np.mean(parts.along_mm):.1f} along the beam)"
