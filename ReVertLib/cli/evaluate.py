"""`revert evaluate`: a data set and weights to tables and plots."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.failures import raise_failed

from .common import add_device, add_weights, add_workers

NOTES = {
    "needs": "a folder of `revert dataset`; for --report matplotlib",
    "example": "revert evaluate dataset --against runs/sphere/model.safetensors --report report",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET")
    parser.add_argument("--report", type=Path, metavar="DIR")
    parser.add_argument(
        "--against",
        action="extend",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="other weights to be measured beside them",
    )
    parser.add_argument(
        "--without-view", action="store_true", help="do not tell the networks from where an image was taken"
    )
    add_weights(parser)
    add_device(parser)
    add_workers(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.evaluation.evaluate import evaluate

    paths = (options.dataset, options.weights, options.device, options.report)
    who = {"workers": options.workers, "scheduler": options.scheduler}
    found = evaluate(*paths, against=options.against, tell_view=not options.without_view, **who)
    raise_failed(found.failed, "data set: expected all images to be measured", len(found.images))
