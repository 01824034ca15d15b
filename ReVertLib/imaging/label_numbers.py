"""Whose numbers a label map has: VerSe's number vertebrae from head to feet, TotalSegmentator's from feet to head, and
the same number is a vertebra in one and a bowel in another.

Under each scheme, the labels that would be vertebrae must lie in that order along the spine, as far apart as vertebrae
are, and have a vertebra's size. What does not decide is taken for VerSe's, or asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import COLUMN, LABEL_SCHEMES, SACRUM, VERSE_NUMBERS
from ReVertLib.progress import log

from .labels import label_regions, read_label_map, touches_border
from .volume import Volume, slices

_PLACES = {**{name: float(i) for i, name in enumerate(COLUMN)}, "T13": 18.5, "L6": 24.0}
"""Along the spine, in vertebrae."""
_LEAST_STEP_MM, _MOST_STEP_MM = 10.0, 60.0
_MOST_CM3, _MOST_SIDE_MM = 180.0, 170.0
_TYPICAL_CM3 = {"C": 12.0, "L": 60.0}
_LEAST_CM3 = 0.5
_VERSE_MOST = 28
_CLEAR, _CLEAR_OF_VERSE = 0.25, 0.5
"""Sizes decide when they fit one scheme so much better, as natural logarithms of volumes; against VerSe's only when
much better."""


@dataclass(frozen=True)
class _Region:
    """Of one label. centre_lps: (3,) mm. cut: whether it touches the map's border."""

    centre_lps: np.ndarray
    cm3: float
    side_mm: float
    cut: bool


def read_vertebrae(path: str | Path, scheme: str | None = None) -> Volume:
    """A label map, or a folder of one file for each vertebra, in VerSe's numbers; what is no vertebra is 0 where the
    numbers were others. scheme: as `verse_numbered`."""
    path = Path(path)
    return verse_numbered(read_label_map(path), scheme, f"{path.parent.name}/{path.name}")[0]


def verse_numbered(labels: Volume, scheme: str | None, name: str) -> tuple[Volume, dict[int, int]]:
    """A label map in VerSe's numbers, and for each of its own numbers VerSe's. Is as it was if it has them already.

    scheme: a key of `LABEL_SCHEMES`, None to be told from the map. name: how messages call it. Raises InputError for
    another scheme, and where the map does not tell.
    """
    if scheme is not None and scheme not in LABEL_SCHEMES:
        raise InputError(f"labels: expected one of {', '.join(LABEL_SCHEMES)}, got {str(scheme)[:40]!r}")
    present = _regions(labels)
    scheme = scheme or _scheme_of(present, name)
    numbers = _verse_numbers(present, scheme, name)
    if scheme == "verse":
        return labels, numbers
    table = np.zeros(int(labels.array.max(initial=0)) + 1, labels.array.dtype)
    table[list(numbers)] = list(numbers.values())
    return Volume(table[np.maximum(labels.array, 0)], labels.ijk_to_lps), numbers


def told_numbers(parts: Iterable[Volume], name: str) -> dict[int, int]:
    """For each number in label maps that are parts of one, VerSe's: as `verse_numbered`."""
    present = {label: region for part in parts for label, region in _regions(part).items()}
    return _verse_numbers(present, _scheme_of(present, name), name)


def _verse_numbers(present: dict[int, _Region], scheme: str, name: str) -> dict[int, int]:
    """For each number of a scheme that is present, VerSe's."""
    if scheme == "verse":
        return {label: label for label in present}
    names = {label: found for label, found in LABEL_SCHEMES[scheme].items() if label in present}
    shown = ", ".join(f"{label} is {found}" for label, found in sorted(names.items())) or "none is a vertebra"
    log.info("%s: labels as in %s: %s", name, scheme, shown)
    return {label: VERSE_NUMBERS[found] for label, found in names.items()}


def vertebra_of(labels: Volume, label: int, name: str, scheme: str | None = None) -> str | None:
    """What a label of a map is, "L3", by the scheme that is asked for or told from the map; None for what VerSe's
    numbers do not name. Raises InputError for what is no vertebra in a map of another scheme."""
    numbers = verse_numbered(labels, scheme, name)[1]
    if label not in numbers:
        vertebrae = ", ".join(f"{own} ({LABEL_SCHEMES['verse'][number]})" for own, number in sorted(numbers.items()))
        raise InputError(f"label: expected one of {vertebrae or 'a map with vertebrae'} of {name}, got {label}")
    return LABEL_SCHEMES["verse"].get(numbers[label])


