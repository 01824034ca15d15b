"""The report on a shape model: its tables, one page of text and one picture."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.dataset.cases import HELD_OUT, find_cases
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_folder, made_folder, whole_file
from ReVertLib.progress import log
from ReVertLib.shape.library import sources
from ReVertLib.shape.model import ShapeLibrary, build_model, load_shape_library, modes_of, save_model

from .figure_style import MUTED, OUTLINE, TEXT, new_figure, save_figure, style_plot
from .shape_model import Fit, SamplerScore, generalisation, held_out_fits, sampler_scores

_FIGURES = {"dice": "Dice", "hd95_mm": "HD95, mm", "assd_mm": "ASSD, mm"}


def write_report(
    root: Path, shapes: Path, out: Path, held_out: Iterable[str] = HELD_OUT, scheme: str | None = None
) -> None:
    """Learns the model of a shape library and measures it: OUT/shape_model.npz, report.md, fits.csv, report.png. root:
    the folder of cases the library was built from, for the true surfaces. scheme: whose numbers their label maps have.
    Raises InputError in the end for cases that could not be used."""
    check_folder(out)
    means = symmetric_means()
    people = load_shape_library(shapes, means, held_out)
    model = build_model(people, means)
    made_folder(out)
    save_model(model, out / "shape_model.npz")
    samplers = sampler_scores(people, model)
    failures = Failures()
    fits = generalisation(people, model, sources(root, failures, held_out, scheme))
    unseen = held_out_fits(find_cases(root, scheme), people, model, held_out, failures)
    _write_fits(out / "fits.csv", (*fits, *unseen))
    unseen_people = ", ".join(sorted({fit.case for fit in unseen})) or "nobody"
    text = "\n\n".join(
        (
            f"People left out one at a time\n\n{_fit_table(fits)}",
            f"Held out from everything: {unseen_people}\n\n{_fit_table(unseen)}",
            f"Samplers\n\n{_sampler_table(samplers)}",
            f"Share of variance in the first modes\n\n{_compactness_table(people)}",
        )
    )
    with whole_file(out / "report.md") as temporary:
        temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
    _picture(out / "report.png", fits, unseen, people)
    log.info(text)
    raise_failed(failures.reasons, "cases: expected the model to be fitted to all", "the others")


def compactness(people: ShapeLibrary) -> np.ndarray:
    """(r,) share of the variance about the means that the first 1, 2, ... modes hold."""
    variance = (modes_of(people.differences, len(people.person)) ** 2).sum((1, 2))
    return variance.cumsum() / variance.sum()


def _names(fits: Iterable[Fit]) -> list[str]:
    return list(dict.fromkeys(fit.model for fit in fits))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _fit_table(fits: list[Fit]) -> str:
    rows = []
    for name in _names(fits):
        figures = [[getattr(fit.metrics, field) for fit in fits if fit.model == name] for field in _FIGURES]
        dice, hd95, assd = figures
        means = (f"{np.mean(dice):.3f}", f"{np.mean(hd95):.2f}", f"{np.mean(assd):.2f}")
        rows.append((name, *means, f"{min(dice):.3f}", f"{max(hd95):.2f}"))
    return _table(("model", *_FIGURES.values(), "lowest Dice", "highest HD95"), rows)


def _sampler_table(samplers: list[SamplerScore]) -> str:
    fields = ("specificity_mm", "nearest_mm", "energy_mm")
    head = ("sampler", "sample to nearest person, mm", "person to nearest sample, mm", "energy score, mm")
    return _table(head, [(row.sampler, *(f"{getattr(row, field):.2f}" for field in fields)) for row in samplers])


def _compactness_table(people: ShapeLibrary) -> str:
    share = compactness(people)
    counts = [count for count in (1, 2, 5, 10, 16, 24) if count <= len(share)]
    return _table(tuple(str(count) for count in counts), [tuple(f"{share[count - 1]:.3f}" for count in counts)])


def _write_fits(path: Path, fits: Iterable[Fit]) -> None:
    with (
        whole_file(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(("case", "level", "model", *_FIGURES))
        for fit in fits:
            figures = (f"{getattr(fit.metrics, field):.4f}" for field in _FIGURES)
            writer.writerow((fit.case, fit.level, fit.model, *figures))


def _picture(path: Path, fits: list[Fit], unseen: list[Fit], people: ShapeLibrary) -> None:
    """Three panels of fits, boxes of people left out and points of those held out, and one of compactness."""
    figure = new_figure(11.0, 8.0, 110, "constrained")
    panels = figure.subplots(2, 2).ravel()
    for axes, (field, title) in zip(panels, _FIGURES.items(), strict=False):
        _fit_panel(axes, fits, unseen, field)
        axes.set_ylabel(title, color=TEXT)
    share = compactness(people)[:40]
    panels[3].plot(range(1, len(share) + 1), share, color=OUTLINE)
    panels[3].set_ylabel("share of variance", color=TEXT)
    panels[3].set_xlabel("first modes", color=MUTED)
    for axes in panels[1:]:
        axes.set_ylim(bottom=0)
    for axes in panels:
        style_plot(axes)
    figure.suptitle("boxes: people left out one at a time; points: held out from everything", color=MUTED, size=10)
    save_figure(figure, path)


def _fit_panel(axes, fits: list[Fit], unseen: list[Fit], field: str) -> None:
    names = _names(fits)
    values = [[getattr(fit.metrics, field) for fit in fits if fit.model == name] for name in names]
    style = {f"{part}props": {"color": OUTLINE} for part in ("box", "whisker", "cap", "median")}
    axes.boxplot(values, positions=range(len(names)), flierprops={"marker": ".", "markeredgecolor": OUTLINE}, **style)
    points = [(names.index(fit.model), getattr(fit.metrics, field)) for fit in unseen]
    if points:
        axes.plot(*np.transpose(points), "o", color=TEXT, markersize=3)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
