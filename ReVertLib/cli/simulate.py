"""`revert simulate`: vertebrae in correspondence and CTs to synthetic training samples."""

from __future__ import annotations

import argparse

from .common import add_sampling, numbers

NOTES = {
    "needs": (
        "the vertebrae of `revert shapes`, and at least one of its cases with a CT; with --context or --films also T11 "
        "and T12 (labels 18, 19) and at least one case with L5 and the sacrum (labels 24, 26)"
    ),
    "takes": (
        "about 20 s of CPU a shard and 0.6 GB for each worker; with --context 24 s and 0.8 GB, with --films as much"
    ),
    "example": "revert simulate data runs/shapes.npz runs/samples --shards 200",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_sampling(parser, "--shards", 100, "of 256 samples")
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--context", action="store_true", help="whole patients instead of vertebrae alone")
    kinds.add_argument("--films", action="store_true", help="whole films, for `train --architecture finder`")
    parser.add_argument("--bones", metavar="CASE", help="--films: L1 to L5 are those of this case in ROOT")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.errors import InputError
    from ReVertLib.training.film_shards import build_film_shards
    from ReVertLib.training.shards import build_shards

    files = (options.root, options.shapes, options.output)
    workers = (options.workers, options.scheduler)
    if options.films:
        rest = (options.model, options.held_out, options.labels, options.bones, *workers)
        build_film_shards(*files, numbers(options), options.seed, *rest)
        return
    if options.bones:
        raise InputError("bones: expected --films beside it, got none")
    rest = (options.model, options.context, options.held_out, options.labels, *workers)
    build_shards(*files, numbers(options), options.seed, *rest)
