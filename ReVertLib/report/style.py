"""How a page looks: its style, light or dark as the reader's, and the pieces of HTML with pictures and numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from .pictures import FilmPicture

STYLE = """
:root { color-scheme: light dark; --text: #1c2128; --muted: #57606a; --line: #d0d7de; --page: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --muted: #9aa4ae; --line: #3a424c; --page: #14181d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.3rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0 0 .5rem; } h4 { font-size: 1rem; margin: 1rem 0 .25rem; }
.notice { border-left: 4px solid #9a5b00; padding: .25rem .75rem; color: var(--muted); }
.small, figcaption { color: var(--muted); font-size: .87rem; }
.beside { display: grid; grid-template-columns: minmax(16rem, 1fr) minmax(18rem, 1.1fr); gap: 1.5rem; }
.sides { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem; text-align: center; }
@media (max-width: 40rem) { .beside { grid-template-columns: 1fr; } }
figure { margin: 0; } img, svg { width: 100%; height: auto; display: block; }
.film { background: black; border-radius: 4px; }
.film polygon { fill: none; stroke: #2de2c5; stroke-width: 2.5; vector-effect: non-scaling-stroke; }
.film text { fill: #2de2c5; font-weight: 600; }
article { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: 1rem; break-inside: avoid; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 500; }
.badge { font-size: .87rem; font-weight: 600; color: white; background: #5f6368; border-radius: 4px; padding: 2px 8px; }
.trust { background: #1b7a3a; } .check { background: #9a5b00; } .do-not-use { background: #b00020; }
.bar { height: .7rem; border-radius: 2px; border: 1px solid var(--line); }
.ticks { display: flex; justify-content: space-between; }
.scale { max-width: 32rem; margin: .75rem auto 0; text-align: center; }
* { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
"""
"""The badges' colours are those of the panel."""

DRAWN = (
    ".film { background: black; font-family: sans-serif; } .film text { fill: #2de2c5; font-weight: 600; }"
    " .film polygon { fill: none; stroke: #2de2c5; stroke-width: 2; vector-effect: non-scaling-stroke; }"
)
"""The style of a film's picture in a file of its own."""

_MOST_TICKS = 6


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts; without a head when all of its texts are empty."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    lines = (f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows)
    return f"<table>{f'<tr>{titles}</tr>' if any(head) else ''}{''.join(lines)}</table>"


def picture(png: bytes, text: str) -> str:
    """A picture inside the page. text: what it shows, for who cannot see it."""
    return f"<img src='{_inline(png)}' alt='{escape(text)}'>"


def film_figure(film: FilmPicture, outlines: Iterable[tuple[str, np.ndarray]], style: str = "") -> str:
    """The cut-out of a film with outlines (name, (k, 2) pixels of the film) drawn over it, as SVG. style: CSS of a
    picture that is in no page."""
    (left, top), (width, height) = film.origin_px, film.size_px
    drawn, named = [], set()
    for name, outline in outlines:
        points = " ".join(f"{u:.2f},{v:.2f}" for u, v in outline - (left - 0.5, top - 0.5))
        drawn.append(f"<polygon points='{points}'/>")
        if name not in named:
            named.add(name)
            drawn.append(_label(name, outline - (left, top), film.size_px))
    image = f"<image href='{_inline(film.png)}' width='{width}' height='{height}' preserveAspectRatio='none'/>"
    title = "<title>The film with the outlines of the surfaces</title>"
    kind, own = (" xmlns='http://www.w3.org/2000/svg'", f"<style>{style}</style>") if style else ("", "")
    return (
        f"<svg{kind} class='film' viewBox='0 0 {width} {height}' role='img'>{own}{title}{image}{''.join(drawn)}</svg>"
    )


def _label(name: str, outline: np.ndarray, size_px: tuple[int, int]) -> str:
    """A name beside its outline, where there is more room."""
    height = max(size_px) / 22
    (left, right), v = (outline[:, 0].min(), outline[:, 0].max()), outline[:, 1].mean()
    u, anchor = (right + height / 3, "start") if size_px[0] - right >= left else (left - height / 3, "end")
    return f"<text x='{u:.1f}' y='{v:.1f}' font-size='{height:.1f}' text-anchor='{anchor}'>{escape(name)}</text>"


def colour_bar(stops: Sequence[str], limits: tuple[float, float], title: str) -> str:
    """What the colours of a surface mean."""
    step = 1 if limits[1] - limits[0] <= _MOST_TICKS else 2
    ticks = "".join(f"<span>{value:g}</span>" for value in np.arange(limits[0], limits[1] + step / 2, step))
    gradient = f"<div class='bar' style='background: linear-gradient(to right, {', '.join(stops)})'></div>"
    return f"<div class='scale small'>{gradient}<div class='ticks'>{ticks}</div>{escape(title)}</div>"


def _inline(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
