"""CTs in Hounsfield units: read, and refused where their values cannot be that.

Air is -1000, water 0, and bone some hundreds. A CT that was shifted by 1024, scaled, put into 8 bits or turned into
attenuation gives a radiograph that looks like one and is wrong.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ReVertLib.errors import InputError

from .volume import Volume, read_volume

AIR_HU, MOST_HU = -1024, 3071
"""The least and the most of 12 bits."""
_PADDING_HU = -1200
"""Values below are no tissue: scanners put -2000, -3024 or -32768 where they have not looked."""
_BONE_HU = 255
"""Some bone of every CT is above this; 8 bits end here."""
_MOST_HU = 32767
_SOFT_HU = 200
_MOST_DENSE = {_SOFT_HU: 0.3, 700: 0.12, MOST_HU: 0.03}
"""Shares above a value. In CTs of people that hold little air at most a seventh is above 200 HU, and in any a fiftieth
above 700; where the values are 1024 too high, soft tissue is among them. Metal is less than a hundredth."""
_LITTLE_AIR_HU = -200
_SAMPLES = 500_000


def read_ct(path: str | Path) -> Volume:
    """A CT in Hounsfield units, as `in_hounsfield`."""
    return in_hounsfield(read_volume(path), f"CT {Path(path).name}")


def in_hounsfield(ct: Volume, name: str) -> Volume:
    """A CT, with air where the scanner has padded it, and metal as `MOST_HU`, with a warning. Raises
    InputError for values that are not Hounsfield units.

    name: how messages call it.
    """
    array = ct.array
    low, high = float(array.min()), float(array.max())
    expected, got = (
        f"{name}: expected Hounsfield units (air -1000, water 0, bone above 255)",
        f"{low:.4g} to {high:.4g}",
    )
    if high <= _BONE_HU:
        kind = "scaled to 1, or attenuation" if high <= 2 else "in 8 bits, or cut to a window"
        raise InputError(f"{expected}, got values from {got}: {kind}?")
    if high > _MOST_HU:
        raise InputError(f"{expected}, got values from {got}")
    some = array.reshape(-1)[:: max(1, array.size // _SAMPLES)]
    some = some[some >= _PADDING_HU]
    for least, most in _MOST_DENSE.items():
        share = float((some > least).mean())
        if share > most and (least != _SOFT_HU or np.percentile(some, 5) > _LITTLE_AIR_HU):
            cause = "scaled, or 1024 too high? Bring it to Hounsfield units first"
            raise InputError(f"{expected}, got {100 * share:.0f} % above {least}: {cause}")
    if high > MOST_HU:
        share = 100 * float((array > MOST_HU).mean())
        warnings.warn(f"{name}: {share:.2g} % is above {MOST_HU} HU (metal) and counts as {MOST_HU}", stacklevel=3)
    if low < _PADDING_HU or high > MOST_HU:
        air = np.where(array < _PADDING_HU, array.dtype.type(AIR_HU), array)
        return Volume(np.minimum(air, array.dtype.type(MOST_HU)), ct.ijk_to_lps)
    return ct
