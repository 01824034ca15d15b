"""The work by name: what is answered, what is refused, and what is told on the way."""

import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from importlib.metadata import version

import numpy as np
import pytest
import torch  # noqa: F401 - its version is said
from few_points import few_points  # noqa: F401
from tiny import CUBE, weights

from ReVertLib import __version__
from ReVertLib.anatomy.template import baseline_mesh, load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import SimilarityTransform
from ReVertLib.imaging.labels import mesh_from_mask
from ReVertLib.imaging.volume import Volume
from ReVertLib.inference.predictor import Predictor
from ReVertLib.inference.results import Outcome, Reconstruction, Refusal
from ReVertLib.measurement.measure import Measured, measure
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.compare import compare
from ReVertLib.metrics.records import Mask
from ReVertLib.service.service import Service
from ReVertLib.startup import threads
from ReVertLib.synthesis.bone import voxelised

PIXELS = np.arange(100 * 120, dtype=np.uint16).reshape(100, 120)


def geometry(level="L3"):
    return Geometry(1000.0, 500.0, (1.0, 1.0), (50.0, 40.0), level, (10.0, 10.0, 90.0, 90.0))


@dataclass
class OneCube:
    """A predictor that answers with a cube of 10 mm at a depth of 500 mm, but never for L5."""

    weights_sha256: str = "1" * 64
    architecture: str = "template"
    device: str = "cpu"
    asked: list = field(default_factory=list)

    def reconstruct(self, pixels, geometry):
        self.asked.append((pixels, geometry))
        if geometry.level == "L5":
            raise InputError("box: expected a vertebra, got L5")
        return Reconstruction(
            CUBE.moved(SimilarityTransform(np.eye(3), [0, 0, 500], 10.0)), geometry, 0.1, ("a warning",)
        )


@pytest.fixture
def told():
    """What was told on the way."""
    return []


@pytest.fixture
def say(told):
    return lambda *stage: told.append(stage)


def test_each_vertebra_has_its_outcome_and_outline(say, told):
    predictor = OneCube()
    outcomes = Service(predictor=predictor).reconstruct(PIXELS, [geometry("L2"), geometry(None)], say)
    assert [outcome.reconstruction.geometry.level for outcome in outcomes] == ["L2", None]
    assert all(pixels is PIXELS for pixels, _ in predictor.asked)
    (outline,) = outcomes[0].outlines_px  # 10 mm at 500 mm are 20 pixels of 1 mm at 1000 mm
    assert outline.min(0) == pytest.approx([50, 40], abs=1)
    assert outline.max(0) == pytest.approx([70, 60], abs=1)
    assert told == [
        ("Reconstructing L2", 0, 4),
        ("Drawing the outline", 1, 4),
        ("Reconstructing the vertebra", 2, 4),
        ("Drawing the outline", 3, 4),
    ]


def test_one_that_is_refused_does_not_lose_the_others():
    asked = [geometry("L4"), geometry("L5"), geometry("L1")]
    first, refused, last = Service(predictor=OneCube()).reconstruct(PIXELS, asked)
    assert isinstance(first, Outcome)
    assert refused == Refusal(asked[1], "box: expected a vertebra, got L5")
    assert last.reconstruction.geometry == asked[2]


def test_several_are_answered_in_one_batch_where_views_are_known_and_all_can_be_used(monkeypatch):
    batches, predictor = [], OneCube()

    def reconstruct_all(pixels, geometries):
        batches.append(len(geometries))
        return [replace(predictor.reconstruct(pixels, one), seconds=0.3) for one in geometries]

    monkeypatch.setattr(OneCube, "reconstruct_all", staticmethod(reconstruct_all), raising=False)
    service, seen = Service(predictor=predictor), {"view_deg": (0.0, 0.0, 0.0)}
    found = service.reconstruct(PIXELS, [replace(geometry(level), **seen) for level in ("L1", "L2", "L3")])
    assert [one.reconstruction.geometry.level for one in found] == ["L1", "L2", "L3"]
    assert [one.reconstruction.seconds for one in found] == pytest.approx([0.1] * 3)
    assert (batches, len(predictor.asked)) == ([3], 3)
    first, refused = service.reconstruct(PIXELS, [replace(geometry(level), **seen) for level in ("L4", "L5")])
    assert (type(first), type(refused)) == (Outcome, Refusal)
    service.reconstruct(PIXELS, [geometry("L1"), geometry("L2")])
    assert batches == [3, 2]


def test_the_only_one_that_is_refused_is_an_error():
    with pytest.raises(InputError, match="box: expected a vertebra, got L5"):
        Service(predictor=OneCube()).reconstruct(PIXELS, [geometry("L5")])


def test_about_an_injected_predictor():
    about = Service(predictor=OneCube()).about
    count = threads()
    assert about.device == f"CPU ({count} thread{'s' * (count > 1)})"
    assert (about.weights_sha256, about.architecture) == ("1" * 64, "template")
    assert about.versions["revert"] == __version__
    assert about.versions["torch"] == version("torch")
    assert about.versions["numpy"] == np.__version__


def test_weights_are_loaded_once_and_warmed(tmp_path, say, told):
    path = weights(tmp_path, awake=True)
    service = Service(path, "cpu")
    service.load(say)
    loading = [("Loading the libraries", 0, 3), ("Loading the weights", 1, 3), ("Warming up", 2, 3)]
    assert told == loading
    path.unlink()
    (outcome,) = service.reconstruct(PIXELS, [geometry()], say)
    assert told == [*loading, ("Reconstructing L3", 0, 2), ("Drawing the outline", 1, 2)]
    assert service.about.architecture == "template"
    assert len(outcome.reconstruction.mesh.faces) == len(load_template().faces)


