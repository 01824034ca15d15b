"""What the sub-commands that make data, shapes and weights do; each takes the same as those of commands.py."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing, contextmanager

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, made_folder

from .commands import Say


def dataset(options: Namespace, say: Say) -> None:
    """A folder of CTs -> the original's layout."""
    from ReVertLib.dataset.build import build_dataset

    build_dataset(
        options.root,
        options.output,
        views=options.views,
        workers=options.workers,
        context=options.context,
        say=say,
    )


def shapes(options: Namespace, say: Say) -> None:
    """A folder of label maps and meshes -> vertebrae in correspondence."""
    from ReVertLib.shape.library import build_library
    from ReVertLib.shape.template_builder import build_template, save_template

    made_folder(options.output.parent)
    check_writable(options.output)
    if options.rebuild_template:
        save_template(build_template(options.root))
    build_library(options.root, options.output, say)


def shape_model(options: Namespace, say: Say) -> None:
    """Vertebrae in correspondence -> a shape model and what it is worth."""
    from ReVertLib.evaluation.shape_model_report import write_report

    write_report(options.root, options.shapes, made_folder(options.output), say)


def world(options: Namespace, say: Say) -> None:
    """Vertebrae in correspondence and CTs -> training samples."""
    from ReVertLib.training.shards import build_shards

    numbers = range(options.first, options.first + options.shards)
    build_shards(
        options.root, options.shapes, options.output, numbers, options.seed, say, options.model, options.context
    )


def spines(options: Namespace, say: Say) -> None:
    """Vertebrae in correspondence and CTs -> synthetic people as cases."""
    from ReVertLib.synthesis.export import build_spines

    numbers = range(options.first, options.first + options.count)
    build_spines(options.root, options.shapes, options.output, numbers, options.seed, say, options.model)


def likeness(options: Namespace, say: Say) -> None:
    """CTs and the world made from them -> how alike they look."""
    from ReVertLib.evaluation.realism import write_likeness

    write_likeness(options.root, options.shapes, options.output, options.seed, say, options.model)


def train(options: Namespace, say: Say) -> None:
    """Samples -> weights."""
    from ReVertLib.inference.predictor import choose_device
    from ReVertLib.training.run import TrainOptions
    from ReVertLib.training.run import train as train_network

    names = ("architecture", "steps", "batch", "learning_rate", "seed", "filmed")
    settings = TrainOptions(**{name: getattr(options, name) for name in names})
    device = choose_device(options.device)
    about = {"revert": __version__, "data": options.data_note}
    with _samples(options, device, say) as samples:
        weights = train_network(samples, options.output, settings, device, about, say, options.start)
    say(f"weights: {weights}")


@contextmanager
def _samples(options: Namespace, device: object, say: Say) -> Iterator[object]:
    """What `train` learns from: a folder of shards, or `LiveSamples` on a device of torch while this is open."""
    if options.live is None:
        if options.model:
            raise InputError("model: expected --live beside it, got none")
        from ReVertLib.training.from_dataset import sample_folder

        yield sample_folder(options.samples, options.output, say)
        return
    from ReVertLib.synthesis.shapes import load_world
    from ReVertLib.training.live import LiveSamples
    from ReVertLib.training.volume_buffer import Bank

    world = load_world(options.samples, options.live, options.model)
    say(f"{options.volumes} vertebrae are filled with bone")
    with closing(Bank(world, device, options.seed, options.volumes, options.workers)) as bank:
        yield LiveSamples(bank)


def calibrate(options: Namespace, say: Say) -> None:
    """Weights -> weights that judge themselves."""
    from ReVertLib.calibration.calibrate import calibrate as calibrate_weights
    from ReVertLib.calibration.error_head import CalibrationOptions

    settings = CalibrationOptions(steps=options.steps, seed=options.seed)
    digest = calibrate_weights(options.world, options.dataset, options.weights, options.output, settings, say)
    say(f"weights: {options.output}, SHA256 {digest}")
