"""What is measured of several vertebrae in one frame, from their landmarks.

Angles are those of the endplates' normals projected on planes of the person: `left` is the mean of the vertebrae's own,
`up` runs from the lowest body to the highest, across it. Lordosis and the coronal angle are Cobb's (Instr Course Lect
1948, 5:261-275), between endplates that are known: no others of the curve are. Disc heights are taken at the corners of
the endplates, as by Frobin et al. (Clin Biomech 1997, 12 Suppl 1:S1-S63), but along the disc's axis; the slip and its
share of the endplate's depth are Taillard's (Acta Orthop Scand 1954, 24:115-144); rotation is told by the pedicles
(Stokes et al., Spine 1986, 11(3):213-218). Arrays as in `vertebra`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .vertebra import Vertebra, across, degrees, dot, unit

HEIGHTS = ("anterior", "middle", "posterior")


def disc_values(above: Vertebra, below: Vertebra) -> dict[str, np.ndarray]:
    """By name of `records.DISC_TERMS`, values (...) of two neighbours."""
    heights = _disc_heights(above, below)
    tilt = {(one, plate): _sagittal_tilt(one, plate, below) for one in (above, below) for plate in ("upper", "lower")}
    apart = above.rim("lower", "posterior") - below.rim("upper", "posterior")
    backward = unit(across(below.back, below.normals["upper"]))
    slip = -dot(apart, backward)
    return {
        **{f"{where} disc height": heights[where] for where in HEIGHTS},
        "disc angle": tilt[above, "lower"] - tilt[below, "upper"],
        "segment lordosis": tilt[above, "upper"] - tilt[below, "lower"],
        "slip": slip,
        "slip share": 100 * slip / below.depth("upper"),
        "axial rotation": degrees(dot(above.left, below.back), dot(above.left, below.left)),
    }


def spine_values(vertebrae: Mapping[str, Vertebra]) -> dict[str, np.ndarray]:
    """By name of `records.SPINE_TERMS`, values (...) of two or more vertebrae, from head to feet."""
    first, *_, last = vertebrae.values()
    left, up = _axes(list(vertebrae.values()))
    back = np.cross(up, left)
    lordosis = _tilt(first.normals["upper"], back, up) - _tilt(last.normals["lower"], back, up)
    return {"lordosis": lordosis, "coronal Cobb angle": _cobb_deg(list(vertebrae.values()), left, up)}


def beam_values(vertebra: Vertebra) -> dict[str, np.ndarray]:
    """The rotation of a vertebra against the beam, in the camera's frame: the yaw that it is seen from."""
    beam = unit(vertebra.centre)
    return {"rotation against the beam": degrees(-dot(beam, vertebra.left), dot(beam, vertebra.back))}


def _disc_heights(above: Vertebra, below: Vertebra) -> dict[str, np.ndarray]:
    axis = unit(above.normals["lower"] + below.normals["upper"])
    apart = {where: above.rim("lower", where) - below.rim("upper", where) for where in ("anterior", "posterior")}
    apart["middle"] = above.one("lower middle") - below.one("upper middle")
    return {where: dot(apart[where], axis) for where in HEIGHTS}


def _sagittal_tilt(one: Vertebra, plate: str, below: Vertebra) -> np.ndarray:
    return _tilt(one.normals[plate], below.back, below.up)


def _tilt(normal: np.ndarray, toward: np.ndarray, up: np.ndarray) -> np.ndarray:
    return degrees(dot(normal, toward), dot(normal, up))


def _axes(vertebrae: list[Vertebra]) -> tuple[np.ndarray, np.ndarray]:
    left = unit(np.sum([one.left for one in vertebrae], axis=0))
    return left, unit(across(vertebrae[0].centre - vertebrae[-1].centre, left))


def _cobb_deg(vertebrae: list[Vertebra], left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(...) between the upper endplate of one vertebra and the lower one of another below it, the two that are tilted
    most against each other in the first of the arrays' entries; positive: convex to the left."""
    tilts = [(_tilt(one.normals["upper"], left, up), _tilt(one.normals["lower"], left, up)) for one in vertebrae]
    pairs = [(lower, upper) for i, (upper, _) in enumerate(tilts) for _, lower in tilts[i + 1 :]]
    angles = [lower - upper for lower, upper in pairs]
    return max(angles, key=lambda angle: abs(float(np.ravel(angle)[0])))
