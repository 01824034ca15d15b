"""`revert shapes`: a folder of label maps and meshes to vertebrae in correspondence."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.errors import InputError
from ReVertLib.files import check_folder

from .common import add_held_out, add_labels

NOTES = {
    "needs": (
        "label maps with labels 20 to 24 (L1 to L5), or surfaces <case>/L1.ply to L5.ply; for patients also "
        "labels 18 and 19 (T11, T12)"
    ),
    "takes": "about 16 s of CPU a vertebra, its mirror image included, and 0.5 GB",
    "example": "revert shapes data runs/shapes.npz",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("output", type=Path, metavar="OUT.npz")
    parser.add_argument(
        "--rebuild-template", action="store_true", help="first make the template anew from ROOT/mean_of_87"
    )
    add_labels(parser)
    add_held_out(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.shape.library import build_library
    from ReVertLib.shape.template_builder import build_template, save_template

    if options.output.suffix != ".npz":
        raise InputError(f"output: expected a .npz file, got {options.output.name!r}")
    check_folder(options.output.parent)
    if options.rebuild_template:
        save_template(build_template(options.root, options.held_out))
    build_library(options.root, options.output, options.held_out, options.labels)
