"""What a film is asked for and made into: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ReVertLib.finding.found import FoundSpine
from ReVertLib.fusion.records import Fused
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import Reconstruction

from .scale import Scale


@dataclass(frozen=True)
class Asked:
    """One vertebra that is asked for. geometry: with level and box, and a view where one is told or tried.
    is_view_told: whether it is told. probability: of its name, None where it is given. warnings: what is to be said of
    it."""

    geometry: Geometry
    is_view_told: bool
    probability: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class LevelChange:
    """What the chain changed of one vertebra, against the answer to it alone at the anchor's distance. moved_mm: of its
    centre. turned_deg: of its orientation. depth_mm: by how much it lies farther from the source. overlap_mm3: what it
    shared with its neighbours before they were pushed apart."""

    moved_mm: float
    turned_deg: float
    depth_mm: float
    overlap_mm3: float


@dataclass(frozen=True)
class FilmLevel:
    """level: "L1".."L5". reconstruction: at its place among the others, camera frame, mm, with all that is to be warned
    of. probability: that a vertebra is there and is this one; None where its box was given. proposed: whether it was
    not found but put between its neighbours. depth_sd_mm: standard deviation to be expected of its distance."""

    level: str
    reconstruction: Reconstruction
    probability: float | None
    proposed: bool
    depth_sd_mm: float
    change: LevelChange


@dataclass(frozen=True)
class Disc:
    """Between two neighbours, as they lie in the end. height_mm: between the middles of the endplates, along the disc's
    axis. overlap_mm3: what the two surfaces share."""

    above: str
    below: str
    height_mm: float
    overlap_mm3: float


@dataclass(frozen=True)
class FilmResult:
    """levels: from head to feet. anchor: the level whose distance was given. warnings: of the film as a whole, one line
    each; those of a level are with its reconstruction. found: all that was found on the film, the lumbar vertebrae
    where their surfaces are seen; None where the boxes were given. other: the result for a second view that is likely,
    too, where none was given. geometry: of the film, without level and box."""

    levels: tuple[FilmLevel, ...]
    discs: tuple[Disc, ...]
    anchor: str
    scale: Scale
    warnings: tuple[str, ...] = ()
    found: FoundSpine | None = None
    other: FilmResult | None = None
    geometry: Geometry | None = None


@dataclass(frozen=True)
class FusedFilms:
    """result: the vertebrae that either film shows, in the first one's camera frame. second_from_first: from there to
    the second one's camera frame. given: whether that was told. levels: of those that both films show, what was fused,
    by level."""

    result: FilmResult
    second_from_first: RigidTransform
    given: bool
    levels: Mapping[str, Fused]
