"""`revert.drr`: a CT to radiographs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.imaging.label_numbers import vertebra_of
from ReVertLib.imaging.labels import check_is_vertebra
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.drr import Drr, DrrView, Scan, Vertebra, c_arm

from .forms import VolumeLike, volume_of

ViewLike: TypeAlias = "DrrView | float | Sequence[float] | Mapping[str, float]"


def drr(
    ct: VolumeLike,
    labels: VolumeLike | None = None,
    *,
    views: Iterable[ViewLike] = (0.0,),
    label: int | None = None,
    context: bool = False,
    centre_lps: Sequence[float] | None = None,
    size_px: int = 224,
    sdd_mm: float = 1020.0,
    sod_mm: float = 600.0,
    pixel_spacing_mm: float | None = None,
    scheme: str | None = None,
) -> list[Drr]:
    """Radiographs computed from a CT by Joseph's method (IEEE Trans. Med. Imaging 1:192, 1982), one for each view.

    ct, labels: files (NIfTI, NRRD, MHA), `Volume`s, or (array (k, j, i), ijk_to_lps (4, 4)), the CT in Hounsfield
    units, both on one grid. With labels the vertebra of `label` (VerSe: L1..L5 = 20..24; may be left out where there is
    only one) is seen alone, or with context amid the whole CT, its centroid at depth sod_mm; each result has its true
    surface, level and box. Without labels the whole CT is seen, centre_lps (3,) mm, default the middle of the CT, at
    that depth.

    views: each a yaw in degrees, or (yaw, pitch, roll), or a dict of yaw_deg, pitch_deg and roll_deg, or a `DrrView`.
    0 is AP; yaw turns the beam about the patient's superior axis (90: it runs to the patient's right), pitch about the
    camera's X, roll about the beam. size_px: rows and columns. sdd_mm, sod_mm: source to detector and to the centre.
    pixel_spacing_mm: at the detector; default, so that the image covers 130 mm at the centre. scheme: whose numbers the
    labels have, "verse", "totalsegmentator-v1" or "totalsegmentator-v2"; default, as their order, distances and sizes
    tell.

    A result's `pixels` are (rows, columns) uint16, bone bright, proportional to the line integral; `geometry` and
    `mesh` (camera frame, mm; None without labels) go with them, `camera_from_lps` is the view.

    Raises InputError for volumes, labels, views or distances that cannot be used.
    """
    seen_from = [_view(view) for view in views]
    camera = c_arm(size_px, sdd_mm, sod_mm, pixel_spacing_mm)
    if labels is None and label is not None:
        raise InputError(f"label: expected none without labels, got {label}")
    if labels is not None and centre_lps is not None:
        raise InputError("centre_lps: expected none with labels, whose centroid is the centre")
    volume = volume_of(ct, "CT")
    if labels is None:
        subject = Scan(volume, centre_lps)
    else:
        masks = volume_of(labels, "labels")
        label = _only_label(masks) if label is None else label
        name = os.path.basename(labels) if isinstance(labels, str | os.PathLike) else "the label map"
        check_is_vertebra(masks, label)
        subject = Vertebra(volume, masks, label, context, vertebra_of(masks, label, name, scheme))
    return [subject.drr(view, camera, (size_px, size_px)) for view in seen_from]


def _only_label(labels: Volume) -> int:
    present = [int(value) for value in np.unique(labels.array) if value]
    if len(present) != 1:
        raise InputError(f"label: expected one of {', '.join(map(str, present)) or 'a map with labels'}, got none")
    return present[0]


def _view(view: ViewLike) -> DrrView:
    """A view in any accepted form. Raises InputError for others."""
    if isinstance(view, DrrView):
        return view
    try:
        if isinstance(view, Mapping):
            return DrrView(**{name: float(angle) for name, angle in view.items()})
        return DrrView(*map(float, np.atleast_1d(view)))
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        expected = "a yaw, (yaw, pitch, roll) or a dict of yaw_deg, pitch_deg and roll_deg"
        raise InputError(f"view: expected {expected}, got {str(view)[:60]}") from error
