"""What there is to say of a registration, as plain data, and its transforms as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import SimpleITK as sitk

from ReVertLib.errors import InputError, one_line
from ReVertLib.files import utf8_name, whole_file
from ReVertLib.geometry.sidecar import sidecar_values
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import VIEW_ANGLES, view_angles
from ReVertLib.mesh.silhouette import outlines
from ReVertLib.report.pictures import film_picture
from ReVertLib.report.style import DRAWN, film_figure
from ReVertLib.spine.inputs import FilmInput

from .records import ACCEPTED, CtRegistration, RegisteredVertebra


def registration_report(given: Sequence[FilmInput], found: CtRegistration) -> dict:
    """For `json.dumps`, without names of people or files. Matrices are (4, 4), from the CT's LPS frame to the first
    image's camera frame, mm; given: the films."""
    second = found.second_from_first
    return {
        "frame": "camera of the first image, mm",
        "geometries": [sidecar_values(one.geometry) for one in given],
        "sources": [dict(one.sources) for one in given],
        "second_from_first": None if second is None else second.matrix.tolist(),
        "vertebrae": {one.level: _vertebra(one) for one in found.vertebrae},
        "seconds": round(found.seconds, 2),
        "warnings": [*(note for one in given for note in one.notes), *found.warnings],
    }


def registration_drawing(given: FilmInput, found: CtRegistration) -> str:
    """The first film with the outlines of the CT's vertebrae where they were laid, as an SVG file's text."""
    pixels, named = given.radiograph.pixels, []
    for one in found.vertebrae:
        lines = outlines(one.mesh, given.geometry, pixels.shape[::-1])
        name = one.level if one.judgement.word == ACCEPTED else f"{one.level} {one.judgement.word}"
        named += [(name, line) for line in lines]
    picture = film_picture(pixels, [line for _, line in named])
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{film_figure(picture, named, DRAWN)}\n"


def _vertebra(one: RegisteredVertebra) -> dict:
    moved = one.camera_from_lps @ one.start.inverse
    centre = one.mesh.vertices.mean(0, keepdims=True)
    return {
        "camera_from_ct": one.camera_from_lps.matrix.tolist(),
        "start": one.start.matrix.tolist(),
        "moved_mm": (centre - moved.inverse.apply(centre))[0].tolist(),
        "turned_deg": moved.angle_deg,
        "view": dict(zip(VIEW_ANGLES, view_angles(one.camera_from_lps.rotation), strict=True)),
        "expected_error": asdict(one.expected),
        "projected_error_mm": {
            "mean": float(one.projected_error_mm.mean()),
            "most": float(one.projected_error_mm.max()),
        },
        "judgement": asdict(one.judgement),
        "capture_range": one.capture,
    }


def write_transform(path: Path, camera_from_lps: RigidTransform) -> None:
    """A .tfm of ITK. Such files map points of the space that is moved into back to where they are from: 3D Slicer,
    which reads them so, moves what is put under the transform from the CT's place to the camera's frame."""
    back = camera_from_lps.inverse
    transform = sitk.AffineTransform(back.rotation.ravel().tolist(), back.translation_mm.tolist())
    with whole_file(path) as temporary:
        try:
            sitk.WriteTransform(transform, utf8_name(temporary))
        except RuntimeError as error:
            raise InputError(f"output {path.name}: expected to be written, got {one_line(error)[:120]}") from error
