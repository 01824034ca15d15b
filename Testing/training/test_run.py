"""The training loop: the same steps however often it is stopped, what it leaves on disk, what stops it."""

import csv
import json
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tiny import OPTIONS, layered_shard, network, weights, write_shard

from ReVertLib.errors import InputError
from ReVertLib.files import made_folder
from ReVertLib.network import weights as checkpoint
from ReVertLib.network.weights import load_weights
from ReVertLib.training import pace
from ReVertLib.training import run as train
from ReVertLib.training.run import Run, TrainOptions, learning_rate_at
from ReVertLib.training.samples import Samples

CPU = torch.device("cpu")
SHORT = TrainOptions(steps=6, batch=3, checkpoint_every=100)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    write_shard(folder, count=6, shapes=2)
    return folder


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    """Networks of the same code, only smaller, wherever none says how large it is."""
    real = checkpoint.build_network
    monkeypatch.setattr(train, "build_network", lambda name, options: real(name, options or OPTIONS[name]))


def trained(folder, out, options=SHORT):
    return train.train(folder, out, options, CPU, {"data": "tiny"})


def stop_before(monkeypatch, step, error=KeyboardInterrupt):
    """Makes one attempt at a step fail, in the middle of it; later attempts succeed."""
    real, left = train.losses, [step]

    def failing(*arguments):
        if left[0] == 0:
            left[0] = -1
            raise error
        left[0] -= 1
        return real(*arguments)

    monkeypatch.setattr(train, "losses", failing)


def tensors_of(out):
    return load_file(out / "checkpoint.safetensors")


def assert_same_run(one, other):
    first, second = tensors_of(one), tensors_of(other)
    assert set(first) == set(second)
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    shipped, other_shipped = (load_file(out / "model.safetensors") for out in (one, other))
    assert [name for name in shipped if not torch.equal(shipped[name], other_shipped[name])] == []


def test_a_step_by_step_run_equals_an_uninterrupted_one(folder, tmp_path):
    """After every single step the state goes through a file into a new run; losses and state stay bit for bit."""
    samples, whole = Samples(folder), Run(SHORT, CPU)
    path = tmp_path / "state.safetensors"
    pieces = Run(SHORT, CPU)
    for step in range(SHORT.steps):
        assert pieces.step == step
        assert pieces.advance(samples) == whole.advance(samples)
        pieces.save(path)
        torch.manual_seed(step + 77)
        pieces = Run(SHORT, CPU)
        pieces.resume(path)
    for a, b in ((whole.network, pieces.network), (whole.average, pieces.average)):
        assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_an_interrupt_keeps_the_steps_so_far(folder, tmp_path, monkeypatch, caplog):
    trained(folder, tmp_path / "whole")
    stop_before(monkeypatch, 4)
    with pytest.raises(KeyboardInterrupt):
        trained(folder, tmp_path / "pieces")
    assert {p.name for p in (tmp_path / "pieces").iterdir()} == {"checkpoint.safetensors", "options.json"}
    caplog.clear()
    with caplog.at_level("INFO", "revert"):
        trained(folder, tmp_path / "pieces")
    assert caplog.messages[0] == "template: 6 samples, step 4 of 6, on cpu"
    assert_same_run(tmp_path / "whole", tmp_path / "pieces")


def test_a_finished_run_is_not_taken_further(folder, tmp_path):
    before = load_file(trained(folder, tmp_path))
    after = load_file(trained(folder, tmp_path))
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


def test_a_run_begins_with_finished_weights(folder, tmp_path):
    """With a learning rate of almost nothing it ends where it began; the file says where that was."""
    path = tmp_path / "start.safetensors"
    digest = checkpoint.save_weights(path, network(awake=True, seed=5, error_width=4), "template", {})
    options = TrainOptions(steps=2, batch=2, learning_rate=1e-9)
    weights = train.train(folder, tmp_path / "out", options, CPU, {}, path)
    start, found = load_file(path), load_file(weights)
    moving = ("running_mean", "running_var", "num_batches_tracked")
    kept = [n for n in found if not n.endswith(moving)]
    assert max((found[n].float() - start[n].float()).abs().max() for n in kept) < 1e-5
    assert set(start) - set(found) == {n for n in start if n.split(".")[0] in ("error_head", "familiarity")}
    assert load_weights(weights).metadata["start"] == digest


