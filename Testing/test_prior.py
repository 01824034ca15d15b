"""Weights that get the last word of a shape model, and what they forget."""

import numpy as np
import pytest
import tiny
import torch

from ReVertLib import shape_model as shapes
from ReVertLib.checkpoint import load_weights, save_weights
from ReVertLib.errors import InputError
from ReVertLib.prior import RANK, lift_weights
from ReVertLib.shape_model import ShapeModel, Widths, save_model
from ReVertLib.template import load_template

MEANS = load_template().means.astype(float)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of one wave, 2 mm high, without fields of its own."""
    wave = 2.0 * np.sin(MEANS[2] / 20.0).astype(np.float16).astype(float)[None]
    path = tmp_path_factory.mktemp("model") / "model.npz"
    still = Widths(1.0, 0.0, 30.0, 0.0, 0.0, 25.0, 0.0, 8.0, 0.0)
    save_model(ShapeModel(MEANS, wave, still), path)
    return path


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(shapes, "LOCAL_RANK", 4)
    monkeypatch.setattr(shapes, "FIELD_RANK", 4)


def test_lifted_weights_answer_within_the_model(tmp_path, model, few):
    weights = tiny.weights(tmp_path, awake=True)
    digest = lift_weights(weights, model, tmp_path / "lifted.safetensors")
    lifted = load_weights(tmp_path / "lifted.safetensors")
    assert lifted.sha256 == digest
    assert lifted.network.options["lift_rank"] == 1 < RANK
    arguments = (torch.rand(2, 1, 128, 128), torch.tensor([2, 5]), torch.tensor([600.0, 550.0]))
    with torch.no_grad():
        before, after = load_weights(weights).network(*arguments), lifted.network(*arguments)
    assert (before.vertices - after.vertices).abs().max() > 0.5
    wave = torch.as_tensor(np.sin(MEANS[2] / 20.0)).float()
    for shape in after.shape:
        moved = shape - torch.as_tensor(MEANS[2]).float()
        size = (moved * wave).sum() / wave.square().sum()
        assert (moved - size * wave).abs().max() < 0.02
        assert size.abs() > 0.005


def test_a_judgement_of_other_surfaces_is_forgotten(tmp_path, model, few):
    path = tmp_path / "judging.safetensors"
    save_weights(path, tiny.network(error_width=6), "template", {"judgement": "{}", "domain": "{}", "data": "few"})
    lift_weights(path, model, tmp_path / "lifted.safetensors")
    lifted = load_weights(tmp_path / "lifted.safetensors")
    assert lifted.network.error_head is None
    assert lifted.metadata["data"] == "few"
    assert not {"judgement", "domain"} & set(lifted.metadata)


def test_what_cannot_be_lifted(tmp_path, model):
    with pytest.raises(InputError, match=r"output: expected a .safetensors file, got 'a.pt'"):
        lift_weights(None, model, tmp_path / "a.pt")
    with pytest.raises(InputError, match="weights: expected architecture template, got sphere"):
        lift_weights(tiny.weights(tmp_path, "sphere"), model, tmp_path / "a.safetensors")
