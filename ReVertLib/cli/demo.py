"""`revert demo`: the bundled case through the whole line."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import add_device, add_weights

NOTES = {
    "needs": "matplotlib",
    "example": "revert demo",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    add_weights(parser)
    add_device(parser)


def run(options: argparse.Namespace) -> None:
    from .demo_case import reconstruct_demo

    reconstruct_demo(options.output, options.weights, options.device)
