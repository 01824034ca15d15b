"""A folder of radiographs to a folder of surfaces, pages and one table, in which nobody is named.

The files are numbered in the order of the images' names: 0001.stl, 0001.html, ...; table.csv says which number is which
image by the beginning of the SHA-256 of its file. Each is made in a folder of its own inside the output, and moved to
its place when it is whole: whoever stops the process takes that folder away, and nothing unfinished is left.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.files import check_folder, made_folder, whole_file
from ReVertLib.geometry.sidecar import without_options
from ReVertLib.inference.inputs import ReconstructionInput, input_from_file
from ReVertLib.inference.results import About, Reconstruction
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.mesh import mesh_volume_mm3

from .many_images import reconstruct_each, without_file_names

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor

TABLE = "table.csv"
COLUMNS = (
    "number",
    "image_sha256",
    "level",
    "verdict",
    "reason",
    "expected_error_mm",
    "volume_mm3",
    "sdd_mm",
    "sod_mm",
    "weights_sha256",
)
_DIGITS = 12


def reconstruct_folder(
    predictor: Predictor, about: About, folder: Path, output: Path, unfinished: Path, say: Callable[[int, int], None]
) -> dict:
    """{"done": how many, "failed": reasons by name} of the images in folder, each with a sidecar or DICOM tags.

    unfinished: a folder inside output for what is being written. say: is told the index of each image as it begins, and
    how many there are. Raises InputError for a folder without images and an output that cannot be written.
    """
    from ReVertLib.imaging.radiograph import radiographs_in

    if not folder.is_dir():
        raise InputError("radiographs: expected an existing folder, got none")
    check_folder(output)
    images = radiographs_in(folder)
    if not images:
        raise InputError("radiographs: expected a folder with images (PNG, TIFF, JPEG, DICOM, ...), got none in it")
    made_folder(output)
    made_folder(unfinished)
    rows: dict[int, dict] = {}

    def read(path: Path) -> ReconstructionInput:
        say(images.index(path), len(images))
        return input_from_file(path, {}, "given")

    def keep(index: int, given: ReconstructionInput, found: Reconstruction) -> None:
        _write(index, given, found, about, unfinished, output)
        rows[index] = _row(index, images[index], found, about)
        _write_table(rows, unfinished, output)

    reasons = reconstruct_each(images, read, lambda: predictor, keep).reasons
    failed = {name: without_options(reason) for name, reason in reasons.items()}
    for index, path in enumerate(images):
        if path.name in failed:
            rows[index] = _empty_row(index, path, without_file_names(failed[path.name], path))
    _write_table(rows, unfinished, output)
    shutil.rmtree(unfinished)
    return {"done": len(images) - len(failed), "failed": failed}


def _write(
    index: int, given: ReconstructionInput, found: Reconstruction, about: About, unfinished: Path, output: Path
) -> None:
    """The surface, in the camera frame, and the page of one image."""
    from ReVertLib.report.films import film_of
    from ReVertLib.report.page import Page

    page = Page()
    page.add(film_of(given, found), f"Radiograph {index + 1}")
    surface, report = f"{index + 1:04}.stl", f"{index + 1:04}.html"
    write_mesh(found.mesh, unfinished / surface, found.point_arrays, "camera")
    page.write(unfinished / report, about)
    for name in (surface, report):
        os.replace(unfinished / name, output / name)


def _row(index: int, image: Path, found: Reconstruction, about: About) -> dict:
    judged, expected = verdict(found), found.expected_error_mm
    return _empty_row(index, image, judged.reason) | {
        "level": found.geometry.level or "",
        "verdict": judged.word,
        "expected_error_mm": "" if expected is None else f"{np.mean(expected):.3f}",
        "volume_mm3": f"{mesh_volume_mm3(found.mesh):.0f}",
        "sdd_mm": f"{found.geometry.sdd_mm:g}",
        "sod_mm": f"{found.geometry.sod_mm:g}",
        "weights_sha256": about.weights_sha256,
    }


def _empty_row(index: int, image: Path, reason: str) -> dict:
    digest = hashlib.sha256(image.read_bytes()).hexdigest()[:_DIGITS] if os.access(image, os.R_OK) else ""
    empty = dict.fromkeys(COLUMNS, "")
    return empty | {"number": index + 1, "image_sha256": digest, "verdict": "not reconstructed", "reason": reason}


def _write_table(rows: dict[int, dict], unfinished: Path, output: Path) -> None:
    with whole_file(unfinished / TABLE) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows[index] for index in sorted(rows))
    os.replace(unfinished / TABLE, output / TABLE)
