"""The main job on the bundled real case: three radiographs of one vertebra, its surface from each, and how well each
fits the CT segmentation it came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .compare import compare, comparison_report
from .files import made_folder, whole_file
from .geometry import Geometry, camera_from_lps, complete_geometry, place_in_camera, read_sidecar, sidecar_path
from .mesh import Mesh, write_mesh
from .metrics import SurfaceMetrics
from .pictures import Scene, demo_picture
from .predict import Predictor
from .radiograph import read_radiograph
from .template import RESOURCES, control_mesh
from .volume import label_centre_lps, label_mesh, read_label_map

SAMPLE = RESOURCES / "sample"
SAMPLE_LABEL = 22
SAMPLE_VIEWS = {"ap": 0.0, "oblique": 25.0, "lateral": 90.0}
"""Yaw in degrees of the bundled radiographs, `verse008_L3_<view>.png`."""

PICTURED = "ap"
ALIGNMENTS_SHOWN = ("none", "translation", "rigid")


def run_demo(out: Path, weights: Path | None, device: str, say: Callable[[str], None]) -> None:
    """Writes OUT/verse008_L3_<view>.stl and .png (radiograph, surface, figures) and OUT/report.json, and says the
    table. Raises InputError when OUT cannot be written or the weights cannot be used."""
    made_folder(out)
    predictor = Predictor(weights, device)
    labels = read_label_map(SAMPLE / "segmentation.nii.gz")
    centre, truth_lps = label_centre_lps(labels, SAMPLE_LABEL), label_mesh(labels, SAMPLE_LABEL)
    say("vertebra L3 of VerSe case verse008, which no weights were trained on; truth: its CT segmentation")
    say(f"{'radiograph':12}{'alignment':13}{'Dice':>7}{'HD95 mm':>9}{'ASSD mm':>9}{'NSD@2mm':>9}")
    report, control = {}, control_mesh("L3")
    for view, yaw_deg in SAMPLE_VIEWS.items():
        pixels, geometry = sample_radiograph(view)
        rotation = camera_from_lps(yaw_deg)
        truth = Mesh(place_in_camera(truth_lps.vertices, centre, rotation, geometry.sod_mm), truth_lps.faces)
        predictor.reconstruct(pixels, geometry)  # the first answer of a session also pays for warming up
        result = predictor.reconstruct(pixels, geometry)
        found = {mode: compare(result.mesh, truth, mode, "L3", control) for mode in ALIGNMENTS_SHOWN}
        for mode, comparison in found.items():
            say(_row(view, mode, comparison.metrics))
        report[view] = {"milliseconds": 1000 * result.seconds} | {m: comparison_report(c) for m, c in found.items()}
        path = out / f"verse008_L3_{view}.stl"
        write_mesh(result.mesh, path)
        scene = Scene(pixels, geometry, result.mesh, truth, found["rigid"], rotation)
        demo_picture(path.with_suffix(".png"), scene, _title(view, 1000 * result.seconds, predictor))
    say(_row("no image", "rigid", found["rigid"].control) + "   <- control: the mean vertebra of 87 patients")
    with whole_file(out / "report.json") as temporary:
        temporary.write_text(json.dumps({"weights_sha256": predictor.weights_sha256, "views": report}, indent=1) + "\n")
    say(f"surfaces, pictures and report.json are in {out}; the picture to look at first is verse008_L3_{PICTURED}.png")


def sample_radiograph(view: str) -> tuple[np.ndarray, Geometry]:
    """Pixels (rows, columns) and geometry of one of the bundled radiographs."""
    path = SAMPLE / f"verse008_L3_{view}.png"
    radiograph = read_radiograph(path)
    return radiograph.pixels, complete_geometry(read_sidecar(sidecar_path(path)), radiograph.pixels.shape[::-1])


def _row(name: str, mode: str, metrics: SurfaceMetrics) -> str:
    figures = f"{metrics.dice:7.3f}{metrics.hd95_mm:9.2f}{metrics.assd_mm:9.2f}{metrics.nsd_2mm:9.3f}"
    return f"{name:12}{mode:13}{figures}"


def _title(view: str, milliseconds: float, predictor: Predictor) -> tuple[str, ...]:
    return (
        f"L3 from one {view.upper() if view == 'ap' else view} radiograph",
        f"VerSe case verse008, held out of training; {milliseconds:.0f} ms on {predictor.device}",
    )
