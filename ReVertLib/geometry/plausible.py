"""Lengths that an X-ray system for the lumbar spine can have.

A surface's place grows in proportion to the distances, while the crop that the network sees depends on their ratio
alone: distances in cm or inches give the right picture at a tenth of the depth, and nothing in the picture tells. So
each length has limits of its own, wide enough for every system known and narrow enough that a value in another unit
falls outside.

- Source to detector: mobile C-arms 900 to 1000 mm, angiography 900 to 1300, films of the lumbar spine 1000 to 1500, of
  the whole spine 1800 to 3050. The largest in cm are 305.
- Source to vertebra: no less than 300 mm to the skin (21 CFR 1020.32, mobile fluoroscopy; 200 mm for special surgical
  applications), and half a slim abdomen. With the limit of magnification the largest in cm are refused, too.
- Pixels: scanned films from 0.05 mm, detectors 0.1 to 0.4 mm, images reduced to 32 pixels a side about 10 mm.
"""

from __future__ import annotations

import numpy as np

from ReVertLib.errors import InputError

PLAUSIBLE_MM = {"sdd_mm": (500.0, 4000.0), "sod_mm": (250.0, 4000.0), "pixel_spacing_mm": (0.02, 20.0)}
MAX_MAGNIFICATION = 5.0
"""sdd_mm / sod_mm; that of a small C-arm with the patient near the tube is 3."""

_USUAL_MM = {"sdd_mm": (800.0, 2100.0), "sod_mm": (400.0, 1900.0), "pixel_spacing_mm": (0.05, 2.0)}
_UNITS_MM = {"cm": 10.0, "inch": 25.4, "m": 1000.0, "µm": 0.001}


def check_plausible(name: str, value: float | tuple[float, ...], source: str = "") -> None:
    """Raises InputError for a length of a sidecar's key that no system has, with the unit it may be in; other keys are
    not looked at. source: where it is from, in plain words."""
    if name not in PLAUSIBLE_MM:
        return
    low, high = PLAUSIBLE_MM[name]
    worst = next((float(mm) for mm in np.atleast_1d(value) if not low <= mm <= high), None)
    if worst is not None:
        found = f"{worst:g} ({source})" if source else f"{worst:g}"
        raise InputError(f"{name}: expected {low:g} to {high:g} mm, got {found}{_guessed(name, worst)}")


def check_lengths(sdd_mm: float, sod_mm: float, pixel_spacing_mm: tuple[float, float]) -> None:
    """Raises InputError as `check_plausible`, and for distances whose ratio no system has, as when one of them is in
    another unit."""
    for name, value in (("sdd_mm", sdd_mm), ("sod_mm", sod_mm), ("pixel_spacing_mm", pixel_spacing_mm)):
        check_plausible(name, value)
    if sdd_mm > MAX_MAGNIFICATION * sod_mm:
        least = f"sdd_mm / {MAX_MAGNIFICATION:g} = {sdd_mm / MAX_MAGNIFICATION:g} mm"
        raise InputError(f"sod_mm: expected at least {least}, got {sod_mm:g}{_guessed('sod_mm', sod_mm)}")


def _guessed(name: str, value: float) -> str:
    """The units in which a value would be a usual one, as a question."""
    for low, high in (_USUAL_MM[name], PLAUSIBLE_MM[name]):
        units = [unit for unit, mm in _UNITS_MM.items() if low <= value * mm <= high]
        if units:
            return f"; is it in {' or '.join(units)}?"
    return ""