def test_weights_of_another_architecture_are_no_start(folder, tmp_path):
    checkpoint.save_weights(tmp_path / "s.safetensors", network("sphere"), "sphere", {})
    with pytest.raises(InputError, match="start: expected weights of architecture template, got sphere"):
        train.train(folder, tmp_path / "out", SHORT, CPU, {}, tmp_path / "s.safetensors")
    with pytest.raises(InputError, match="start: expected weights of architecture context or template, got sphere"):
        Run(TrainOptions("context"), CPU).begin(load_weights(tmp_path / "s.safetensors"))


def test_a_network_in_context_begins_with_what_a_template_network_has_learned(tmp_path):
    start = load_weights(weights(tmp_path, awake=True))
    run = Run(TrainOptions("context"), CPU)
    before = run.network.state_dict()["to_pose.weight"].clone()
    run.begin(start)
    for found in (run.network.state_dict(), run.average.state_dict()):
        assert torch.equal(found["to_shape.1.weight"], start.network.state_dict()["to_shape.1.weight"])
        assert torch.equal(found["to_pose.weight"], before)  # a change of another view: learned anew


def test_seed_and_shuffling(folder, tmp_path):
    samples = Samples(folder)
    first, again = Run(SHORT, CPU).advance(samples), Run(SHORT, CPU).advance(samples)
    other = Run(TrainOptions(steps=6, batch=3, seed=1), CPU).advance(samples)
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    "option, value, expected",
    [
        ("steps", 0, "steps: expected at least 1, got 0"),
        ("batch", -3, "batch: expected at least 1, got -3"),
        ("learning_rate", 0.0, "learning rate: expected a number above 0, got 0.0"),
        ("learning_rate", math.nan, "learning rate: expected a number above 0, got nan"),
        ("augmented_share", 1.01, "augmented: expected a share from 0 to 1, got 1.01"),
        ("augmented_share", -0.1, "augmented: expected a share from 0 to 1, got -0.1"),
    ],
)
def test_options_that_no_run_can_have(option, value, expected):
    with pytest.raises(InputError) as caught:
        TrainOptions(**{option: value})
    assert str(caught.value) == expected


def test_the_share_of_augmented_images_is_an_option(folder):
    """The same step differs by the share, a half when nothing is said."""
    samples, found = Samples(folder), {}
    for share in (0.0, 0.5, 1.0):
        found[share] = Run(TrainOptions(steps=6, batch=16, augmented_share=share), CPU).advance(samples)
    usual = Run(TrainOptions(steps=6, batch=16), CPU).advance(samples)
    assert usual == found[0.5]
    assert len({terms["surface_mm"] for terms in found.values()}) == 3


def test_a_steep_loss_takes_no_steeper_step(folder, monkeypatch):
    """Gradients are scaled down to a norm of 10, all by one factor."""
    real = train.losses
    steep = {}
    for scale in (1.0, 1e6):
        monkeypatch.setattr(train, "losses", lambda *a, scale=scale: {k: scale * v for k, v in real(*a).items()})
        run = Run(SHORT, CPU)
        run.advance(Samples(folder))
        steep[scale] = torch.cat([p.grad.flatten() for p in run.network.parameters() if p.grad is not None])
    assert float(steep[1e6].norm()) == pytest.approx(10.0, rel=1e-3)
    assert torch.nn.functional.cosine_similarity(steep[1.0], steep[1e6], dim=0) > 0.9999


