"""`revert simulate-patients`: vertebrae in correspondence and CTs to synthetic patients as cases."""

from __future__ import annotations

import argparse

from .common import add_sampling, numbers

NOTES = {
    "needs": (
        "the vertebrae of `revert shapes`, T11 and T12 (labels 18, 19) among them, and at least one case with "
        "L5 and the sacrum (labels 24, 26)"
    ),
    "takes": "about 27 s of CPU a patient and 1.6 GB for each worker",
    "example": "revert simulate-patients data runs/shapes.npz runs/patients --count 200",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sampling(parser, "--count", 10, "of patients")
    parser.add_argument("--bones", metavar="CASE", help="L1 to L5 are those of this case in ROOT, which has a CT")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.synthesis.export import build_patients

    files = (options.root, options.shapes, options.output)
    sources = (options.model, options.held_out, options.labels, options.bones, options.workers, options.scheduler)
    build_patients(*files, numbers(options), options.seed, *sources)
