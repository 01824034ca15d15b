"""`revert train`: samples to weights."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.progress import log

from .common import add_device, add_held_out, add_labels, add_seed
from .paths import check_apart, weights_files

if TYPE_CHECKING:
    from ReVertLib.training.ranks import Ranks

NOTES = {
    "needs": (
        "a folder of `revert simulate` or `revert dataset`, a finder one of `revert simulate --films`; "
        "with --simulate the cases that `revert simulate` needs"
    ),
    "takes": "about 1.4 s of CPU a step of 32 samples and 1.3 GB",
    "example": "revert train runs/samples runs/template --steps 20000",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("samples", type=Path, metavar="DATA", help="a folder of `revert simulate` or `revert dataset`")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument(
        "--simulate", type=Path, metavar="SHAPES.npz", help="make samples during training, from these and DATA's cases"
    )
    parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="--simulate: draw every second shape from it")
    parser.add_argument(
        "--buffer", type=int, default=256, metavar="N", help="--simulate: volumes held at once (default 256)"
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="--simulate: processes that renew them")
    parser.add_argument(
        "--seen", type=int, metavar="N", help="--simulate: renewed after so many samples each (with --workers: 64)"
    )
    add_held_out(parser)
    add_labels(parser)
    parser.add_argument("--start", type=Path, metavar="FILE", help="finished weights to begin with")
    parser.add_argument("--architecture", default="context", metavar="context|template|sphere|finder")
    parser.add_argument("--steps", type=int, default=20_000, metavar="N")
    parser.add_argument("--batch", type=int, default=32, metavar="N")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="X")
    add_seed(parser)
    parser.add_argument("--augmented", type=float, default=0.5, metavar="X", help="share of augmented images")
    parser.add_argument("--data-note", default="", metavar="TEXT", help="data and licence, kept in the weights")
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    import torch

    from ReVertLib.network.devices import chosen_device
    from ReVertLib.training.ranks import ranks_of_torchrun
    from ReVertLib.training.run import TrainOptions, train

    written = ("model.safetensors", "model.safetensors.sha256", "options.json", "curve.csv", "checkpoint.safetensors")
    inputs = [*(weights_files(options.start, "start") if options.start else []), ("shapes", options.simulate)]
    check_apart([("output", options.output / name) for name in written], [*inputs, ("model", options.model)])
    names = ("architecture", "steps", "batch", "learning_rate", "seed")
    settings = TrainOptions(**{name: getattr(options, name) for name in names}, augmented_share=options.augmented)
    about = {"revert": __version__, "data": options.data_note}
    failures = Failures()
    with ranks_of_torchrun(torch.device(chosen_device(options.device))) as (ranks, device):
        ranks.check(settings.batch)
        if not ranks.leads:
            log.setLevel(logging.WARNING)
        with _samples(options, device, ranks, failures) as samples:
            weights = train(samples, options.output, settings, device, about, options.start, ranks)
    log.info(f"weights: {weights}")
    raise_failed(failures.reasons, "data set: expected all vertebrae to be trained on", "the others")


@contextmanager
def _samples(options: argparse.Namespace, device: object, ranks: Ranks, failures: Failures) -> Iterator[object]:
    """What `train` learns from: a folder of shards, or `LiveSamples` on a device of torch while this is open. ranks: of
    which the first one makes shards of a data set. failures: where vertebrae of a data set that cannot be used are
    noted."""
    if options.architecture == "finder" and options.simulate is None:
        yield options.samples
        return
    if options.simulate is None:
        if options.model:
            raise InputError("model: expected --simulate beside it, got none")
        from ReVertLib.training.from_dataset import sample_folder

        for turn in range(2):  # others wait for the first one's shards, which are there then
            if ranks.leads == (turn == 0):
                folder = sample_folder(options.samples, options.output, failures)
            ranks.wait()
        yield folder
        return
    from ReVertLib.synthesis.shapes import load_vertebra_sampler
    from ReVertLib.training.live import LiveSamples
    from ReVertLib.training.volume_buffer import POSES, VolumeBuffer

    rest = (options.model, options.held_out, options.labels)
    sampler = load_vertebra_sampler(options.samples, options.simulate, *rest)
    log.info(f"{options.buffer} vertebrae are filled with bone")
    with closing(VolumeBuffer(sampler, device, options.seed, options.buffer, options.workers, ranks)) as buffer:
        yield LiveSamples(buffer, POSES if options.seen is None and options.workers else options.seen)
