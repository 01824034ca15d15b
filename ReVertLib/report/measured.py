"""Measurements as tables of a page."""

from __future__ import annotations

from collections.abc import Mapping

from ReVertLib.measurement.records import Measurement, Measurements

from .style import table

SHOWN = (
    *(f"{where} height" for where in ("anterior", "middle", "posterior")),
    *(f"{plate} endplate {size}" for plate in ("upper", "lower") for size in ("width", "depth")),
    "canal width",
    "canal depth",
    *(f"{side} pedicle {what}" for side in ("left", "right") for what in ("width", "transverse angle")),
    "rotation against the beam",
)
"""Of one vertebra; the others are in the report as data."""
NOTE = (
    "Each with its standard deviation; in brackets where that is above 2 mm, 5° or 5 %, too much to decide anything. "
    "Not measured against anything on this film."
)
_SIGNS = {"mm": " mm", "degrees": "°", "%": " %"}


def measurement_tables(found: Measurements) -> str:
    """Tables by level, by disc and of the spine, as HTML."""
    tables = ["<h4>Vertebrae</h4>", _by_column(found.levels, SHOWN)]
    if found.discs:
        tables += ["<h4>Discs</h4>", _by_column(found.discs, tuple(next(iter(found.discs.values()))))]
    if found.spine:
        tables += ["<h4>Spine</h4>", table(("", ""), [(_title(name), _text(one)) for name, one in found.spine.items()])]
    return f"<h3>Measurements</h3>{''.join(tables)}<p class='small'>{NOTE}</p>"


def _by_column(groups: Mapping[str, Mapping[str, Measurement]], names: tuple[str, ...]) -> str:
    rows = [(_title(name), *(_text(group[name]) for group in groups.values())) for name in names]
    return table(("", *groups), rows)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _text(one: Measurement) -> str:
    said = f"{one.value:.1f}" + ("" if one.sd is None else f" ± {one.sd:.1f}") + _SIGNS[one.unit]
    return said if one.worth_a_look or one.sd is None else f"({said})"
