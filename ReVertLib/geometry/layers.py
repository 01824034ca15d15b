"""How an image was taken, layer over layer: each value with the source it is from, the most trusted source first.

The command line and the Slicer module both take options (or what the user entered) before a JSON sidecar, and that
before what the image itself says: its DICOM tags, or the spacing in its header.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from .camera import Geometry
from .plausible import check_plausible
from .sidecar import VERTEBRAE_KEY, box_within, checked_parameter, complete_geometry, read_sidecar, sidecar_path
from .views import VIEW_ANGLES

REQUIRED = ("sdd_mm", "sod_mm", "pixel_spacing_mm")
"""The parameters no reconstruction can do without."""


@dataclass(frozen=True)
class SourcedValue:
    """A value and, in plain words, where it is from: "sidecar", "DICOM ImagerPixelSpacing (0018,1164)", ..."""

    value: object
    source: str


@dataclass(frozen=True)
class StatedGeometry:
    """What an image itself says of how it was taken.

    parameters: by sidecar key; sources: for each of them, in plain words. patient_spacing: pixel spacing (u, v), mm, in
    the patient's plane, which takes the distances to become that at the detector, or beside that one tells the distance
    of the plane. reasons: by sidecar key, why
    something that is said is not the value. sod_below_mm: something behind the vertebra is so far from the source.
    """

    parameters: dict[str, object] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    patient_spacing: SourcedValue | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    sod_below_mm: SourcedValue | None = None


@dataclass(frozen=True)
class LayeredGeometry:
    """known: by sidecar key or view angle (yaw_deg, pitch_deg, roll_deg). stated: what the image itself says."""

    known: dict[str, SourcedValue] = field(default_factory=dict)
    stated: StatedGeometry = field(default_factory=StatedGeometry)

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
        for key, found in layer.items():
            if key not in self.known:
                check_plausible(key, found.value, found.source)
        return replace(self, known={**layer, **self.known})

    def over_sidecar(self, image_path: str | Path | None, sidecar: str | Path | None = None) -> LayeredGeometry:
        """This before a sidecar: the one named, which must exist, or the one beside the image, if there is any.

        Raises InputError for a sidecar that cannot be read and as `over` does.
        """
        path = sidecar or (sidecar_path(image_path) if image_path else None)
        if path is None or (sidecar is None and not path.is_file()):
            return self
        found = read_sidecar(path)
        return self.over({key: value for key, value in found.items() if key != VERTEBRAE_KEY}, "sidecar")

    def over_stated(self, stated: StatedGeometry) -> LayeredGeometry:
        """This before what the image itself says: the last layer. A spacing in the patient's plane is magnified by the
        distances that hold in the end, wherever they are from."""
        layers = replace(self.over(stated.parameters, stated.sources), stated=stated)
        found, known = stated.patient_spacing, layers.values
        if found is None or "pixel_spacing_mm" in known or not {"sdd_mm", "sod_mm"} <= known.keys():
            return layers
        magnification = known["sdd_mm"] / known["sod_mm"]
        spacing = tuple(magnification * mm for mm in found.value)
        source = f"{found.source}, in the patient's plane, times magnification {magnification:.4g}"
        return layers.over({"pixel_spacing_mm": spacing}, source)

    @property
    def reasons(self) -> dict[str, str]:
        """Why the image, though it says something of it, gives none of those that are missing."""
        reasons = dict(self.stated.reasons)
        if self.stated.patient_spacing:
            source = self.stated.patient_spacing.source
            reasons["pixel_spacing_mm"] = f"{source} is in the patient's plane and the magnification is not known"
        return {key: reason for key, reason in reasons.items() if key in self.missing}

    @property
    def assumptions(self) -> list[str]:
        """What nobody said and was assumed, a line each."""
        notes = []
        if "principal_point_px" not in self.known:
            notes.append("no principal point was given: the image's centre was taken")
        if "times magnification" in self.source("pixel_spacing_mm"):
            notes.append(f"pixel spacing: {self.source('pixel_spacing_mm')}")
        if self.source("sod_mm").startswith("DICOM"):
            notes.append(f"sod_mm: {self.source('sod_mm')} is that of the isocentre, where the vertebra is taken to be")
        return notes

    def doubts(self, size_px: tuple[int, int]) -> list[str]:
        """What is doubtful for an image of size_px (columns, rows), a line each."""
        notes, limit, values = [], self.stated.sod_below_mm, self.values
        if limit and values.get("sod_mm", 0.0) >= limit.value:
            notes.append(f"sod_mm: expected less than {limit.value:g} ({limit.source}), got {values['sod_mm']:g}")
        if "box_px" in values and box_within(values["box_px"], size_px) != values["box_px"]:
            notes.append("the box leaves the image and was cut to it")
        return notes

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
        """yaw_deg, pitch_deg and roll_deg, 0 where no layer has one; empty when none has any: the view is not known."""
        if not self.known.keys() & set(VIEW_ANGLES):
            return {}
        return {angle: self.values.get(angle, 0.0) for angle in VIEW_ANGLES}

    def source(self, key: str) -> str:
        """Where a value is from; "none" when no layer has it."""
        return self.known[key].source if key in self.known else "none"

    def complete(self, size_px: tuple[int, int]) -> Geometry:
        """The Geometry of an image of size_px (columns, rows); raises InputError as `complete_geometry` does."""
        return complete_geometry(self.values, size_px, self.reasons)
