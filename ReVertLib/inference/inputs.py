"""What goes into a reconstruction: a radiograph with its geometry, from files or from arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.imaging.radiograph import Radiograph, radiograph_from_array, read_radiograph

from .plausibility import UNLIKE
from .results import Reconstruction

if TYPE_CHECKING:
    from .predictor import Predictor


@dataclass(frozen=True)
class ReconstructionInput:
    """A radiograph and its geometry. sources: by sidecar key and view angle, in plain words, where a value is from.
    notes: what was done to the image on the way, what is assumed of it and what is doubtful, a line each."""

    radiograph: Radiograph
    geometry: Geometry
    sources: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def view(self) -> dict[str, float]:
        """yaw_deg, pitch_deg and roll_deg, empty when the view is not known."""
        return dict(zip(VIEW_ANGLES, self.geometry.view_deg or (), strict=False))


def input_from_file(
    path: str | Path, options: Mapping[str, object], source: str, sidecar: str | Path | None = None
) -> ReconstructionInput:
    """A radiograph file, its geometry being the options over a sidecar over what the file itself says.

    options: by sidecar key, None for absent; source: what to call them in `sources`. sidecar: default, the one
    beside the file if there is any. Raises InputError for a file that is no radiograph and for geometry that is
    incomplete or impossible.
    """
    layers = LayeredGeometry().over(options, source).over_sidecar(path, sidecar)
    return _completed(read_radiograph(path), layers)


def input_from_array(
    pixels: np.ndarray | Radiograph, options: Mapping[str, object], source: str, sidecar: str | Path | None = None
) -> ReconstructionInput:
    """`input_from_file` of grey values (rows, columns) in memory, or of a Radiograph that was read before. Whether bone
    is dark in an array is seen from the grey values, as in a file that does not say."""
    radiograph = pixels if isinstance(pixels, Radiograph) else radiograph_from_array(pixels, name="array")
    return _completed(radiograph, LayeredGeometry().over(options, source).over_sidecar(None, sidecar))


def _completed(radiograph: Radiograph, layers: LayeredGeometry) -> ReconstructionInput:
    layers = layers.over_stated(radiograph.stated)
    size_px = radiograph.pixels.shape[::-1]
    inverted = ["bone was dark and has been inverted"] * radiograph.inverted
    doubts = (UNLIKE + doubt for doubt in radiograph.doubts)
    notes = (*doubts, *radiograph.notes, *inverted, *layers.assumptions, *layers.doubts(size_px))
    sources = {key: found.source for key, found in layers.known.items()}
    return ReconstructionInput(radiograph, layers.complete(size_px), sources, notes)


def reconstructed(predictor: Predictor, given: ReconstructionInput) -> Reconstruction:
    """What a predictor makes of an input, with what there is to say of that among the warnings."""
    found = predictor.reconstruct(given.radiograph.pixels, given.geometry)
    noted = [replace(one, warnings=(*given.notes, *one.warnings)) for one in (found, found.other) if one]
    return replace(noted[0], other=noted[1]) if len(noted) > 1 else noted[0]