def test_other_options_need_another_folder(folder, tmp_path):
    trained(folder, tmp_path)
    saved = (tmp_path / "options.json").read_text()
    with pytest.raises(InputError, match=r"train: expected the options saved in checkpoint.safetensors, got others"):
        trained(folder, tmp_path, TrainOptions(steps=7, batch=3, checkpoint_every=100))
    assert (tmp_path / "options.json").read_text() == saved


def test_what_is_left_on_disk(folder, tmp_path):
    path = trained(folder, tmp_path / "new" / "run")
    assert path == tmp_path / "new" / "run" / "model.safetensors"
    names = {"checkpoint.safetensors", "model.safetensors", "model.safetensors.sha256", "options.json"}
    assert {p.name for p in path.parent.iterdir()} == names
    options = json.loads((path.parent / "options.json").read_text())
    assert TrainOptions(**options) == SHORT
    loaded = load_weights(path)
    assert loaded.metadata["data"] == "tiny"
    assert json.loads(loaded.metadata["train"]) == options
    average = {k.removeprefix("average."): v for k, v in tensors_of(path.parent).items() if k.startswith("average.")}
    shipped = loaded.network.state_dict()
    assert all(torch.allclose(shipped[k].float(), v.float(), rtol=1e-3, atol=1e-6) for k, v in average.items())


def test_a_place_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="output: expected a folder that can be made, got"):
        trained(folder, tmp_path / "file")


def test_curve_and_progress(folder, tmp_path, monkeypatch, caplog):
    """Losses of 1, 2, 3...: the means of each 50 steps are 25.5 and 75.5; what is left over has no row."""

    def counted(self, samples):
        self.step += 1
        return {"place_mm": float(self.step), "shape_mm": 0.5}

    monkeypatch.setattr(Run, "advance", counted)
    options = TrainOptions(steps=120, batch=1)
    with caplog.at_level("INFO", "revert"):
        trained(folder, tmp_path, options)
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [list(row) for row in rows] == [["step", "learning_rate", "place_mm", "shape_mm"]] * 2
    assert [(row["step"], float(row["place_mm"]), float(row["shape_mm"])) for row in rows] == [
        ("50", 25.5, 0.5),
        ("100", 75.5, 0.5),
    ]
    assert [float(row["learning_rate"]) for row in rows] == [learning_rate_at(s, options) for s in (50, 100)]
    assert caplog.messages[1].startswith("step 50/120  place_mm 25.500  shape_mm 0.500  ")
    assert caplog.messages[1].endswith(" samples/s, 0% of the time waiting for them  0 min left")


def test_the_pace_by_hand(monkeypatch):
    """Two steps of 30 samples in 4 s, in which samples are waited for twice half a second; then one of 30 in 1 s."""
    times = iter([0.0, 1.0, 1.5, 3.0, 3.5, 4.0, 10.0, 11.0])
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(times))
    measured = pace.Pace()
    for _ in range(2):
        with measured.waiting():
            pass
        measured.stepped(30)
    assert str(measured) == "15 samples/s, 25% of the time waiting for them"
    measured.begin()
    measured.stepped(30)
    assert str(measured) == "30 samples/s, 0% of the time waiting for them"


def test_a_curve_has_each_step_once_after_a_hard_stop(folder, tmp_path, monkeypatch):
    """Killed at step 119, resumed from the checkpoint at 60: the row of step 100 is made anew, not twice."""

    def counted(self, samples):
        if self.step == 119 and not resumed:
            raise SystemError
        self.step += 1
        return {"place_mm": 1.0}

    resumed = []
    monkeypatch.setattr(Run, "advance", counted)
    options = TrainOptions(steps=150, batch=1, checkpoint_every=60)
    with pytest.raises(SystemError):
        trained(folder, tmp_path, options)
    resumed.append(True)
    trained(folder, tmp_path, options)
    with (tmp_path / "curve.csv").open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["50", "100", "150"]