def test_it_answers_as_the_predictor_does(tmp_path):
    path = weights(tmp_path, awake=True)
    (outcome,) = Service(path, "cpu").reconstruct(PIXELS, [geometry()])
    expected = Predictor(path, "cpu").reconstruct(PIXELS.astype(np.float32), geometry())
    assert np.array_equal(outcome.reconstruction.mesh.vertices, expected.mesh.vertices)


def test_what_is_over_the_template_and_has_a_level_is_measured(tmp_path):
    service = Service(weights(tmp_path, awake=True), "cpu")
    known, unknown = service.reconstruct(PIXELS, [geometry("L4"), geometry(None)])
    there = measure({"L4": Measured(known.reconstruction.mesh.vertices)}, in_camera=True)
    assert known.measurements.levels["L4"]["canal depth"].value == there.levels["L4"]["canal depth"].value
    assert (list(known.measurements.levels), known.measurements.discs) == (["L4"], {})
    assert unknown.measurements is None
    (cube,) = Service(predictor=OneCube()).reconstruct(PIXELS, [geometry()])
    assert cube.measurements is None


def test_wrong_weights_and_missing_packages_are_the_users_to_mend(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"weights none.safetensors: expected an existing file, got none"):
        Service(tmp_path / "none.safetensors", "cpu").reconstruct(PIXELS, [geometry()])
    for package in ("torch", "onnxruntime"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=r"expected the Python package onnxruntime or torch to be installed, got none"):
        Service().reconstruct(PIXELS, [geometry()])
    monkeypatch.delitem(sys.modules, "ReVertLib.inference.predictor")
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for module in ("weights_file", "answering", "onnx_network"):
        monkeypatch.delitem(sys.modules, f"ReVertLib.network.{module}")
    with pytest.raises(InputError, match=r"Python package safetensors: expected to be installed .*, got none"):
        Service().reconstruct(PIXELS, [geometry()])


@pytest.fixture(scope="module")
def bone():
    """A mean L2 filled into voxels of 1 mm, in a larger mask, and the mean L4 beside it as the reconstruction."""
    mean = load_template().mean("L2")
    to_mm = np.eye(4)
    to_mm[:3, 3] = np.floor(mean.vertices.min(0)) - 20
    shape = np.ceil(np.ptp(mean.vertices, axis=0)).astype(int)[::-1] + 40
    mask = voxelised(mean, Volume(np.zeros(shape, np.float32), to_mm)).astype(bool)
    return load_template().mean("L4"), Mask(mask, to_mm)


def test_comparison_is_that_with_the_surface_of_the_segment(bone, say, told):
    mesh, target = bone
    found = Service().compare(mesh, target, "translation", "L1", say)
    expected = compare(mesh, mesh_from_mask(target.array, target.to_mm), "translation", "L1", baseline_mesh("L1"))
    for name in ("metrics", "baseline"):
        one, other = getattr(found, name), getattr(expected, name)
        assert one.assd_mm == pytest.approx(other.assd_mm, abs=0.01)
        assert one.dice == pytest.approx(other.dice, abs=0.005)
    assert (found.mode, found.level, found.baseline_mode) == ("translation", "L1", "rigid")
    assert found.baseline.assd_mm < found.metrics.assd_mm  # the baseline of L1 is the mean L2 itself
    assert told == [
        ("Building the surface of the segment", 0, 4),
        ("Aligning", 1, 4),
        ("Measuring", 2, 4),
        ("Measuring the baseline", 3, 4),
    ]


def test_a_mask_in_a_frame_of_its_own_is_where_its_matrix_says(bone):
    mesh, target = bone
    mirrored = np.diag([-1.0, -1.0, 1.0, 1.0])  # LPS to RAS
    there = Mask(target.array, mirrored @ target.to_mm)
    moved = Service().compare(Mesh(mesh.vertices @ mirrored[:3, :3], mesh.faces), there, "none", "L4")
    expected = Service().compare(mesh, target, "none", "L4").metrics
    assert moved.metrics.assd_mm == pytest.approx(expected.assd_mm, abs=0.02)


def test_an_empty_segment(bone):
    empty = Mask(np.zeros((4, 5, 6), bool), np.eye(4))
    with pytest.raises(InputError, match="segment: expected a filled one, got an empty segment"):
        Service().compare(bone[0], empty, "none", "L3")


def test_answers_by_name(bone, say, told):
    service = Service(predictor=OneCube())
    (outcome,) = service.answer("reconstruct", {"pixels": PIXELS, "geometries": (geometry(),)}, say)
    assert isinstance(outcome, Outcome)
    with pytest.raises(InputError, match="alignment: expected one of"):
        service.answer("compare", {"mesh": bone[0], "target": bone[1], "mode": "affine", "level": None}, say)
    assert told[0] == ("Reconstructing L3", 0, 2)
    with pytest.raises(KeyError, match="'load'"):
        service.answer("load", {})


def test_importing_it_loads_neither_torch_nor_scipy(root):
    script = "import sys, ReVertLib.service.service; print({'torch', 'scipy', 'SimpleITK'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "set()\n"), done.stderr
