"""The mean of weights along a training: of finished weights and of a checkpoint's moving average alike."""

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from ReVertLib.errors import InputError
from ReVertLib.network import weights as weights_module
from ReVertLib.network.weights import build_network, load_weights, save_weights
from ReVertLib.training import average as module
from ReVertLib.training import run as run_module
from ReVertLib.training.average import average_weights, network_in_file
from ReVertLib.training.run import Run, TrainOptions


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    real = weights_module.build_network
    for where in (module, run_module):
        monkeypatch.setattr(where, "build_network", lambda name, options: real(name, options or tiny.OPTIONS[name]))


def filled(network, seed: int):
    """The network with random parameters, and running means of 1 + seed."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for values in network.parameters():
            values.copy_(torch.randn(values.shape, generator=random))
        network.encoder.stem[1].running_mean.fill_(1.0 + seed)
    return network


def test_the_mean_of_weights_and_a_checkpoint(tmp_path):
    finished = filled(tiny.network(error_width=4), 0)  # calibrated, as shipped weights are
    run = Run(TrainOptions(steps=9), torch.device("cpu"))
    filled(run.average, 1)
    save_weights(tmp_path / "finished.safetensors", finished, "template", {})
    run.save(tmp_path / "checkpoint.safetensors")
    out = tmp_path / "mean.safetensors"
    digest = average_weights([tmp_path / f"{name}.safetensors" for name in ("finished", "checkpoint")], out)
    loaded, found = load_weights(out), load_file(out)
    assert loaded.sha256 == digest
    assert loaded.metadata["mean"].endswith(", step 0")
    for name, values in run.average.named_parameters():
        expected = (values + dict(finished.named_parameters())[name]) / 2
        assert (found[name].float() - expected).abs().max() < 4e-3, name  # half precision
    assert set(found) == set(run.average.state_dict())
    assert set(found["encoder.stem.1.running_mean"].tolist()) == {1.5}


def test_files_that_have_no_mean(tmp_path):
    one = tiny.weights(tmp_path)
    with pytest.raises(InputError, match=r"average: expected weights of one architecture, got sphere and template"):
        average_weights([one, tiny.weights(tmp_path, "sphere")], tmp_path / "mean.safetensors")
    other = tmp_path / "other.safetensors"
    save_weights(other, build_network("template", tiny.OPTIONS["template"] | {"code": 8}), "template", {})
    with pytest.raises(InputError, match=r"average: expected weights of one network, got another size in other"):
        average_weights([one, other], tmp_path / "mean.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    for name, text in (
        ("text", "weights text.safetensors: expected a safetensors file, got"),
        ("gone", "weights gone.safetensors: expected an existing file, got none"),
        ("foreign", "weights foreign.safetensors: expected its SHA256 in"),
    ):
        with pytest.raises(InputError, match=text):
            network_in_file(tmp_path / f"{name}.safetensors")
    assert not (tmp_path / "mean.safetensors").exists()
