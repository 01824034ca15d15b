"""Box plots of an evaluation: how the figures spread over the images of each level or view."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .measure import ANSWERS, Row
from .pictures import BACKGROUND, MUTED, OUTLINE, TEXT

_PLOTTED = {"dice": "Dice", "hd95_mm": "HD95, mm", "assd_mm": "ASSD, mm"}


def box_plots(path: Path, rows: Iterable[Row], group: str) -> None:
    """Writes boxes of the rigid figures for every "level" or "view", the mean of the control as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rigid = [row for row in rows if row.alignment == "rigid"]
    names = list(dict.fromkeys(getattr(row, group) for row in rigid))
    names = sorted(names) if group == "level" else names
    figure = Figure((max(7.0, 2.0 + 0.45 * len(names)), 9.0), dpi=110, layout="constrained", facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(_PLOTTED), 1, sharex=True)
    for axes, (field, title) in zip(panels, _PLOTTED.items(), strict=True):
        for place, name in enumerate(names):
            _box(axes, place, [row for row in rigid if getattr(row, group) == name], field)
        axes.set_ylabel(title, color=TEXT)
        _dark(axes)
    panels[0].set_title("teal: one radiograph; grey: blank image; line: mean of 87 people", color=MUTED, size=10)
    panels[-1].set_xticks(range(len(names)), names, rotation=90 if len(names) > 8 else 0)
    figure.savefig(path, facecolor=BACKGROUND)


def _box(axes, place: int, rows: list[Row], field: str) -> None:
    """The answers of one group: two boxes and a line."""
    values = {answer: [getattr(row.metrics, field) for row in rows if row.answer == answer] for answer in ANSWERS}
    for answer, colour, shift in (("network", OUTLINE, -0.19), ("blank", MUTED, 0.19)):
        style = {"color": colour, "linewidth": 1.4}
        parts = {f"{part}props": style for part in ("box", "whisker", "cap", "median")}
        flier = {"marker": ".", "markeredgecolor": colour, "markersize": 4}
        axes.boxplot([values[answer]], positions=[place + shift], widths=0.3, flierprops=flier, **parts)
    axes.hlines(np.mean(values["control"]), place - 0.42, place + 0.42, color=TEXT, lw=1.6)


def _dark(axes) -> None:
    axes.set_facecolor(BACKGROUND)
    axes.tick_params(colors=MUTED, length=0)
    axes.grid(axis="y", color=MUTED, alpha=0.2)
    axes.spines[:].set_visible(False)
