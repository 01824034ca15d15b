"""`revert calibrate`: weights to weights that say what error to expect."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.failures import Failures, raise_failed
from ReVertLib.progress import log

from .common import add_seed, add_weights
from .paths import check_apart, weights_files

NOTES = {
    "needs": (
        "samples of `revert simulate` that were not trained on (another --first), and a folder of `revert "
        "dataset` of held-out people"
    ),
    "takes": "about 5 minutes of CPU for 16 shards of samples",
    "example": "revert calibrate runs/new dataset runs/judging.safetensors --weights runs/template/model.safetensors",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("samples", type=Path, metavar="SAMPLES", help="new ones of `revert simulate`, not trained on")
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="of people not trained on, to scale to")
    parser.add_argument("output", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--steps", type=int, default=800, metavar="N")
    add_seed(parser)
    add_weights(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.calibration.calibrate import calibrate
    from ReVertLib.calibration.error_head import CalibrationOptions

    check_apart(weights_files(options.output, "output"), weights_files(options.weights))
    settings = CalibrationOptions(steps=options.steps, seed=options.seed)
    failures = Failures()
    digest = calibrate(options.samples, options.dataset, options.weights, options.output, settings, failures)
    log.info(f"weights: {options.output}, SHA256 {digest}")
    raise_failed(failures.reasons, "data set: expected all images to be scaled to", "the others")