@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_what_is_not_finite_stops_the_run_and_spoils_nothing(folder, tmp_path, monkeypatch, poison):
    real, seen = train.losses, []

    def poisoned(*arguments):
        terms = real(*arguments)
        seen.append(1)
        if len(seen) == 5:
            value = next(iter(terms.values()))
            terms["bad"] = value * math.nan if poison == "loss" else (value - value.detach()).abs().sqrt()
        return terms

    monkeypatch.setattr(train, "losses", poisoned)
    with pytest.raises(RuntimeError, match="training stopped: the loss or its gradient is not finite at step 4"):
        trained(folder, tmp_path, TrainOptions(steps=6, batch=3, checkpoint_every=2))
    assert all(torch.isfinite(tensor).all() for tensor in tensors_of(tmp_path).values())
    assert not (tmp_path / "model.safetensors").exists()


def test_the_average_follows_the_network(folder):
    """The first steps weigh 9/10, 9/11...: the average is a short memory at first, a long one later."""
    samples, run = Samples(folder), Run(SHORT, CPU)
    name = "to_pose.weight"
    expected = run.average.state_dict()[name].clone()
    for step in range(3):
        run.advance(samples)
        expected += (9 / (step + 10)) * (run.network.state_dict()[name] - expected)
    assert torch.allclose(run.average.state_dict()[name], expected, atol=1e-7)
    assert expected.abs().max() > 0


def test_the_sphere_takes_a_step(folder, tmp_path):
    options = TrainOptions(architecture="sphere", steps=2, batch=2)
    start = Run(options, CPU).network.state_dict()
    path = trained(folder, tmp_path, options)
    loaded = load_weights(path)
    assert loaded.architecture == "sphere"
    after = {k.removeprefix("network."): v for k, v in tensors_of(tmp_path).items() if k.startswith("network.")}
    assert (after["head.4.weight"] - start["head.4.weight"]).abs().max() > 0


def test_the_sphere_is_trained_narrow_and_along_the_patients_axes():
    network = Run(TrainOptions(architecture="sphere"), CPU).network
    assert (network.axes, network.crop_size_px, network.options["points"]) == ("patient", 128, 1024)
    assert sum(tensor.numel() for tensor in network.state_dict().values()) * 2 < 3e6


def test_the_sphere_sees_vertebrae_alone(tmp_path):
    """Layers around them change nothing."""
    layered = layered_shard()
    alone, layers = made_folder(tmp_path / "alone"), made_folder(tmp_path / "layers")
    layered.save(layers / "shard_00000.npz")
    replace(layered, bones=None, body=None, scale=None).save(alone / "shard_00000.npz")
    options = TrainOptions(architecture="sphere", steps=2, batch=6)
    first, second = (Run(options, CPU).advance(Samples(folder)) for folder in (alone, layers))
    assert first == second


def test_a_sphere_of_another_size_is_no_start(folder, tmp_path):
    checkpoint.save_weights(tmp_path / "s.safetensors", network("sphere"), "sphere", {})
    options = TrainOptions(architecture="sphere", steps=2, batch=2)
    with pytest.raises(InputError, match="start: expected a network of the size that is trained"):
        train.train(folder, tmp_path / "out", options, CPU, {}, tmp_path / "s.safetensors")


def test_a_checkpoint_of_another_size_is_not_resumed(folder, tmp_path, monkeypatch):
    options = TrainOptions(architecture="sphere", steps=2, batch=2)
    trained(folder, tmp_path, options)
    monkeypatch.setitem(train.NETWORK_OPTIONS, "sphere", {"points": 128, "code_width": 16})
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: expected a network of the size that is trained"):
        trained(folder, tmp_path, options)


def test_learning_rate_by_hand():
    options = TrainOptions(steps=400, learning_rate=0.01)
    expected = {
        0: 0.01 / 100,
        49: 0.01 * 0.5 * 0.5 * (1 + math.cos(math.pi * 49 / 400)),
        200: 0.005,
        300: 0.01 * (2 - math.sqrt(2)) / 4,
        400: 0.0,
    }
    assert {s: learning_rate_at(s, options) for s in expected} == pytest.approx(expected)
