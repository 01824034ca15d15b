"""Reconstructions as one HTML file that needs no other: for the record, for a colleague, to print.

No name, date, file name or path gets into it, and of the film only what is around the vertebrae.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path

import numpy as np

from ReVertLib.files import whole_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.results import About
from ReVertLib.mesh.colours import (
    EXPECTED_ERROR_LIMITS_MM,
    EXPECTED_ERROR_STOPS,
    SIGNED_DISTANCE_LIMITS_MM,
    SIGNED_DISTANCE_STOPS,
)
from ReVertLib.metrics.records import FIGURES

from .measured import measurement_tables
from .pictures import film_picture, surface_pictures
from .records import Compared, Film, ReportedVertebra
from .style import STYLE, colour_bar, film_figure, picture, table

NOTICE = "Research software, not a medical device: not for diagnosis, planning or guidance of treatment."
BASELINE = "Baseline: the mean vertebra of 87 patients laid over the CT, no radiograph used."
_LENGTHS = {
    "sdd_mm": "Source to detector, mm",
    "sod_mm": "Source to object, mm",
    "pixel_spacing_mm": "Detector spacing (u, v), mm",
    "principal_point_px": "Principal point (u, v), pixels",
}


class Page:
    """A page that is put together radiograph by radiograph; pictures are drawn at once, no film is kept."""

    def __init__(self) -> None:
        self._sections: list[str] = []
        self._left_out: list[str] = []

    def add(self, film: Film, title: str = "Radiograph") -> None:
        """Shows a film with all that was made from it. title: without names."""
        self._sections.append(_film(film, title))

    def leave_out(self, title: str, reason: str) -> None:
        """Says why nothing was made from a radiograph."""
        self._left_out.append(f"{title}: {reason}")

    def text(self, about: About | None) -> str:
        """The page as HTML. about: who has computed it; None where nothing was."""
        left_out = f"<h2>Not reconstructed</h2>{_lines(self._left_out)}" if self._left_out else ""
        heading = f"<h1>Lumbar vertebrae from radiographs</h1><p class='notice'>{NOTICE}</p>"
        body = "\n".join([heading, *self._sections, left_out, _about(about)])
        return (
            "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'>"
            f"<title>ReVert report</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
        )

    def write(self, path: Path, about: About | None) -> None:
        """Writes the page, whole or not at all. Raises InputError for a file that cannot be written."""
        with whole_file(path) as temporary:
            temporary.write_text(self.text(about), encoding="utf-8")


def _film(film: Film, title: str) -> str:
    geometry = film.vertebrae[0].outcome.reconstruction.geometry
    shown = [outline for one in film.vertebrae for outline in one.outcome.outlines_px]
    boxes = (one.outcome.reconstruction.geometry.box_px for one in film.vertebrae)
    corners = [np.reshape(box, (2, 2)) for box in boxes if box is not None]
    whole = np.array([[0, 0], np.array(film.pixels.shape[::-1]) - 1])
    cut_out = film_picture(film.pixels, [*shown, *corners] or [whole])
    outlines = [(one.name, outline) for one in film.vertebrae for outline in one.outcome.outlines_px]
    caption = "The film around the vertebrae, and the outline of each surface where it projects to."
    left = f"<figure>{film_figure(cut_out, outlines)}<figcaption>{caption}</figcaption></figure>"
    right = "<div><h3>Geometry</h3>" + table(("", "value", "from"), _geometry_rows(geometry, film)) + "</div>"
    measured = "" if film.measurements is None else measurement_tables(film.measurements)
    vertebrae = "\n".join(map(_vertebra, film.vertebrae))
    return f"<section><h2>{title}</h2><div class='beside'>{left}{right}</div>\n{measured}{vertebrae}</section>"


def _geometry_rows(geometry: Geometry, film: Film) -> list[tuple[str, str, str]]:
    rows = []
    for key, title in _LENGTHS.items():
        value = getattr(geometry, key)
        numbers = value if isinstance(value, Sequence) else [value]
        rows.append((title, ", ".join(f"{number:.5g}" for number in numbers), film.sources.get(key, "assumed")))
    rows.append(("Magnification", f"{geometry.sdd_mm / geometry.sod_mm:.3f}", "the distances"))
    stated = [film.sources[angle] for angle in film.view if angle in film.sources]
    rows.append(("View", _view(film.view), stated[0] if stated else "not said"))
    return rows


def _view(view: Mapping[str, float]) -> str:
    if not view:
        return "not known"
    return ", ".join(f"{angle.removesuffix('_deg')} {degrees:g}°" for angle, degrees in view.items())


def _vertebra(one: ReportedVertebra) -> str:
    verdict, warnings = one.verdict, one.outcome.reconstruction.warnings
    kind = verdict.word.replace(" ", "-")
    return (
        f"<article><h3>{escape(one.name)} <span class='badge {kind}'>{escape(verdict.word)}</span></h3>"
        f"<p>{escape(verdict.reason[:1].upper() + verdict.reason[1:])}.</p>"
        f"{_surface(one)}{_compared(one.compared)}"
        + (f"<h4>Warnings</h4>{_lines(warnings)}" if warnings else "")
        + "</article>"
    )


def _surface(one: ReportedVertebra) -> str:
    """Three pictures and what their colours mean."""
    values, title = one.outcome.reconstruction.expected_error_mm, "expected error, mm"
    stops, limits = EXPECTED_ERROR_STOPS, EXPECTED_ERROR_LIMITS_MM
    if one.compared is not None:
        values, title = one.compared.signed_distance_mm, "distance to the CT, mm: blue inside its bone, orange outside"
        stops, limits = SIGNED_DISTANCE_STOPS, SIGNED_DISTANCE_LIMITS_MM
    pictures = surface_pictures(one.outcome.reconstruction.mesh, values, stops, limits)
    figures = "".join(
        f"<figure>{picture(png, f'{one.name} {side}')}<figcaption>{side}</figcaption></figure>"
        for side, png in pictures.items()
    )
    bar = "" if values is None else colour_bar(stops, limits, title)
    return f"<div class='sides'>{figures}</div>{bar}"


def _compared(compared: Compared | None) -> str:
    if compared is None:
        return ""
    rows, baseline = [], asdict(compared.baseline) if compared.baseline else {}
    for name, value in asdict(compared.metrics).items():
        title, unit, form = FIGURES[name]
        label = f"{title}, {unit.replace('mm2', 'mm²').replace('mm3', 'mm³')}" if unit else title
        rows.append((label, form.format(value), form.format(baseline[name]) if baseline else ""))
    aligned = "not aligned" if compared.alignment == "none" else f"{compared.alignment} alignment"
    head = ("", f"from the radiograph, {aligned}", "baseline" if baseline else "")
    note = f"<p class='small'>{BASELINE}</p>" if baseline else ""
    return f"<h4>Against the CT</h4>{_lines(compared.notes)}{table(head, rows)}{note}"


def _about(about: About | None) -> str:
    if about is None:
        return ""
    versions = ", ".join(f"{name} {version}" for name, version in about.versions.items())
    rows = [
        ("Weights, SHA-256", about.weights_sha256),
        ("Network", about.architecture),
        ("Device", about.device),
        ("Versions", versions),
    ]
    return f"<h2>Computed by</h2>{table(('', ''), rows)}<p class='notice'>{NOTICE}</p>"


def _lines(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""
