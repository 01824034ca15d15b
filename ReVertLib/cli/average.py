"""`revert average`: weights of several moments of a training to their mean."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.progress import log

from .paths import check_apart, weights_files

NOTES = {
    "needs": "weights, or the checkpoint.safetensors of a training on its way, all of one network",
    "example": "revert average runs/mean.safetensors runs/template/model.safetensors kept/step_9250.safetensors",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, metavar="OUT.safetensors")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.training.average import average_weights

    inputs = [file for path in options.files for file in weights_files(path)]
    check_apart(weights_files(options.output, "output"), inputs)
    digest = average_weights(options.files, options.output)
    log.info(f"weights: {options.output}, SHA256 {digest}")
