"""An exported network answers in ONNX Runtime as it does in torch, for any batch."""

import json

import numpy as np
import pytest
import tiny
import torch

from ReVertLib.errors import InputError
from ReVertLib.network import onnx_program
from ReVertLib.network.context_answers import YAWS_DEG
from ReVertLib.network.onnx_export import INPUTS, OUTPUTS, export_onnx
from ReVertLib.network.weights import load_weights, save_weights
from Testing.network.test_folding import used_network

TOLERANCE_MM = 1e-3


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The weights file and the session of what was exported from it."""
    runtime = pytest.importorskip("onnxruntime")
    for name in onnx_program.NEEDED:
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("export")
    weights, out = folder / "weights.safetensors", folder / "network.onnx"
    save_weights(weights, used_network("context", error_width=8), "context", {})
    export_onnx(weights, out)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return weights, runtime.InferenceSession(out, options, providers=["CPUExecutionProvider"])


def batch(count):
    random = torch.Generator().manual_seed(count)
    view = torch.linalg.qr(torch.randn(count, 3, 3, generator=random)).Q
    image = torch.rand(count, 1, 128, 128, generator=random)
    return image, torch.arange(count) % 6, 500 + 300 * torch.rand(count, generator=random), view


@torch.no_grad()
@pytest.mark.parametrize("count", [1, 3, 7])
def test_it_answers_as_torch_does(exported, count):
    weights, session = exported
    network, arguments = load_weights(weights).network, batch(count)
    expected, sight = network(*arguments), network.sight(arguments[0])
    given = dict(zip(INPUTS, (tensor.numpy() for tensor in arguments), strict=True))
    found = dict(zip(OUTPUTS, session.run(list(OUTPUTS), given), strict=True))
    assert np.abs(found["vertices_mm"] - expected.vertices.numpy()).max() < TOLERANCE_MM
    assert np.allclose(found["expected_error_mm"], expected.expected_error_mm, rtol=1e-3)
    assert np.allclose(found["out_of_distribution"], expected.out_of_distribution, atol=1e-4)
    assert np.allclose(found["view_probability"], torch.softmax(sight.yaw, 1), atol=1e-5)
    assert np.array_equal(found["inside"] > 0.5, network.silhouettes(arguments[0]).numpy())


def test_the_file_says_whose_weights_it_holds(exported):
    weights, session = exported
    stored = session.get_modelmeta().custom_metadata_map
    assert stored["weights_sha256"] == load_weights(weights).sha256
    assert tuple(json.loads(stored["yaws_deg"])) == YAWS_DEG


@pytest.mark.parametrize(
    "architecture, message",
    [("template", "network in context, got architecture template"), ("context", "what error to expect")],
)
def test_other_weights_are_refused(tmp_path, monkeypatch, architecture, message):
    monkeypatch.setattr(onnx_program, "NEEDED", ())
    with pytest.raises(InputError, match=message):
        export_onnx(tiny.weights(tmp_path, architecture), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_program, "NEEDED", ("onnx", "no_such_package"))
    monkeypatch.setattr(onnx_program, "find_spec", lambda name: None if name == "no_such_package" else name)
    with pytest.raises(InputError, match="onnx and no_such_package to be installed, got no no_such_package"):
        export_onnx(None, tmp_path / "out.onnx")
