"""How large a film shows things, and how well that is known.

Three lengths place a vertebra: source to detector, source to object, and a pixel at the detector. Where one of the last
two is missing, the size of a pixel at the spine stands in for it, which is known from a spacing that DICOM gives in the
patient's plane, from an object of known size that somebody marked, or from the usual size of lumbar vertebrae. The
source of the scale and its standard deviation go with every result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.levels import LEVELS

from .anatomy_prior import PERSON_SIZE_SD, SIZE

GIVEN, ISOCENTRE, PATIENT_PLANE, MARKED, POPULATION = SOURCES = (
    "given",
    "isocentre",
    "patient's plane",
    "marked",
    "population",
)
USUAL_SDD_MM = 1150.0
"""Of films of the lumbar spine, where nobody says it; sizes at the spine do not depend on it."""
USUAL_SOD_SHARE = 0.78
"""Of the source-detector distance, at which the spine lies where nothing tells."""
SOD_SHARE_SD, SDD_SD = 0.08, 0.10
"""Deviation of that share, and of the logarithm of the source-detector distance of films, where nobody says it."""
OFF_ISOCENTRE_MM, OFF_PLANE_MM = 15.0, 30.0
"""Deviation of the spine's depth from the isocentre, and from that of an object that was marked or the plane that
DICOM's spacing is of."""
END_PX = 1.0
"""Deviation of a length marked by hand."""
TILTED, BOX_SD = 1.05, 0.06
"""How much taller a box is than its vertebra along its own axis, being tilted, and the deviation of the logarithm of a
person's size as read from boxes alone: over 36 films of six synthetic people (`Testing/studies/film_scales.py`)."""
USUAL_SIZE_SD = math.hypot(PERSON_SIZE_SD, BOX_SD)
CONTRADICTION = 2.5
"""Deviations between two sources of the scale that are called a contradiction."""


@dataclass(frozen=True)
class Scale:
    """source: one of SOURCES. relative_sd: standard deviation of sizes across and along the beam, as a share; 0 where
    the lengths were given, which are taken as exact. depth_sd: of the distance from the source, as a share. text: where
    the scale is from, one line. warnings: what contradicts it, a line each."""

    source: str
    relative_sd: float
    depth_sd: float
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def is_depth_open(self) -> bool:
        """Whether the usual size of vertebrae is all that tells the distance."""
        return self.source == POPULATION and self.depth_sd >= self.relative_sd