def _regions(labels: Volume) -> dict[int, _Region]:
    voxel_mm3, found = abs(np.linalg.det(labels.ijk_to_lps[:3, :3])), {}
    for label, (lower, upper) in label_regions(labels).items():
        mask = labels.array[slices(lower, upper)] == label
        counts = (mask.sum((0, 1)), mask.sum((0, 2)), mask.sum((1, 2)))  # along i, j and k
        total = int(counts[0].sum())
        middle = lower + [np.arange(len(n)) @ n / total for n in counts]
        side_mm = float(((upper - lower) * labels.spacing_mm).max())
        cut = touches_border(labels, lower, upper)
        found[label] = _Region(labels.lps_from_ijk(middle[None])[0], total * voxel_mm3 / 1000, side_mm, cut)
    return found


def _scheme_of(present: dict[int, _Region], name: str) -> str:
    """The scheme that the regions fit. Raises InputError when it is not clear, and VerSe's is not among those left."""
    scores = {scheme: _score(present, scheme) for scheme in LABEL_SCHEMES}
    known = {scheme: score for scheme, score in scores.items() if score is not None}
    if not known:
        return "verse"
    best = max(score[0] for score in known.values())
    left = {scheme: score[1] for scheme, score in known.items() if score[0] == best}
    by_size = sorted(left, key=left.__getitem__)
    if len(left) == 1 or left[by_size[1]] - left[by_size[0]] > (_CLEAR_OF_VERSE if "verse" in left else _CLEAR):
        return by_size[0]
    vertebrae = [label for label in present if label in LABEL_SCHEMES["verse"]]
    if "verse" in left:
        shown = ", ".join(f"{label} is {LABEL_SCHEMES['verse'][label]}" for label in vertebrae)
        log.info("%s: labels taken as in verse, as nothing else tells: %s", name, shown)
        return "verse"
    raise InputError(f"labels: expected --labels {' or '.join(left)} to say whose numbers {name} has, got neither")


def _score(present: dict[int, _Region], scheme: str) -> tuple[int, float] | None:
    """(neighbours in order minus twice what cannot be, mean misfit of sizes); None without a vertebra by this scheme,
    or with numbers that it does not have."""
    names = {label: found for label, found in LABEL_SCHEMES[scheme].items() if found != SACRUM}
    regions = {names[label]: region for label, region in present.items() if label in names}
    if scheme == "verse":
        if max(present, default=0) > _VERSE_MOST:
            return None
        for rare, beside in (("T13", {"T12", "L1"}), ("L6", {"L5"})):
            if rare in regions and not beside & regions.keys():
                del regions[rare]
    regions = {found: region for found, region in regions.items() if region.cm3 >= _LEAST_CM3}
    if not regions:
        return None
    order = sorted(regions, key=_PLACES.__getitem__)
    points = sum(_step_points(regions[a], regions[b], _PLACES[b] - _PLACES[a]) for a, b in pairwise(order))
    points -= 2 * sum(region.cm3 > _MOST_CM3 or region.side_mm > _MOST_SIDE_MM for region in regions.values())
    return points, float(np.mean([_misfit(found, region) for found, region in regions.items()]))


def _misfit(name: str, region: _Region) -> float:
    """How far a volume is from a vertebra's, as the logarithm; a vertebra that is cut may be larger than it looks."""
    off = float(np.log(region.cm3 / _typical_cm3(name)))
    return max(off, 0.0) if region.cut else abs(off)


def _step_points(upper: _Region, lower: _Region, steps: float) -> int:
    """1 for two regions that lie as vertebrae so many steps apart do, else -2."""
    down = upper.centre_lps - lower.centre_lps
    distance_mm = float(np.linalg.norm(down))
    in_reach = _LEAST_STEP_MM * steps <= distance_mm <= _MOST_STEP_MM * max(steps, 1)
    return 1 if in_reach and down[2] > 0.3 * distance_mm else -2


def _typical_cm3(name: str) -> float:
    """Thoracic vertebrae grow from T1 to T12, to about a lumbar one's size."""
    if name[0] == "T":
        return 18.0 + 2.5 * (int(name[1:]) - 1)
    return _TYPICAL_CM3[name[0]]
