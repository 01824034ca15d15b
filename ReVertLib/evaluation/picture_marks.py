"""What tells directions and lengths in a picture: the patient's axes, letters at the edges, and a scale bar."""

from __future__ import annotations

import numpy as np

from .figure_style import BACKGROUND, TEXT

DIRECTIONS = (("R", "L"), ("A", "P"), ("I", "S"))
"""The letters of the negative and the positive end of each LPS axis."""

SIZE_PT = 17
"""Of all small text: read at half of the picture's size, too."""

_AXIS_COLOURS = ("#ff7b72", "#7ee787", "#79c0ff")
_LETTER_IN = 0.16
_LEAST_SHARE = 0.25
"""An axis that is seen shorter than this, of its length, has no letter: it points at the viewer or away."""


def side_letters(axes, rotation: np.ndarray) -> None:
    """What of the patient lies to the left and to the right in a view: R, L, A or P. rotation: (3, 3) from LPS to the
    view frame, +X right, +Y down."""
    axis = int(np.abs(rotation[0]).argmax())
    letters = DIRECTIONS[axis] if rotation[0, axis] > 0 else DIRECTIONS[axis][::-1]
    for letter, x in zip(letters, (0.03, 0.97), strict=True):
        text = {"color": TEXT, "size": SIZE_PT, "weight": "bold", "ha": "center", "va": "center"}
        axes.text(x, 0.5, letter, transform=axes.transAxes, **text)


def orientation_marker(axes, rotation: np.ndarray, place: tuple[float, float], length_in: float) -> None:
    """The patient's axes to L, P and S as they are seen, from a point of the axes. rotation: (3, 3) from LPS to the
    view frame. place: shares of the axes. length_in: of an axis across the view, inches."""
    figure = axes.get_figure()
    inches = axes.get_position().size * figure.get_size_inches()
    for axis in np.argsort(-rotation[2]):  # the nearest last, over the others
        seen = rotation[:2, axis] * (1, -1)
        share = np.linalg.norm(seen)
        if share < _LEAST_SHARE:
            continue
        colour, letter = _AXIS_COLOURS[axis], DIRECTIONS[axis][1]
        end, beyond = (place + seen * reach_in / inches for reach_in in (length_in, length_in + _LETTER_IN / share))
        arrow = {"arrowstyle": "-|>", "color": colour, "lw": 2.5, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", end, place, "axes fraction", "axes fraction", arrowprops=arrow)
        text = {"color": colour, "size": SIZE_PT, "weight": "bold", "ha": "center", "va": "center"}
        axes.text(*beyond, letter, transform=axes.transAxes, **text)


def scale_bar(axes, length: float, text: str) -> None:
    """A bar of a length in data units in the lower right corner, what it stands for above it."""
    left, right = axes.get_xlim()
    share = length / abs(right - left)
    x, y = (0.965 - share, 0.965), 0.05
    for colour, width in ((BACKGROUND, 7.0), (TEXT, 3.5)):
        axes.plot(x, (y, y), color=colour, lw=width, transform=axes.transAxes, solid_capstyle="butt", clip_on=False)
    axes.text(x[1], y + 0.035, text, color=TEXT, size=SIZE_PT, ha="right", va="bottom", transform=axes.transAxes)
