"""Arguments and outputs that several sub-commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.geometry.levels import LABEL_SCHEMES
from ReVertLib.geometry.views import parse_view


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda|mps", help="where to compute (default auto)")


def add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="a .safetensors with its .sha256 (default: shipped)"
    )


def add_shape_files(parser: argparse.ArgumentParser) -> None:
    """Where real cases and their registered vertebrae lie, and where the command writes."""
    for path, shown in (("root", "ROOT"), ("shapes", "SHAPES.npz"), ("output", "OUT")):
        parser.add_argument(path, type=Path, metavar=shown)


def add_sampling(parser: argparse.ArgumentParser, option: str, count: int, of_what: str) -> None:
    """What is made of numbered pieces from real cases and their shapes, and who makes it. option, count, of_what: as of
    `add_numbers`."""
    add_shape_files(parser)
    add_shape_model(parser)
    add_held_out(parser)
    add_labels(parser)
    add_numbers(parser, option, count, of_what)
    add_seed(parser)
    add_workers(parser)


def add_shape_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="draw every second shape from it")


def add_held_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--held-out",
        nargs="*",
        default=HELD_OUT,
        metavar="NAME",
        help=f"people whose cases are not learned from (default {' '.join(HELD_OUT)}; the log names them)",
    )


def add_labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--labels",
        metavar="|".join(LABEL_SCHEMES),
        help="whose numbers the label maps have (default: told from the order, distances and sizes in them)",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Who works: processes here, or a cluster."""
    parser.add_argument("--workers", type=int, metavar="N", help="processes here (default: one for each core)")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that works instead: docs/many-machines.md"
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0)


def add_numbers(parser: argparse.ArgumentParser, option: str, count: int, of_what: str) -> None:
    """Which numbered pieces a run makes: so many, from the first on."""
    parser.add_argument(option, dest="count", type=int, default=count, metavar="N", help=f"{of_what} (default {count})")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first, to share work")


def numbers(options: argparse.Namespace) -> range:
    """What `add_numbers` asked for."""
    return range(options.first, options.first + options.count)


def add_lengths(parser: argparse.ArgumentParser) -> None:
    """How a radiograph was taken: a sidecar, distances, spacing and view."""
    parser.add_argument(
        "--geometry", type=Path, metavar="JSON", help="a sidecar for all images (default: each one's own)"
    )
    parser.add_argument("--sdd", type=float, metavar="MM", help="source-detector distance")
    parser.add_argument("--sod", type=float, metavar="MM", help="source-object distance: the vertebra's depth")
    parser.add_argument(
        "--pixel-spacing", type=float, nargs="+", metavar="MM", help="at the detector: one number, or u and v"
    )
    parser.add_argument(
        "--view",
        nargs="+",
        metavar="VIEW",
        help="AP, PA, LL, RL, LPO, RPO, LAO, RAO, or yaw, pitch and roll in degrees; ten degrees off will do",
    )


def given_lengths(options: argparse.Namespace) -> dict:
    """What `add_lengths` was told, by sidecar key and view angle; None where it was not."""
    spacing = options.pixel_spacing
    if spacing is not None and len(spacing) == 1:
        spacing = spacing * 2
    view = parse_view(options.view) if options.view else {}
    return view | {"sdd_mm": options.sdd, "sod_mm": options.sod, "pixel_spacing_mm": spacing}
