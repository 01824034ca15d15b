"""The main job on the bundled real case: three radiographs of one vertebra, its surface from each, and how well each
fits the CT segmentation it came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.evaluation.overview_figure import Scene, demo_picture
from ReVertLib.files import check_folder, made_folder, write_json
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.imaging.labels import label_centre_lps, label_mesh, read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.mesh.io import write_mesh
from ReVertLib.metrics.compare import baseline_metrics, compare, comparison_report
from ReVertLib.metrics.surface import SurfaceMetrics
from ReVertLib.progress import log
from ReVertLib.registration.icp import RIGID_ALIGNMENTS
from ReVertLib.resources import SAMPLE_FOLDER

from .paths import check_apart, image_files, weights_files

SAMPLE_LABEL = 22
SAMPLE_VIEWS = {"ap": 0.0, "oblique": 25.0, "lateral": 90.0}
"""Yaw in degrees of the bundled radiographs, `verse008_L3_<view>.png`."""

PICTURED = "ap"


def reconstruct_sample(out: Path, weights: Path | None, device: str) -> None:
    """Writes OUT/verse008_L3_<view>.stl and .png (radiograph, surface, figures) and OUT/report.json, and logs the
    table. Raises InputError when OUT cannot be written or the weights cannot be used."""
    check_folder(out)
    films = [file for view in SAMPLE_VIEWS for file in image_files(SAMPLE_FOLDER / f"verse008_L3_{view}.png")]
    written = [out / f"verse008_L3_{view}{suffix}" for view in SAMPLE_VIEWS for suffix in (".stl", ".png")]
    outputs = [("output", path) for path in (*written, out / "report.json")]
    check_apart(outputs, [*films, *weights_files(weights)])
    predictor = Predictor(weights, device)
    made_folder(out)
    labels = read_label_map(SAMPLE_FOLDER / "segmentation.nii.gz")
    centre, truth_lps = label_centre_lps(labels, SAMPLE_LABEL), label_mesh(labels, SAMPLE_LABEL)
    log.info("vertebra L3 of VerSe case verse008, which no weights were trained on; truth: its CT segmentation")
    log.info(f"{'radiograph':12}{'alignment':13}{'Dice':>7}{'HD95 mm':>9}{'ASSD mm':>9}{'NSD@2mm':>9}")
    report, baseline = {}, baseline_metrics(baseline_mesh("L3"), truth_lps, "rigid")
    for name, yaw_deg in SAMPLE_VIEWS.items():
        pixels, geometry = sample_radiograph(name)
        view = camera_from_lps(view_rotation(yaw_deg), centre, geometry.sod_mm)
        truth = truth_lps.moved(view)
        predictor.reconstruct(pixels, geometry)  # the first answer of a session also pays for warming up
        result = predictor.reconstruct(pixels, geometry)
        found = {mode: compare(result.mesh, truth, mode, "L3") for mode in RIGID_ALIGNMENTS}
        found = {m: replace(c, baseline=baseline, baseline_mode="rigid") for m, c in found.items()}
        for mode, comparison in found.items():
            log.info(_row(name, mode, comparison.metrics))
        report[name] = {"milliseconds": 1000 * result.seconds} | {m: comparison_report(c) for m, c in found.items()}
        path = out / f"verse008_L3_{name}.stl"
        write_mesh(result.mesh, path, frame="camera")
        scene = Scene(pixels, geometry, result.mesh, truth, found["rigid"], view)
        demo_picture(path.with_suffix(".png"), scene, _title(name, 1000 * result.seconds, predictor))
    log.info(_row("no image", "rigid", baseline) + "   <- baseline: the mean vertebra of 87 patients")
    write_json(out / "report.json", {"weights_sha256": predictor.weights_sha256, "views": report})
    log.info(
        f"surfaces, pictures and report.json are in {out}; the picture to look at first is verse008_L3_{PICTURED}.png"
    )


def sample_radiograph(view: str) -> tuple[np.ndarray, Geometry]:
    """Pixels (rows, columns) and geometry of one of the bundled radiographs."""
    path = SAMPLE_FOLDER / f"verse008_L3_{view}.png"
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
