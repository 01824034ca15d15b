"""The main job on the bundled demo case: three computed radiographs of one vertebra, its surface from each, and how
well each fits the CT segmentation it came from. A whole film follows (demo_film.py)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.errors import InputError
from ReVertLib.evaluation.overview_figure import Scene, demo_picture
from ReVertLib.files import check_folder, made_folder, write_json
from ReVertLib.finding.finder import Finder
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
from ReVertLib.resources import DEMO_FOLDER

from .demo_film import IMAGE, film_outputs, reconstruct_film
from .paths import check_apart, image_files, weights_files

LEVEL, LABEL = "L1", 20
VIEWS = {"ap": 0.0, "oblique": 25.0, "lateral": 90.0}
"""Yaw in degrees of the bundled DRRs, `verse008_L1_<view>.png`."""

PICTURED = "ap"


def reconstruct_demo(out: Path, weights: Path | None, device: str) -> None:
    """Writes OUT/verse008_L1_<view>.stl and .png (DRR, surface, figures), the same of the film, and OUT/report.json,
    and logs the tables. Raises InputError when OUT cannot be written or the weights cannot be used."""
    check_folder(out)
    images = [file for image in (*map(_image, VIEWS), IMAGE) for file in image_files(image)]
    written = [out / f"{_image(view).stem}{suffix}" for view in VIEWS for suffix in (".stl", ".png")]
    outputs = [("output", path) for path in (*written, *film_outputs(out), out / "report.json")]
    check_apart(outputs, [*images, *weights_files(weights)])
    predictor, finder = Predictor(weights, device), Finder(None, device)
    made_folder(out)
    labels = read_label_map(DEMO_FOLDER / "segmentation.nii.gz")
    centre, truth_lps = label_centre_lps(labels, LABEL), label_mesh(labels, LABEL)
    log.info(
        f"{LEVEL} of VerSe case verse008, which no weights were trained on: radiographs computed from its CT (DRRs)"
    )
    log.info("and the surfaces found in them, each against the CT segmentation")
    log.info(f"{'DRR':12}{'alignment':13}{'Dice':>7}{'HD95 mm':>9}{'ASSD mm':>9}{'NSD@2mm':>9}")
    report, baseline = {}, baseline_metrics(baseline_mesh(LEVEL), truth_lps, "rigid")
    for name, yaw_deg in VIEWS.items():
        pixels, geometry = _radiograph(name)
        view = camera_from_lps(view_rotation(yaw_deg), centre, geometry.sod_mm)
        truth = truth_lps.moved(view)
        predictor.reconstruct(pixels, geometry)  # the first answer of a session also pays for warming up
        result = predictor.reconstruct(pixels, geometry)
        found = {mode: compare(result.mesh, truth, mode, LEVEL) for mode in RIGID_ALIGNMENTS}
        found = {m: replace(c, baseline=baseline, baseline_mode="rigid") for m, c in found.items()}
        for mode, comparison in found.items():
            log.info(_row(name, mode, comparison.metrics))
        report[name] = {"milliseconds": 1000 * result.seconds} | {m: comparison_report(c) for m, c in found.items()}
        path = out / f"{_image(name).stem}.stl"
        write_mesh(result.mesh, path, frame="camera")
        scene = Scene(pixels, geometry, result.mesh, truth, found["rigid"], view)
        demo_picture(path.with_suffix(".png"), scene, _title(name))
    log.info(_row("no image", "rigid", baseline) + "   <- baseline: the mean vertebra of 87 patients")
    log.info("")
    film = _film(out, predictor, finder)
    write_json(out / "report.json", {"weights_sha256": predictor.weights_sha256, "views": report, "film": film})
    log.info(f"surfaces, pictures and report.json are in {out}; look first at {_image(PICTURED).name} and film.png")


def _film(out: Path, predictor: Predictor, finder: Finder) -> dict | None:
    """What the report says of the film; weights that cannot take one leave it out."""
    try:
        return reconstruct_film(out, predictor, finder)
    except InputError as error:
        log.info(f"the film is left out: {error}")
        return None


def _image(view: str) -> Path:
    return DEMO_FOLDER / f"verse008_{LEVEL}_{view}.png"


def _radiograph(view: str) -> tuple[np.ndarray, Geometry]:
    """Pixels (rows, columns) and geometry of one of the bundled DRRs."""
    radiograph = read_radiograph(_image(view))
    return radiograph.pixels, complete_geometry(read_sidecar(sidecar_path(_image(view))), radiograph.pixels.shape[::-1])


def _row(name: str, mode: str, metrics: SurfaceMetrics) -> str:
    figures = f"{metrics.dice:7.3f}{metrics.hd95_mm:9.2f}{metrics.assd_mm:9.2f}{metrics.nsd_2mm:9.3f}"
    return f"{name:12}{mode:13}{figures}"


def _title(view: str) -> tuple[str, ...]:
    return (
        f"{LEVEL} from one computed {view.upper() if view == 'ap' else view} radiograph",
        "VerSe case verse008, held out of training; the image is computed from its CT",
    )
