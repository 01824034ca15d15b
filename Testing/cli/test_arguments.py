"""Every argument of a command that starts long work reaches the function that does it."""

import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest

from ReVertLib.__main__ import main
from ReVertLib.errors import InputError
from ReVertLib.training.volume_buffer import POSES

FILES = {"shapes": Path("shapes.npz"), "out": Path("out")}
SHARES = "--seed 7 --model m.npz --labels verse --held-out a b"
SHARED = {"seed": 7, "model": Path("m.npz"), "held_out": ["a", "b"], "scheme": "verse"}

WORK = {
    "dataset data out --views clinical --context --workers 3 --labels verse": (
        "dataset.build.build_dataset",
        {
            "root": Path("data"),
            "out": Path("out"),
            "views": "clinical",
            "workers": 3,
            "scheduler": None,
            "context": True,
            "scheme": "verse",
        },
    ),
    "shapes data out.npz --held-out a b --labels totalsegmentator-v2": (
        "shape.library.build_library",
        {"root": Path("data"), "out": Path("out.npz"), "held_out": ["a", "b"], "scheme": "totalsegmentator-v2"},
    ),
    "shapes data out.npz --rebuild-template --held-out a b": (
        "shape.template_builder.build_template",
        {"root": Path("data"), "held_out": ["a", "b"]},
    ),
    "shape-model data shapes.npz out --labels verse --held-out a": (
        "evaluation.shape_model_report.write_report",
        {"root": Path("data"), **FILES, "held_out": ["a"], "scheme": "verse"},
    ),
    f"simulate data shapes.npz out --shards 3 --first 5 --context --workers 2 {SHARES}": (
        "training.shards.build_shards",
        {
            "data": Path("data"),
            **FILES,
            "numbers": range(5, 8),
            "context": True,
            "workers": 2,
            "scheduler": None,
            **SHARED,
        },
    ),
    f"simulate-patients data shapes.npz out --count 2 --first 9 --bones somebody --scheduler a:1 {SHARES}": (
        "synthesis.export.build_patients",
        {
            "data": Path("data"),
            **FILES,
            "numbers": range(9, 11),
            "bones": "somebody",
            "workers": None,
            "scheduler": "a:1",
            **SHARED,
        },
    ),
    f"realism data shapes.npz out {SHARES}": (
        "evaluation.realism.write_realism",
        {"data": Path("data"), **FILES, **SHARED},
    ),
    "evaluate data --report out --against a b --against c --weights w --device cpu --without-view --workers 2": (
        "evaluation.evaluate.evaluate",
        {
            "dataset": Path("data"),
            "report": Path("out"),
            "against": [Path("a"), Path("b"), Path("c")],
            "weights": Path("w"),
            "device": "cpu",
            "tell_view": False,
            "workers": 2,
            "scheduler": None,
        },
    ),
    "average out a b": ("training.average.average_weights", {"files": [Path("a"), Path("b")], "out": Path("out")}),
}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """A function of the library, named from its package on, that notes its arguments and ends the command."""
    monkeypatch.chdir(tmp_path)

    def watch(name, answer=None):
        module, _, attribute = f"ReVertLib.{name}".rpartition(".")
        function, found = getattr(importlib.import_module(module), attribute), []

        def note(*values, **named):
            found.append(inspect.signature(function).bind(*values, **named).arguments)
            if answer is None:
                raise InputError("enough")
            return answer

        monkeypatch.setattr(f"ReVertLib.{name}", note)
        return found

    return watch


@pytest.mark.parametrize("line", WORK)
def test_every_argument_reaches_the_work(asked, capsys, line):
    function, expected = WORK[line]
    found = asked(function)
    assert main(line.split()) == 2
    assert capsys.readouterr().err == "revert: enough\n"
    assert {name: value for name, value in found[0].items() if name != "say"} == expected


HELD_OUT_BY_DEFAULT = [line for line in WORK if "--held-out" in line]


@pytest.mark.parametrize("line", HELD_OUT_BY_DEFAULT)
def test_verse008_is_held_out_where_nothing_is_said_and_nobody_where_no_name_is_given(asked, line):
    function, _ = WORK[line]
    found = asked(function)
    begin = line.partition(" --held-out")[0]
    for end, expected in (("", ["verse008"]), (" --held-out", [])):
        assert main((begin + end).split()) == 2
        assert list(found[-1]["held_out"]) == expected


def test_every_argument_reaches_a_calibration(asked):
    found = asked("calibration.calibrate.calibrate")
    assert (
        main(["calibrate", "samples", "data", "out.safetensors", "--steps", "9", "--seed", "7", "--weights", "w"]) == 2
    )
    *paths, options, _ = found[0].values()
    assert sorted(map(str, paths)) == ["data", "out.safetensors", "samples", "w"]
    assert (options.steps, options.seed) == (9, 7)


def test_every_argument_reaches_a_training(asked, tmp_path):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples/shard_00000.npz").touch()
    found = asked("training.run.train")
    options = "--steps 9 --batch 8 --learning-rate 0.01 --seed 7 --augmented 0.3 --architecture sphere"
    line = f"train samples out --start w --data-note mine --device cpu {options}"
    assert main(line.split()) == 2
    settings = found[0]["options"]
    assert (settings.steps, settings.batch, settings.learning_rate, settings.seed) == (9, 8, 0.01, 7)
    assert (settings.augmented_share, settings.architecture) == (0.3, "sphere")
    assert [found[0][name] for name in ("source", "out", "start")] == [Path("samples"), Path("out"), Path("w")]
    assert found[0]["metadata"]["data"] == "mine"
    assert str(found[0]["device"]) == "cpu"


def test_every_argument_reaches_the_samples_made_during_training(asked):
    sampler = asked("synthesis.shapes.load_vertebra_sampler", answer="sampler")
    buffer = asked("training.volume_buffer.VolumeBuffer", answer=SimpleNamespace(close=lambda: None))
    samples = asked("training.live.LiveSamples")
    options = "--simulate s.npz --buffer 4 --workers 3 --seed 7 --model m.npz --held-out a --labels verse --device cpu"
    for how in (options, f"{options} --seen 9", "--simulate s.npz --device cpu"):
        assert main(f"train data out {how}".split()) == 2
    expected = {"data": Path("data"), "shapes": Path("s.npz"), "model": Path("m.npz"), "held_out": ["a"]}
    expected["scheme"] = "verse"
    assert sampler[0] == expected
    assert (buffer[0]["sampler"], str(buffer[0]["device"])) == ("sampler", "cpu")
    assert (buffer[0]["seed"], buffer[0]["size"], buffer[0]["workers"]) == (7, 4, 3)
    assert [one["seen"] for one in samples] == [POSES, 9, None]
