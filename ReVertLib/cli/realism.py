"""`revert realism`: CTs and synthetic samples made from them, and how alike they look."""

from __future__ import annotations

import argparse

from .common import add_held_out, add_labels, add_seed, add_shape_files, add_shape_model
from .paths import check_apart

NOTES = {
    "needs": "the vertebrae of `revert shapes`, and two cases or more with Hounsfield units of all tissue",
    "example": "revert realism data runs/shapes.npz runs/realism",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_shape_files(parser)
    add_shape_model(parser)
    add_held_out(parser)
    add_labels(parser)
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.evaluation.realism import write_realism

    inputs = [("shapes", options.shapes), ("model", options.model)]
    check_apart([("output", options.output / f"realism{suffix}") for suffix in (".csv", ".png")], inputs)
    files, rest = (options.root, options.shapes, options.output), (options.model, options.held_out, options.labels)
    write_realism(*files, options.seed, *rest)
