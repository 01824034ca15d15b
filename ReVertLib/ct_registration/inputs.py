"""What a registration is asked of: a film on which vertebrae are found, or an image of one vertebra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.imaging.crop import foreground_box
from ReVertLib.imaging.radiograph import Radiograph
from ReVertLib.spine.inputs import FilmInput, Wishes, film_input

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder


def registration_input(
    radiograph: Radiograph,
    path: Path | None,
    options: Mapping[str, object],
    source: str,
    sidecar: Path | None,
    wishes: Wishes,
    finder: Finder | None,
) -> FilmInput:
    """As `film_given`, but that an image of which options or sidecar name one level is of that vertebra alone: in its
    box, or in the whole image where it is isolated."""
    layers = LayeredGeometry().over(options, source).over_sidecar(path, sidecar)
    return film_input(radiograph, layers, with_one_level(layers, radiograph, wishes), finder)


def with_one_level(layers: LayeredGeometry, radiograph: Radiograph, wishes: Wishes) -> Wishes:
    """The wishes with the box of the one vertebra that is named, if one is and no boxes are given. Raises InputError
    where it is named without a box and not isolated."""
    level = layers.values.get("level")
    if wishes.vertebrae or level is None:
        return wishes
    box = layers.values.get("box_px") or foreground_box(radiograph.pixels)
    sod_of = wishes.sod_of if wishes.sod_of == "isocentre" else level
    return replace(wishes, vertebrae={level: box}, sod_of=sod_of)
