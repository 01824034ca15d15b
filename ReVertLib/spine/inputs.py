"""What goes into the work on a film: the radiograph, what is known of it, and the boxes of its vertebrae."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.finding.found import FoundSpine, shifted
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS, VERSE_LABELS
from ReVertLib.geometry.sidecar import VERTEBRAE_KEY, checked_parameter, read_sidecar, sidecar_path
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.imaging.grey_values import inverted_greys
from ReVertLib.imaging.radiograph import Radiograph
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.results import Reconstruction

from .box import cut_to_film
from .records import Asked
from .scale import USUAL_SDD_MM, Mark, Scale, scaled

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder

USUAL_FIELD_MM = 400.0
"""The height of a film at the detector, for a first look where no spacing is known."""
LOOSE = 1.14
"""How much higher the boxes that are found are than the vertebrae in them, on 36 films of six synthetic people."""
FAINT = 0.5
"""A vertebra that is there with less probability is warned of."""


@dataclass(frozen=True)
class FilmInput:
    """geometry: of the film, without level and box. sources: as `inference.inputs.ReconstructionInput`'s. asked: the
    vertebrae, by level. anchor: whose distance geometry.sod_mm is; None: the one nearest to the principal ray. found:
    all that was found, None where the boxes were given. upside_down: whether the film hangs so. notes: a line each.
    seen: by level, the answers of the last look at what was found (`closer_look`), None before."""

    radiograph: Radiograph
    geometry: Geometry
    sources: Mapping[str, str]
    asked: Mapping[str, Asked]
    anchor: str | None
    scale: Scale
    found: FoundSpine | None
    notes: tuple[str, ...]
    upside_down: bool = False
    seen: Mapping[str, Reconstruction] | None = None

    @property
    def view(self) -> dict[str, float]:
        """yaw_deg, pitch_deg and roll_deg, empty when the view is not known."""
        return dict(zip(VIEW_ANGLES, self.geometry.view_deg or (), strict=False))


@dataclass(frozen=True)
class Wishes:
    """What a user may say of a film beside its geometry. vertebrae: box by level, which go before all that is found.
    steps: by how many vertebrae towards the feet the names that are found are to be moved. sod_of: the level at the
    distance that is given, or "isocentre". upside_down: whether the film hangs so; found out where vertebrae are."""

    vertebrae: Mapping[str, tuple[float, ...]] | None = None
    steps: int = 0
    sod_of: str = "L3"
    mark: Mark | None = None
    upside_down: bool = False

    def __post_init__(self) -> None:
        if self.sod_of not in (*LEVELS, "isocentre"):
            expected = f"one of {', '.join(LEVELS)}, or isocentre"
            raise InputError(f"sod-of: expected {expected}, got {str(self.sod_of)[:40]!r}")


def vertebrae_in(path: Path) -> dict[str, tuple[float, ...]] | None:
    """The boxes in a sidecar by level, None where it has none. Raises InputError for a file or entries that cannot be
    used."""
    entries = read_sidecar(path).get(VERTEBRAE_KEY)
    return None if entries is None else boxes_by_level(entries, f"sidecar {path.name}")


def boxes_beside(image: Path, sidecar: Path | None) -> dict[str, tuple[float, ...]] | None:
    """`vertebrae_in` the sidecar named, or the one beside an image if there is any."""
    path = sidecar or sidecar_path(image)
    return vertebrae_in(path) if sidecar or path.is_file() else None


def boxes_by_level(entries: object, what: str) -> dict[str, tuple[float, ...]]:
    """Boxes by level from a list of objects with level and box_px. Raises InputError for another content."""
    expected = f"{what}: expected {VERTEBRAE_KEY} as a list of objects with level and box_px"
    if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
        raise InputError(f"{expected}, got {str(entries)[:60]}")
    found: dict[str, tuple[float, ...]] = {}
    for entry in entries:
        if not isinstance(entry, Mapping) or set(entry) != {"level", "box_px"}:
            raise InputError(f"{expected}, got {str(entry)[:60]}")
        level, box = (checked_parameter(key, entry[key]) for key in ("level", "box_px"))
        if level in found:
            raise InputError(f"{what}: expected every level once, got {level} twice")
        found[level] = box
    return dict(sorted(found.items()))


def film_input(
    radiograph: Radiograph, layers: LayeredGeometry, wishes: Wishes, finder: Finder | FoundSpine | None
) -> FilmInput:
    """All that is needed of a film. layers: without what the radiograph itself states. finder: asked where no boxes are
    given, or what it has found already. Raises InputError where no lumbar vertebra is found, and as `scaled` and
    `complete` do."""
    layers = layers.over_stated(radiograph.stated)
    size_px = radiograph.pixels.shape[::-1]
    spine = None if wishes.vertebrae else shifted(found_spine(radiograph.pixels, layers, finder), wishes.steps)
    radiograph = _bone_bright(radiograph, spine)
    boxes = wishes.vertebrae or _boxes(spine)
    if not boxes:
        raise InputError("film: expected a lumbar vertebra on it, got none that was found; give the boxes by hand")
    isocentre = wishes.sod_of == "isocentre"
    layers, scale = scaled(layers, boxes if wishes.vertebrae else _tight(boxes), wishes.mark, isocentre)
    geometry = replace(layers.complete(size_px), level=None, box_px=None)
    asked = {level: _asked(geometry, level, box, size_px, spine) for level, box in boxes.items()}
    anchor = None if isocentre else wishes.sod_of
    if anchor is not None and anchor not in asked:
        scale = replace(scale, warnings=(*scale.warnings, f"{anchor}, whose distance is given, is not on the film"))
    notes = _notes(radiograph, layers, scale, size_px) + (spine.warnings if spine else ())
    sources = {key: known.source for key, known in layers.known.items()}
    upside_down = spine.upside_down.is_so if spine else wishes.upside_down
    return FilmInput(radiograph, geometry, sources, asked, anchor, scale, spine, notes, upside_down)


def found_spine(pixels: np.ndarray, layers: LayeredGeometry, finder: Finder | FoundSpine | None) -> FoundSpine:
    """What is found on a film, pixels (rows, columns), of which layers are known, or was before. Raises InputError
    without finder."""
    if isinstance(finder, FoundSpine):
        return finder
    if finder is None:
        raise InputError("film: expected the boxes of its vertebrae, got none, and no network that finds them")
    known = layers.values
    sdd_mm = known.get("sdd_mm", USUAL_SDD_MM)
    spacing = known.get("pixel_spacing_mm", (USUAL_FIELD_MM / max(pixels.shape),) * 2)
    view = tuple(layers.view.values()) or None
    return finder.find(pixels, sdd_mm, spacing, known.get("sod_mm"), view)


def _bone_bright(radiograph: Radiograph, spine: FoundSpine | None) -> Radiograph:
    """The same, inverted where bone was seen to be dark on it."""
    if spine is None or not spine.inverted.is_so:
        return radiograph
    return replace(radiograph, pixels=inverted_greys(radiograph.pixels), inverted=not radiograph.inverted)


def _tight(boxes: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """Boxes that were found as high as the vertebrae in them."""
    return {level: (u0, v0, u1, v0 + (v1 - v0) / LOOSE) for level, (u0, v0, u1, v1) in boxes.items()}


def _boxes(spine: FoundSpine) -> dict[str, tuple[float, ...]]:
    lumbar = (one for one in spine.vertebrae if one.label in LEVEL_OF_LABEL)
    return {LEVEL_OF_LABEL[one.label]: one.box_px for one in lumbar}


def _asked(
    geometry: Geometry, level: str, box: tuple[float, ...], size_px: tuple[int, int], spine: FoundSpine | None
) -> Asked:
    """One vertebra, its box cut to the film."""
    cut = cut_to_film(box, size_px)
    if not (cut[0] < cut[2] and cut[1] < cut[3]):
        on = f"on the {size_px[0]} x {size_px[1]} film"
        raise InputError(f"box_px: expected the box of {level} {on}, got {list(box)}")
    asked, is_view_told = replace(geometry, level=level, box_px=cut), geometry.view_deg is not None
    if spine is None:
        return Asked(asked, is_view_told)
    there = spine.named(VERSE_LABELS[level]).probability
    warnings = (f"that {level} is there is only {there:.0%} likely",) if there < FAINT else ()
    return Asked(asked, is_view_told, there * spine.readings[0].probability, warnings)


def _notes(radiograph: Radiograph, layers: LayeredGeometry, scale: Scale, size_px: tuple[int, int]) -> tuple[str, ...]:
    inverted = ["bone was dark and has been inverted"] * radiograph.inverted
    doubts = (UNLIKE + doubt for doubt in radiograph.doubts)
    return (*doubts, *radiograph.notes, *inverted, *layers.assumptions, *layers.doubts(size_px), *scale.warnings)
