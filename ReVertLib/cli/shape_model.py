"""`revert shape-model`: vertebrae in correspondence to a shape model and what it is worth."""

from __future__ import annotations

import argparse

from .common import add_held_out, add_labels, add_shape_files
from .paths import check_apart

NOTES = {
    "needs": "the vertebrae of `revert shapes`, of two people or more",
    "example": "revert shape-model data runs/shapes.npz runs/shape_model",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_shape_files(parser)
    add_held_out(parser)
    add_labels(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.evaluation.shape_model_report import write_report

    names = ("shape_model.npz", "report.md", "fits.csv", "report.png")
    check_apart([("output", options.output / name) for name in names], [("shapes", options.shapes)])
    write_report(options.root, options.shapes, options.output, options.held_out, options.labels)
