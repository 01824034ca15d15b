"""Digitally reconstructed radiographs: line integrals of attenuation through a CT.

CT + label map -> attenuation (the vertebra alone, or all of the CT) -> line integrals -> 16-bit image, with the
geometry it was made with and the vertebra's true surface in the camera frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, whole_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS
from ReVertLib.geometry.plausible import check_lengths
from ReVertLib.geometry.sidecar import sidecar_path, sidecar_text
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.imaging.grey_values import MAX_SIDE_PX, MIN_SIDE_PX, quantised
from ReVertLib.imaging.image_file import write_image
from ReVertLib.imaging.labels import (
    check_is_vertebra,
    label_centre_lps,
    label_mesh,
    label_region,
    on_grid_of,
    touches_border,
)
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.io import MESH_SUFFIXES, write_mesh
from ReVertLib.mesh.mesh import Mesh

from .attenuation import attenuation
from .drr_dicom import dicom_bytes
from .projector import Projector

IMAGE_SUFFIXES = (".png", ".tif", ".tiff", ".nrrd", ".dcm")
SIZE_PX = 224
SDD_MM = 1020.0
SOD_MM = 600.0
FIELD_MM = 130.0
"""With no pixel spacing given, the image's columns cover this much at the vertebra's depth."""


@dataclass(frozen=True)
class DrrView:
    """Which way the beam runs, in degrees, as in `views.view_rotation`: all 0 is AP, yaw 90 runs to the
    patient's right."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, self.angles_deg)):
            raise InputError(f"view: expected finite angles for yaw, pitch and roll, got {self.angles_deg}")

    @property
    def angles_deg(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll."""
        return self.yaw_deg, self.pitch_deg, self.roll_deg

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) from LPS axes to camera axes."""
        return view_rotation(*self.angles_deg)


@dataclass(frozen=True)
class Drr:
    """pixels: (rows, columns) uint16, bone bright, proportional to the line integral, the maximum is 65535.
    geometry: with level and box of a vertebra. mesh: its true surface, camera frame, mm; None of a scan without labels.
    camera_from_lps: the view."""

    pixels: np.ndarray
    geometry: Geometry
    mesh: Mesh | None
    camera_from_lps: RigidTransform
    warnings: tuple[str, ...]


def c_arm(
    size_px: int = SIZE_PX, sdd_mm: float = SDD_MM, sod_mm: float = SOD_MM, pixel_spacing_mm: float | None = None
) -> Geometry:
    """The camera of a square image, the principal ray in its middle, without level and box.

    Raises InputError for a size that no radiograph has and for lengths that no system has.
    """
    if not MIN_SIDE_PX <= size_px <= MAX_SIDE_PX:
        raise InputError(f"size: expected {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels a side, got {size_px}")
    if pixel_spacing_mm is None:
        magnification = sdd_mm / sod_mm if sod_mm else 1.0  # Geometry refuses a zero distance
        pixel_spacing_mm = FIELD_MM / size_px * magnification
    camera = Geometry(sdd_mm, sod_mm, (pixel_spacing_mm,) * 2, ((size_px - 1) / 2,) * 2)
    check_lengths(camera.sdd_mm, camera.sod_mm, camera.pixel_spacing_mm)
    return camera


class Vertebra:
    """One vertebra of a CT made ready once for many DRRs: alone, or in the context of the whole CT.

    label: its number; vertebra: what it is, "L3", where that number is not VerSe's; level: "L1".."L5" or None. cut_off:
    whether it touches the CT's border.
    mesh_lps: its true surface, LPS, mm. centre_lps: (3,) what stands at sod_mm on the principal ray.
    Raises InputError when CT and labels are on different grids, the label is absent or a mere fragment, or the CT is
    empty there.
    """

    def __init__(
        self, ct: Volume, labels: Volume, label: int, context: bool = False, vertebra: str | None = None
    ) -> None:
        labels = on_grid_of(ct, labels)
        check_is_vertebra(labels, label)
        box = label_region(labels, label, 0.0)
        region = labels.cropped(*box)
        alone = attenuation(ct.cropped(*box), region.array == label)
        if not alone.array.any():
            raise InputError(f"CT: expected bone inside label {label}, got nothing but air")
        vertebra = vertebra or LEVEL_OF_LABEL.get(label)
        self.label, self.level = label, vertebra if vertebra in LEVELS else None
        self.cut_off = touches_border(labels, *box)
        self.mesh_lps = label_mesh(region, label)
        self.centre_lps = label_centre_lps(region, label)
        self._projector = Projector(attenuation(ct) if context else alone)

    def drr(self, view: DrrView, camera: Geometry, size_px: tuple[int, int]) -> Drr:
        """The DRR of size_px (columns, rows) seen by a camera, whose level and box are replaced by the vertebra's.

        Raises InputError when the vertebra reaches the source or the detector, or misses the image.
        """
        motion = camera_from_lps(view.rotation, self.centre_lps, camera.sod_mm)
        mesh = self.mesh_lps.moved(motion)
        depths_mm = mesh.vertices[:, 2] - camera.sod_mm
        near_mm, far_mm = float(depths_mm.min()), float(depths_mm.max())
        if not -near_mm < camera.sod_mm < camera.sdd_mm - far_mm:
            room = f"{-near_mm:.0f} < sod_mm < {camera.sdd_mm - far_mm:.0f} to clear source and detector"
            raise InputError(f"sod_mm: expected {room}, got {camera.sod_mm:g}")
        box, inside = _box(camera.project(mesh.vertices), size_px)
        warnings = ["the vertebra touches the CT's border: it may be cut off"] * self.cut_off
        warnings += ["the vertebra's projection leaves the image"] * (not inside)
        integrals = self._projector.line_integrals(motion, camera, size_px)
        pixels = quantised(integrals, np.uint16)
        geometry = replace(camera, level=self.level, box_px=box, view_deg=view.angles_deg)
        return Drr(pixels, geometry, mesh, motion, tuple(warnings))


class Scan:
    """A whole CT made ready once for many DRRs, without labels.

    centre_lps: (3,) what stands at sod_mm on the principal ray, mm; default the middle of the CT. Raises InputError for
    a centre that is no point.
    """

    def __init__(self, ct: Volume, centre_lps: Sequence[float] | None = None) -> None:
        self.centre_lps = np.asarray(ct.centre_lps if centre_lps is None else centre_lps, float)
        if self.centre_lps.shape != (3,) or not np.isfinite(self.centre_lps).all():
            raise InputError(f"centre_lps: expected three finite numbers, got {str(centre_lps)[:60]}")
        self._projector = Projector(attenuation(ct))

    def drr(self, view: DrrView, camera: Geometry, size_px: tuple[int, int]) -> Drr:
        """The DRR of size_px (columns, rows) seen by a camera, without level, box and surface."""
        motion = camera_from_lps(view.rotation, self.centre_lps, camera.sod_mm)
        pixels = quantised(self._projector.line_integrals(motion, camera, size_px), np.uint16)
        geometry = replace(camera, level=None, box_px=None, view_deg=view.angles_deg)
        return Drr(pixels, geometry, None, motion, ())


def _box(pixels: np.ndarray, size_px: tuple[int, int]) -> tuple[tuple[float, ...], bool]:
    """The box of whole pixels around pixels (n, 2) with a border of 1, cut to the image; and whether all of them lie
    in the image. Raises InputError when none can."""
    lower, upper = np.floor(pixels.min(0) + 0.5) - 1, np.floor(pixels.max(0) + 0.5) + 2
    limit = np.array(size_px)
    if (upper - 1 <= 0).any() or (lower + 1 >= limit).any():
        columns, rows = size_px
        got = f"columns {lower[0] + 1:.0f} to {upper[0] - 2:.0f}, rows {lower[1] + 1:.0f} to {upper[1] - 2:.0f}"
        raise InputError(f"geometry: expected the vertebra inside the {columns} x {rows} image, got it at {got}")
    inside = bool((lower + 1 >= 0).all() and (upper - 1 <= limit).all())
    return (*map(float, np.maximum(lower, 0)), *map(float, np.minimum(upper, limit))), inside


def check_drr_paths(out: str | Path, mesh_path: str | Path | None = None) -> None:
    """Raises InputError unless `write_drr` can write there."""
    image = Path(out)
    if image.suffix.lower() not in IMAGE_SUFFIXES:
        expected = ", ".join(IMAGE_SUFFIXES)
        raise InputError(f"output {image.name}: expected one of {expected}, got {image.suffix or 'no suffix'!r}")
    check_writable(image)
    check_writable(sidecar_path(image), "sidecar")
    if mesh_path is not None:
        mesh = Path(mesh_path)
        if mesh.suffix.lower() not in MESH_SUFFIXES:
            raise InputError(f"mesh {mesh.name}: expected one of {', '.join(MESH_SUFFIXES)}, got {mesh.suffix!r}")
        check_writable(mesh, "mesh")


def write_drr(drr: Drr, out: str | Path, mesh_path: str | Path | None = None) -> None:
    """Writes sidecar, mesh when a path is given, and image, each whole or not at all; the image comes last, so that
    where it lies the rest lies too. An image as DICOM has its geometry in itself, too."""
    check_drr_paths(out, mesh_path)
    with whole_file(sidecar_path(out)) as temporary:
        temporary.write_text(sidecar_text(drr.geometry))
    if mesh_path is not None:
        write_mesh(drr.mesh, mesh_path, frame="camera")
    if Path(out).suffix.lower() == ".dcm":
        with whole_file(out) as temporary:
            temporary.write_bytes(dicom_bytes(drr.pixels, drr.geometry, drr.camera_from_lps))
    else:
        write_image(sitk.GetImageFromArray(drr.pixels), out)
