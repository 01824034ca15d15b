"""What is measured, in words, and the results: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

POINT, DIRECTION, LENGTH, ANGLE, SHARE = "point", "direction", "length", "angle", "share"
UNITS = {POINT: "mm", DIRECTION: "degrees", LENGTH: "mm", ANGLE: "degrees", SHARE: "%"}
"""Of the deviation of each kind, and of its value where that is a number."""
LIMITS = {"mm": 2.0, "degrees": 5.0, "%": 5.0}
"""A measurement whose deviation is greater is not worth a look. 2 mm and 5 degrees are what pedicle screws may be off
(Gertzbein and Robbins, Spine 1990, 15(1):11-14); a slip of 5 % is 2 mm."""


@dataclass(frozen=True)
class Term:
    """kind: one of UNITS. text: its definition."""

    kind: str
    text: str


def _of_plates() -> dict[str, Term]:
    found = {}
    for plate in ("upper", "lower"):
        found |= {
            f"{plate} endplate centre": Term(POINT, "mean of 12 points spread over it"),
            f"{plate} endplate normal": Term(DIRECTION, "of the plane nearest to these, up the spine"),
            f"{plate} endplate width": Term(LENGTH, "between its left and right corner"),
            f"{plate} endplate depth": Term(LENGTH, "between its anterior and posterior corner in the midline"),
        }
    return found


def _of_pedicles() -> dict[str, Term]:
    found = {}
    for side in ("left", "right"):
        found |= {
            f"{side} pedicle entry": Term(POINT, "where the pedicle's axis comes out of the posterior surface"),
            f"{side} pedicle axis": Term(
                DIRECTION, "through the centres of its wall around the isthmus, into the body"
            ),
            f"{side} pedicle length": Term(LENGTH, "along the axis from the entry to the front of the body"),
            f"{side} pedicle width": Term(LENGTH, "of the isthmus seen along the axis, where it is narrowest"),
            f"{side} pedicle height": Term(LENGTH, "of the isthmus across its width"),
            f"{side} pedicle transverse angle": Term(ANGLE, "of the axis, to the midline in front"),
            f"{side} pedicle sagittal angle": Term(ANGLE, "of the axis against the endplates, upward in front"),
            f"{side} transverse process tip": Term(POINT, "the end of the process"),
        }
    return found


VERTEBRA_TERMS = {
    **_of_plates(),
    "anterior height": Term(LENGTH, "between the anterior corners of both endplates"),
    "posterior height": Term(LENGTH, "between their posterior corners"),
    "middle height": Term(LENGTH, "between their middles"),
    **_of_pedicles(),
    "canal width": Term(LENGTH, "between the inner walls of the pedicles"),
    "canal depth": Term(LENGTH, "in the midline, from the posterior wall of the body to the lamina"),
    "spinous process tip": Term(POINT, "the end of the process"),
}
BEAM_TERMS = {"rotation against the beam": Term(ANGLE, "the yaw that the vertebra is seen from: 0 from the front")}
DISC_TERMS = {
    **{
        f"{where} disc height": Term(LENGTH, f"between the {what} of its endplates, along the disc's axis")
        for where, what in (("anterior", "anterior corners"), ("middle", "middles"), ("posterior", "posterior corners"))
    },
    "disc angle": Term(ANGLE, "between the endplates on both sides, open in front"),
    "segment lordosis": Term(ANGLE, "from the upper endplate above to the lower endplate below, open in front"),
    "slip": Term(LENGTH, "of the posterior lower corner above in front of the posterior upper corner below"),
    "slip share": Term(SHARE, "of the depth of the upper endplate below"),
    "axial rotation": Term(ANGLE, "of the one above against the one below, its front to the left"),
}
SPINE_TERMS = {
    "lordosis": Term(ANGLE, "from the upper endplate of the highest level to the lower one of the lowest"),
    "coronal Cobb angle": Term(ANGLE, "between the two endplates tilted most, the curve convex to the left"),
}


@dataclass(frozen=True)
class Measurement:
    """value: mm, degrees or %, or three numbers for points (mm) and directions (length 1). sd: standard deviation to be
    expected, of a point the distance, of a direction the angle; None where it is not known."""

    kind: str
    value: float | tuple[float, float, float]
    sd: float | None

    @property
    def unit(self) -> str:
        """Of the deviation."""
        return UNITS[self.kind]

    @property
    def worth_a_look(self) -> bool:
        """Whether its deviation is known and small enough to decide something."""
        return self.sd is not None and self.sd <= LIMITS[self.unit]

    @property
    def plain(self) -> dict:
        """For `json.dumps`."""
        digits = 4 if self.kind == DIRECTION else 2
        value = [round(x, digits) for x in self.value] if isinstance(self.value, tuple) else round(self.value, digits)
        sd = None if self.sd is None else round(self.sd, 2)
        return {"value": value, "sd": sd, "unit": self.unit, "worth_a_look": self.worth_a_look}


@dataclass(frozen=True)
class Measurements:
    """levels: by level, discs: by the two levels as "L1/L2", each by name. spine: of two or more levels."""

    levels: Mapping[str, Mapping[str, Measurement]]
    discs: Mapping[str, Mapping[str, Measurement]]
    spine: Mapping[str, Measurement]

    @property
    def plain(self) -> dict:
        """For `json.dumps`."""
        groups = {"levels": self.levels, "discs": self.discs}
        found = {key: {name: _plain(group) for name, group in of_all.items()} for key, of_all in groups.items()}
        return {**found, "spine": _plain(self.spine)}


def measurements_from(plain: Mapping) -> Measurements:
    """Those that `Measurements.plain` was made of, as it rounds them; a name that is none here is left out."""
    levels = {level: _from_plain(group, VERTEBRA_TERMS | BEAM_TERMS) for level, group in plain["levels"].items()}
    discs = {name: _from_plain(group, DISC_TERMS) for name, group in plain["discs"].items()}
    return Measurements(levels, discs, _from_plain(plain["spine"], SPINE_TERMS))


def _from_plain(group: Mapping[str, Mapping], terms: Mapping[str, Term]) -> dict[str, Measurement]:
    found = {}
    for name, one in group.items():
        if name in terms:
            value = tuple(one["value"]) if isinstance(one["value"], list) else one["value"]
            found[name] = Measurement(terms[name].kind, value, one["sd"])
    return found


def _plain(group: Mapping[str, Measurement]) -> dict:
    return {name: one.plain for name, one in group.items()}
