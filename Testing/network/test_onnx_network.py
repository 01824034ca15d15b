"""ONNX Runtime answers as torch does, to what ships with the library, and leaves to torch what no graph ships for."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tiny
from sample_case import SAMPLE_VIEWS, sample_radiograph

from ReVertLib.errors import InputError
from ReVertLib.imaging.crop import crop_vertebra
from ReVertLib.network import answering as answering_module
from ReVertLib.network import onnx_network as onnx_module
from ReVertLib.network.answering import answering
from ReVertLib.network.film_cells import MULTIPLE_PX
from ReVertLib.network.folding import folded
from ReVertLib.network.onnx_network import OnnxContext, OnnxFinder, can_compute, onnx_network
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.weights import filled_network
from ReVertLib.network.weights_file import read_weights
from ReVertLib.resources import FINDER_FILE

pytest.importorskip("onnxruntime")

TOLERANCE_MM = 1e-3


@pytest.fixture(scope="module")
def networks():
    """The shipped one, by ONNX Runtime and by torch."""
    file = read_weights()
    return onnx_network(file), folded(filled_network(file).network)


@pytest.fixture(scope="module")
def crops():
    given = [sample_radiograph(view) for view in SAMPLE_VIEWS]
    return [crop_vertebra(*one) for one in given], [geometry for _, geometry in given]


def assert_same(found, expected):
    assert np.abs(found.mesh.vertices - expected.mesh.vertices).max() < TOLERANCE_MM
    assert np.abs(found.expected_error_mm - expected.expected_error_mm).max() < TOLERANCE_MM
    assert np.abs(found.error_parts.bound_mm - expected.error_parts.bound_mm).max() < TOLERANCE_MM
    assert found.out_of_distribution == pytest.approx(expected.out_of_distribution, abs=1e-4)
    assert np.array_equal(found.silhouette, expected.silhouette)
    assert (found.yaw_deg, found.probability) == (expected.yaw_deg, pytest.approx(expected.probability, abs=1e-4))


def test_several_crops_of_one_batch(networks, crops):
    found, expected = (network.reconstruct_all(*crops) for network in networks)
    assert np.abs(found[0].mesh.vertices - found[1].mesh.vertices).max() > 5.0
    for pair in zip(found, expected, strict=True):
        assert_same(*pair)


def test_unknown_levels_and_views(networks, crops):
    """One crop of a lateral, which is seen from the left or from the right."""
    crop, geometry = crops[0][1], replace(crops[1][1], level=None, view_deg=None)
    (found,), (expected,) = (network.reconstruct_all([crop], [geometry]) for network in networks)
    assert_same(found, expected)
    assert (found.other is None) == (expected.other is None)
    if expected.other is not None:
        assert_same(found.other, expected.other)


@pytest.mark.parametrize("shape", [(3 * MULTIPLE_PX, 3 * MULTIPLE_PX), (7 * MULTIPLE_PX, 4 * MULTIPLE_PX)])
def test_films_of_any_size(shape):
    file = read_weights(FINDER_FILE)
    image = np.random.default_rng(0).random(shape, np.float32)
    there = np.ones(shape, bool)
    there[:20] = False
    image *= there
    found, expected = (network.look(image, there) for network in (OnnxFinder(file), filled_network(file).network))
    for name, values in vars(expected).items():
        assert np.abs(getattr(found, name) - values).max() < 1e-3, name


def test_which_of_both_computes(tmp_path, monkeypatch):
    """Other sizes, and another kind of network, are left to torch; all is, where ONNX Runtime is not installed."""
    assert isinstance(answering(None, "cpu").network, OnnxContext)
    assert isinstance(answering(FINDER_FILE, "cpu").network, OnnxFinder)
    for architecture in ("context", "template"):
        assert isinstance(answering(tiny.weights(tmp_path, architecture), "cpu").network, TemplateNetwork)
    assert can_compute(read_weights())
    monkeypatch.setattr(onnx_module, "find_spec", lambda name: None)
    assert isinstance(answering(None, "cpu").network, TemplateNetwork)
    monkeypatch.setattr(answering_module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"context.safetensors: expected the Python package onnxruntime or torch"):
        answering(None, "cpu")


def test_tensors_of_another_network_are_refused(monkeypatch):
    file = read_weights(FINDER_FILE)
    kept = {name: tensor for name, tensor in file.tensors.items() if name != "spread.bias"}
    for tensors in (kept, kept | {"spread.bias": np.zeros(3, np.float32)}):
        with pytest.raises(
            InputError, match=r"finder.safetensors: expected the tensors of its .* different 'spread.bias'"
        ):
            onnx_network(replace(file, tensors=tensors))


WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder

class WithoutTorch(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] == "torch" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutTorch
import numpy as np
import ReVertLib as revert
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar
from ReVertLib.resources import FILM_FOLDER, SAMPLE_FOLDER
from ReVertLib.service.service import Service

image = SAMPLE_FOLDER / "verse008_L3_ap.png"
found = revert.reconstruct(image)
assert found.device == "cpu" and found.expected_error_mm.mean() < 2
film = revert.film(FILM_FOLDER / "film_ap.png", boxes=None)
assert [one.level for one in film.levels] == ["L1", "L2", "L3", "L4", "L5"], film
service = Service(device="cpu")
service.load()
from ReVertLib.imaging.radiograph import read_radiograph
pixels = read_radiograph(image).pixels
geometry = complete_geometry(read_sidecar(image.with_suffix(".json")), pixels.shape[::-1])
(outcome,) = service.reconstruct(pixels, [geometry])
assert np.abs(outcome.reconstruction.mesh.vertices - found.mesh.vertices).max() < 1e-3
assert "onnxruntime" in service.about.versions and "torch" not in service.about.versions
assert outcome.measurements is not None
"""


def test_a_user_needs_no_torch(root):
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
