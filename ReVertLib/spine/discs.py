"""The discs of a film as its vertebrae lie in the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.overlap import shared_volume_mm3

from .anatomy_prior import PLAUSIBLE_DISC_MM
from .chain import disc_between
from .evidence import Evidence
from .records import Disc


def discs_between(levels: Sequence[str], meshes: Sequence[Mesh]) -> tuple[Disc, ...]:
    """The discs of neighbours as they lie in the end, from head to feet."""
    found = []
    for above, below in pairwise(Evidence(*one, 0.0) for one in zip(levels, meshes, strict=True)):
        height_mm = disc_between(above.lower, below.upper)[0]
        found.append(Disc(above.level, below.level, height_mm, shared_volume_mm3(above.mesh, below.mesh)))
    return tuple(found)


def doubts_of(discs: Sequence[Disc]) -> tuple[str, ...]:
    """A line for each disc that is not plausible."""
    low, high = PLAUSIBLE_DISC_MM
    notes = []
    for disc in discs:
        name = f"{disc.above}/{disc.below}"
        if not low <= disc.height_mm <= high:
            notes.append(f"the disc {name} is {disc.height_mm:.0f} mm high where {low:g} to {high:g} are plausible")
        if disc.overlap_mm3 > 0:
            notes.append(f"{disc.above} and {disc.below} share {disc.overlap_mm3:.0f} mm³")
    return tuple(notes)
