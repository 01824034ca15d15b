"""How an image was taken, layer over layer: each value with the source it is from, the most trusted source first.

The command line and the Slicer module both take options (or what the user entered) before a JSON sidecar, and that
before what the image itself says: its DICOM tags, or the spacing in its header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .camera import Geometry
from .plausible import check_plausible
from .sidecar import checked_parameter, complete_geometry, read_sidecar, sidecar_path
from .views import VIEW_ANGLES

REQUIRED = ("sdd_mm", "sod_mm", "pixel_spacing_mm")
"""The parameters no reconstruction can do without."""


@dataclass(frozen=True)
class SourcedValue:
    """A value and, in plain words, where it is from: "sidecar", "DICOM ImagerPixelSpacing (0018,1164)", ..."""

    value: object
    source: str


@dataclass(frozen=True)
class LayeredGeometry:
    """known: by sidecar key or view angle (yaw_deg, pitch_deg, roll_deg)."""

    known: dict[str, SourcedValue] = field(default_factory=dict)

    def over(self, parameters: Mapping[str, object], source: str | Mapping[str, str]) -> LayeredGeometry:
        """This before one more layer: parameters that are known already keep their value and source.

        parameters: by sidecar key or view angle; None counts as absent. source: of all of them, or of each by its key.
        Raises InputError for a key or a value that there cannot be, and for a length that no system has unless it is
        known already: so a wrong tag can be overruled.
        """
        layer = {
            key: SourcedValue(checked_parameter(key, value), source if isinstance(source, str) else source[key])
            for key, value in parameters.items()
            if value is not None
        }
        for key in layer.keys() - self.known:
            check_plausible(key, layer[key].value, layer[key].source)
        return LayeredGeometry({**layer, **self.known})

    def over_sidecar(self, image_path: str | Path | None, sidecar: str | Path | None = None) -> LayeredGeometry:
        """This before a sidecar: the one named, which must exist, or the one beside the image, if there is any.

        Raises InputError for a sidecar that cannot be read and as `over` does.
        """
        path = sidecar or (sidecar_path(image_path) if image_path else None)
        if path is None or (sidecar is None and not path.is_file()):
            return self
        return self.over(read_sidecar(path), "sidecar")

    @property
    def values(self) -> dict[str, object]:
        """The values alone, by key."""
        return {key: found.value for key, found in self.known.items()}

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of REQUIRED that no layer has."""
        return tuple(key for key in REQUIRED if key not in self.known)

    @property
    def view(self) -> dict[str, float]:
        """yaw_deg, pitch_deg and roll_deg; 0 where no layer has one."""
        return {angle: self.values.get(angle, 0.0) for angle in VIEW_ANGLES}

    def source(self, key: str) -> str:
        """Where a value is from; "none" when no layer has it."""
        return self.known[key].source if key in self.known else "none"

    def complete(self, size_px: tuple[int, int]) -> Geometry:
        """The Geometry of an image of size_px (columns, rows); raises InputError as `complete_geometry` does."""
        return complete_geometry({k: v for k, v in self.values.items() if k not in VIEW_ANGLES}, size_px)
