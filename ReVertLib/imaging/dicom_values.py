"""The values of DICOM tags, as text or as numbers, whoever read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def tag_text(tags: Mapping, keyword: str) -> str:
    return str(tags.get(keyword) or "").strip()


def tag_values(value: object) -> list:
    """The values of a tag, which databases hand out as one text."""
    if value in (None, ""):
        return []
    if isinstance(value, str):
        return value.split("\\")
    return list(value) if isinstance(value, Sequence) else [value]


def tag_numbers(tags: Mapping, keyword: str) -> list[float]:
    return finite_numbers(tags.get(keyword))


def finite_numbers(value: object) -> list[float]:
    """The numbers of a tag's value; [] if it has none, or something else among them."""
    try:
        values = [float(item) for item in tag_values(value)]
    except (TypeError, ValueError):
        return []
    return values if all(map(math.isfinite, values)) else []


def positive(tags: Mapping, keyword: str) -> float | None:
    value = next(iter(tag_numbers(tags, keyword)), 0.0)
    return value if value > 0 else None


def positive_pair(tags: Mapping, keyword: str) -> tuple[float, float] | None:
    values = tuple(tag_numbers(tags, keyword))
    return values if len(values) == 2 and min(values) > 0 else None
