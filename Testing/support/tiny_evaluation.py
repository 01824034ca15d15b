"""Evaluations whose every figure is written down by the test that asks for one, and networks that know the truth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from few_points import by_few_points
from log_lines import log_lines

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.evaluation import evaluate as module
from ReVertLib.evaluation.evaluate import evaluate
from ReVertLib.evaluation.measure import EvaluatedImage, EvaluatedModel, Evaluation, Row, images_of, measured_constants
from ReVertLib.evaluation.pose_error import PoseError
from ReVertLib.failures import Failures
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Reconstruction
from ReVertLib.metrics.surface import SurfaceMetrics
from ReVertLib.resources import SHAPE_MODEL_FILE
from ReVertLib.shape.best_fit import BestFit
from ReVertLib.shape.model import load_model

CAMERA = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5))
NETWORK = EvaluatedModel("network", "template", "0" * 64, None)
SPHERE = EvaluatedModel("sphere abcdef01", "sphere", "abcdef01" + "0" * 56, "model.safetensors", "7 steps of 3 samples")


def row(dice, level="L3", view="ap", answer="network", alignment="rigid", pose=(1.0, 2.0, 3.0), crossing=0.0, euler=0):
    """HD95 is ten times the Dice, in mm, and all other figures are the Dice; so a table can be told by heart."""
    metrics = SurfaceMetrics(dice, 10 * dice, dice, dice, dice, 1.0, 1.0)
    placed = PoseError(*pose) if pose else None
    return Row(f"secret_{level}", "secret", level, view, answer, alignment, metrics, placed, True, euler, crossing)


def evaluation(rows, networks=(NETWORK,), failures=(), errors_mm=None):
    """With an image for each vertebra and view of the rows."""
    places = dict.fromkeys((r.vertebra, r.case, r.level, r.view) for r in rows)
    files, view = (Path("/home/me/i.png"), Path("/home/me/m.stl")), RigidTransform.identity()
    images = tuple(EvaluatedImage(*place, *files, CAMERA, view) for place in places)
    return Evaluation("data", networks, images, tuple(rows), tuple(failures), None, errors_mm or {})


def constants(level="L3", view="ap"):
    """What every image has beside the networks' answers: baseline and best fit."""
    return [row(0.8, level, view, "baseline", pose=None), row(0.95, level, view, "best fit", pose=None)]


@pytest.fixture(scope="module", autouse=True)
def plain_model():
    """The shape model's modes as they are, few points, and what needs no answer measured once: all of it takes long."""
    model = load_model(SHAPE_MODEL_FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BestFit, "of", lambda *_: BestFit(model.means, np.moveaxis(model.modes, 0, 2)))
        patch.setattr(module, "CONSTANT_SAMPLES", 1_000)
        patch.setattr(module, "measured_constants", _constants_of)
        patch.setattr("ReVertLib.mesh.render._OVERSAMPLED", 1)
        by_few_points(patch)
        yield


_known = {}


def _constants_of(job):
    """`measured_constants`, worked out once for the same surface at the same place, whatever it is called."""
    image, _, samples = job
    place = image.mesh.read_bytes(), image.camera_from_lps.matrix.tobytes(), image.level, samples
    if place not in _known:
        _known[place] = measured_constants(job)
    names = {"vertebra": image.vertebra, "case": image.case, "view": image.view}
    return replace(_known[place], rows=tuple(replace(row, **names) for row in _known[place].rows))


@pytest.fixture
def no_scenes(monkeypatch):
    """Reports without pictures of single images, which take seconds."""
    monkeypatch.setattr(module, "scene_of", lambda *_: None)
    monkeypatch.setattr("ReVertLib.evaluation.report.demo_picture", lambda *_: None)


@pytest.fixture(scope="module")
def one_image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_image")
    tiny.write_vertebra(folder, "L5", 650.0, {"ap": 0.0})
    return folder


def knowing(answer, folder, expects=None):
    """A stand-in for Predictor that knows a data set: answer(truth) to an image, the mean vertebra to a black image.
    expects: mm, the error it says of every vertex."""

    class Knowing:
        architecture, weights_sha256, training = "template", "0" * 64, ""

        def __init__(self, weights, device):
            images = [image for item in read_dataset(folder, Failures()) for image in images_of(item)]
            self.images = {image.geometry.sod_mm: image for image in images}

        def reconstruct(self, pixels, geometry):
            image = self.images[geometry.sod_mm]
            dark = baseline_mesh(image.level).moved(RigidTransform(view_rotation(), np.array([0, 0, geometry.sod_mm])))
            mesh = answer(image.truth) if pixels.any() else dark
            return Reconstruction(mesh, geometry, 0.0, (), expects and np.full(len(mesh.vertices), expects))

    return Knowing


def run(folder, answer, expects=None, **options):
    with pytest.MonkeyPatch.context() as patch, log_lines() as lines:
        patch.setattr(module, "Predictor", knowing(answer, folder, expects))
        result = evaluate(folder, None, samples=1_000, **({"workers": 1} | options))
    return result, lines


def rows_of(result, answer, alignment=None):
    return [row for row in result.rows if row.answer == answer and alignment in (None, row.alignment)]
