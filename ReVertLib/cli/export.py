"""`revert export`: weights to an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.progress import log

from .common import add_weights
from .paths import check_apart, weights_files

NOTES = {
    "needs": "the packages onnx and onnxscript; docs/onnx.md says what goes into the file's network and what comes out",
    "example": "revert export context.onnx",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", type=Path, metavar="OUT.onnx")
    add_weights(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.network.onnx_export import export_onnx

    check_apart([("output", options.output)], weights_files(options.weights))
    export_onnx(options.weights, options.output)
    log.info(f"network: {options.output}")