@dataclass(frozen=True)
class Mark:
    """An object of known size on the film, about as far from the source as the spine. what: "ball", "length".
    Raises InputError for sizes that are not above 0."""

    what: str
    length_px: float
    length_mm: float

    def __post_init__(self) -> None:
        for name in ("length_px", "length_mm"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{self.what}: expected a size above 0 in pixels and in mm, got {value:g}")

    @property
    def pixel_mm(self) -> float:
        """Of a pixel where it is."""
        return self.length_mm / self.length_px


def ball(_u: float, _v: float, diameter_px: float, diameter_mm: float) -> Mark:
    """A ball, by its image: middle (u, v) and diameter in pixels, and its true diameter."""
    return Mark("ball", diameter_px, diameter_mm)


def known_length(u0: float, v0: float, u1: float, v1: float, length_mm: float) -> Mark:
    """Two points (u, v) of the film, and how far apart they truly are."""
    return Mark("length", math.hypot(u1 - u0, v1 - v0), length_mm)


def marked(ball_of: Sequence[float] | None, length_of: Sequence[float] | None) -> Mark | None:
    """The mark of the numbers that `ball` or `known_length` takes, None where there is none. Raises InputError for
    both."""
    if ball_of and length_of:
        raise InputError("scale: expected one of --ball and --length, got both")
    return ball(*ball_of) if ball_of else known_length(*length_of) if length_of else None


def scaled(
    layers: LayeredGeometry, boxes_px: Mapping[str, tuple[float, ...]], mark: Mark | None, isocentre: bool
) -> tuple[LayeredGeometry, Scale]:
    """The layers with none of the three lengths missing, and their scale. boxes_px: of the vertebrae, by level.
    isocentre: whether the distance is that of the isocentre. Raises InputError for a scale that no system has."""
    known, isocentre = layers.values, isocentre or layers.source("sod_mm").startswith("DICOM")
    if not layers.missing:
        return layers, _given(layers, boxes_px, mark, isocentre)
    pixel_mm, scale = _at_the_spine(layers, boxes_px, mark)
    missing = _completed(known, pixel_mm)
    complete = known | missing
    if not 0 < complete["sod_mm"] < complete["sdd_mm"]:
        got = f"{pixel_mm:.3g} mm at the spine by the {scale.source} scale"
        raise InputError(f"scale: expected pixels smaller at the spine than at the detector, got {got}")
    depth_sd = scale.depth_sd
    if "sod_mm" in known:
        depth_sd = _isocentre_sd(known, isocentre)
    elif "pixel_spacing_mm" not in known:
        depth_sd = math.hypot(depth_sd, SOD_SHARE_SD)
    if "sod_mm" not in known and "sdd_mm" not in known:
        depth_sd = math.hypot(depth_sd, SDD_SD)
    assumed = f", {', '.join(key for key in missing)} from it" + (
        f", {USUAL_SDD_MM:g} mm from source to detector assumed" if missing.get("sdd_mm") == USUAL_SDD_MM else ""
    )
    scale = Scale(scale.source, scale.relative_sd, depth_sd, scale.text + assumed)
    return layers.over(missing, scale.text), scale


def _isocentre_sd(known: Mapping[str, object], isocentre: bool) -> float:
    """Deviation of a distance that is known, as a share."""
    return OFF_ISOCENTRE_MM / known["sod_mm"] if isocentre else 0.0


def _given(
    layers: LayeredGeometry, boxes_px: Mapping[str, tuple[float, ...]], mark: Mark | None, isocentre: bool
) -> Scale:
    """The scale of lengths that are all known, and what else the film says that contradicts it."""
    known, stated = layers.values, layers.stated.patient_spacing
    share, source = _isocentre_sd(known, isocentre), ISOCENTRE if isocentre else GIVEN
    text = "the distance of the isocentre, where the spine is taken to be" if isocentre else "distances and spacing"
    size_sd = share
    if "times magnification" in layers.source("pixel_spacing_mm"):
        source, text = PATIENT_PLANE, f"distances, and {stated.source}, of the patient's plane"
        size_sd = math.hypot(share, OFF_PLANE_MM / known["sod_mm"])
    pixel_mm = float(np.mean(known["pixel_spacing_mm"])) * known["sod_mm"] / known["sdd_mm"]
    others = [("the usual size of lumbar vertebrae", _by_boxes(boxes_px), USUAL_SIZE_SD)]
    if mark is not None:
        others.append((f"the {mark.what} that was marked", mark.pixel_mm, _mark_sd(mark, known["sod_mm"])))
    if stated is not None:
        plane_sd = OFF_PLANE_MM / known["sod_mm"]
        others.append((f"{stated.source}, of the patient's plane,", float(np.mean(stated.value)), plane_sd))
    warnings = []
    for what, other_mm, other_sd in others:
        off = math.log(other_mm / pixel_mm)
        if abs(off) > CONTRADICTION * math.hypot(other_sd, share):
            warnings.append(f"{what} contradicts the distances by {math.expm1(off):+.0%}")
    return Scale(source, size_sd, share, text, tuple(warnings))


def _at_the_spine(
    layers: LayeredGeometry, boxes_px: Mapping[str, tuple[float, ...]], mark: Mark | None
) -> tuple[float, Scale]:
    """How many mm a pixel is at the spine, and where that is from."""
    stated = layers.stated.patient_spacing
    sod_mm = layers.values.get("sod_mm", USUAL_SOD_SHARE * layers.values.get("sdd_mm", USUAL_SDD_MM))
    if mark is not None:
        share = _mark_sd(mark, sod_mm)
        return mark.pixel_mm, Scale(MARKED, share, share, f"a {mark.what} of known size on the film")
    if stated is not None:
        share = OFF_PLANE_MM / sod_mm
        return float(np.mean(stated.value)), Scale(
            PATIENT_PLANE, share, share, f"{stated.source}, of the patient's plane"
        )
    share = USUAL_SIZE_SD
    return _by_boxes(boxes_px), Scale(POPULATION, share, share, "the usual size of lumbar vertebrae")


def _mark_sd(mark: Mark, sod_mm: float) -> float:
    return math.hypot(END_PX / mark.length_px, OFF_PLANE_MM / sod_mm)


def _by_boxes(boxes_px: Mapping[str, tuple[float, ...]]) -> float:
    """mm in a pixel, so that the vertebrae are as tall as usual; L5, which is tilted, only where it is alone."""
    upright = {level: box for level, box in boxes_px.items() if level != "L5"} or boxes_px
    found = []
    for level, (_, v0, _, v1) in upright.items():
        height_mm = float(np.ptp(load_template().means[LEVELS.index(level)][:, 2])) * math.exp(SIZE[level])
        found.append(TILTED * height_mm / (v1 - v0))
    return float(np.median(found))


def _completed(known: Mapping[str, object], pixel_mm: float) -> dict[str, object]:
    """Those of the three lengths that are missing, where a pixel is so large at the spine."""
    sod_mm, spacing = known.get("sod_mm"), known.get("pixel_spacing_mm")
    if sod_mm is not None and spacing is not None:
        return {"sdd_mm": sod_mm * float(np.mean(spacing)) / pixel_mm}
    sdd_mm = known.get("sdd_mm", USUAL_SDD_MM)
    found = {} if "sdd_mm" in known else {"sdd_mm": sdd_mm}
    if sod_mm is None:
        sod_mm = USUAL_SOD_SHARE * sdd_mm if spacing is None else sdd_mm * pixel_mm / float(np.mean(spacing))
        found["sod_mm"] = sod_mm
    if "pixel_spacing_mm" not in known:
        found["pixel_spacing_mm"] = (pixel_mm * sdd_mm / sod_mm,) * 2
    return found
