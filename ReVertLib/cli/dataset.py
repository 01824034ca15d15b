"""`revert dataset`: a folder of CTs to DRRs and meshes in the original's layout."""

from __future__ import annotations

import argparse
from pathlib import Path

from .common import add_labels, add_workers

NOTES = {
    "needs": (
        "cases <case>/{ct,segmentation}.nii.gz (or seg.nii.gz), BIDS names as VerSe has them, or TotalSegmentator's "
        "<case>/segmentations/vertebrae_L1.nii.gz, with VerSe's or TotalSegmentator's numbers and Hounsfield units of "
        "all tissue"
    ),
    "takes": "60 images a second and core, 1.4 GB for each worker with a CT of 512 x 512 x 700",
    "example": "revert dataset VerSe dataset --views seed",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--views", default="seed", metavar="seed|clinical|around")
    parser.add_argument("--context", action="store_true", help="the whole CT instead of the vertebra alone")
    add_labels(parser)
    add_workers(parser)


def run(options: argparse.Namespace) -> None:
    from ReVertLib.dataset.build import build_dataset

    build_dataset(
        options.root,
        options.output,
        views=options.views,
        workers=options.workers,
        scheduler=options.scheduler,
        context=options.context,
        scheme=options.labels,
    )
