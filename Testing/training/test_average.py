"""The mean of weights along a training: of finished weights and of a checkpoint's moving average alike."""

import sys

import mean_weights
import torch
from safetensors.torch import load_file

from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.weights import save_weights
from ReVertLib.training.run import Run, TrainOptions


def test_the_mean_of_weights_and_a_checkpoint(tmp_path, monkeypatch, capsys):
    torch.manual_seed(3)
    finished, run = TemplateNetwork(), Run(TrainOptions(steps=9), torch.device("cpu"))
    with torch.no_grad():
        for number, network in enumerate((finished, run.average)):
            for values in network.parameters():
                values.copy_(torch.randn_like(values))
            network.encoder.stem[1].running_mean.fill_(1.0 + number)
    save_weights(tmp_path / "finished.safetensors", finished, "template", {})
    run.save(tmp_path / "checkpoint.safetensors")
    files = [str(tmp_path / f"{name}.safetensors") for name in ("mean", "finished", "checkpoint")]
    monkeypatch.setattr(sys, "argv", ["mean_weights.py", *files])
    mean_weights.main()
    found = load_file(files[0])
    for name, values in finished.named_parameters():
        expected = (values + dict(run.average.named_parameters())[name]) / 2
        assert (found[name].float() - expected).abs().max() < 4e-3, name  # half precision
    assert found["encoder.stem.1.running_mean"].tolist() == [1.5] * 32
    assert len(capsys.readouterr().out.strip()) == 64
