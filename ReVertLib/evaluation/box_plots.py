"""Box plots of an evaluation: how the figures of every answer spread over the images of each level or view.

The scales are logarithmic, that of Dice in what is missing to 1, so that a blank image and the ceiling are read off the
same panel: a step down is the same share of the error everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from .figure_style import BACKGROUND, CEILING, MUTED, SERIES, TEXT, new_figure, save_figure, style_plot
from .measure import BASELINE, BEST_FIT, BLANK, Evaluation, Row
from .tables import title_of

_PLOTTED = {"dice": "Dice", "hd95_mm": "HD95, mm", "assd_mm": "ASSD, mm"}
_DICE_TICKS = (0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)
_MM_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 50)
_LEAST = 1e-3
_DASHES = (0, (3, 2))


def box_plots(path: Path, evaluation: Evaluation, group: str) -> None:
    """Writes boxes of the figures after rigid alignment for every "level" or "view": the networks and the blank image;
    the means of the baseline and of the shape model's ceiling are lines."""
    rigid = [row for row in evaluation.rows if row.alignment == "rigid"]
    names = list(dict.fromkeys(getattr(row, group) for row in rigid))
    names = sorted(names) if group == "level" else names
    boxes = _boxes(evaluation)
    width = min(16.0, max(8.0, 1.5 + 0.3 * len(names) * (len(boxes) + 1)))
    figure = new_figure(width, 9.0, 100, "constrained")
    panels = figure.subplots(len(_PLOTTED), 1, sharex=True)
    for axes, (field, title) in zip(panels, _PLOTTED.items(), strict=True):
        for place, name in enumerate(names):
            _group(axes, place, [row for row in rigid if getattr(row, group) == name], field, boxes)
        _scaled(axes, field, [getattr(row.metrics, field) for row in rigid])
        axes.set_ylabel(title, color=TEXT, size=12)
        _style_groups(axes, len(names))
    turned = max(map(len, names)) * len(names) > 11 * width
    panels[-1].set_xticks(range(len(names)), names, rotation=90 if turned else 0, color=TEXT, size=11)
    _legend(figure, evaluation, boxes)
    save_figure(figure, path)


def _boxes(evaluation: Evaluation) -> dict[str, str]:
    """Answers that are drawn as boxes, with their colours, from left to right."""
    names = [model.name for model in evaluation.networks]
    return {name: SERIES[i % len(SERIES)] for i, name in enumerate(names)} | {BLANK: MUTED}


def _group(axes, place: int, rows: list[Row], field: str, boxes: dict[str, str]) -> None:
    """The answers of one group: a box with its images as dots for each, two lines across."""
    step = 0.8 / len(boxes)
    for i, (answer, colour) in enumerate(boxes.items()):
        values = [getattr(row.metrics, field) for row in rows if row.answer == answer]
        if values:
            _box(axes, place + (i - (len(boxes) - 1) / 2) * step, 0.62 * step, values, colour)
    for answer, colour, style in ((BASELINE, TEXT, "-"), (BEST_FIT, CEILING, _DASHES)):
        values = [getattr(row.metrics, field) for row in rows if row.answer == answer]
        axes.hlines(np.mean(values), place - 0.44, place + 0.44, color=colour, lw=1.8, linestyles=[style])


def _box(axes, x: float, width: float, values: list[float], colour: str) -> None:
    """Quartiles and median as a box, the images as dots over it: a box of five images hides nothing."""
    line = {"color": colour, "linewidth": 1.3}
    parts = {f"{part}props": line for part in ("whisker", "cap")} | {"medianprops": line | {"linewidth": 2.4}}
    filled = {"facecolor": f"{colour}38", "edgecolor": colour, "linewidth": 1.3}
    axes.boxplot([values], positions=[x], widths=width, patch_artist=True, showfliers=False, boxprops=filled, **parts)
    spread = x + width * 0.6 * (np.arange(len(values)) / max(1, len(values) - 1) - 0.5)
    axes.plot(spread, values, "o", color=colour, markersize=4, markeredgecolor=BACKGROUND, markeredgewidth=0.5)


def _scaled(axes, field: str, values: list[float]) -> None:
    """A logarithmic axis around the values, with round figures on it."""
    there, back, ticks = _dice_scale() if field == "dice" else (_logarithm, np.exp, _MM_TICKS)
    axes.set_yscale("function", functions=(there, back))
    low, high = there(np.array([min(values), max(values)]))
    air = 0.06 * (high - low) + 0.02
    axes.set_ylim(back(low - air), back(high + air))
    shown = [tick for tick in ticks if low - air <= there(np.array(tick)) <= high + air]
    axes.set_yticks(shown, [f"{tick:g}" for tick in shown])
    axes.minorticks_off()


def _logarithm(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(values, _LEAST))


def _dice_scale() -> tuple[Callable, Callable, tuple[float, ...]]:
    """Minus the logarithm of what is missing to 1, and back."""
    return (lambda dice: -_logarithm(1 - np.asarray(dice)), lambda height: 1 - np.exp(-np.asarray(height)), _DICE_TICKS)


def _style_groups(axes, groups: int) -> None:
    style_plot(axes)
    axes.set_xlim(-0.55, groups - 0.45)
    for place in range(1, groups):
        axes.axvline(place - 0.5, color=MUTED, alpha=0.15, lw=0.8)


def _legend(figure, evaluation: Evaluation, boxes: dict[str, str]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=f"{colour}38", edgecolor=colour, lw=1.3, label=title_of(evaluation, answer))
        for answer, colour in boxes.items()
    ]
    for answer, colour, style in ((BASELINE, TEXT, "-"), (BEST_FIT, CEILING, _DASHES)):
        handles.append(Line2D([], [], color=colour, lw=1.8, ls=style, label=title_of(evaluation, answer)))
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False, labelcolor=TEXT, fontsize=11)
