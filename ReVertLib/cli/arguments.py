"""The arguments of the sub-commands for a radiograph, and what all sub-commands have in common.

Every function adds one sub-command, or one argument, to what it is given. Those of a researcher: research_arguments.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ReVertLib.geometry.levels import LEVELS

from . import commands


def add_command(adders, name: str, run: Callable, summary: str, example: str) -> argparse.ArgumentParser:
    parser = adders.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")
    parser.set_defaults(run=run)
    return parser


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda|mps", help="where to compute (default auto)")


def add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="a .safetensors with its .sha256 (default: shipped)"
    )


def add_reconstruct(adders) -> None:
    example = "revert reconstruct Resources/sample/verse008_L3_ap.png -o L3.stl --report L3.json"
    summary = "The vertebra in a radiograph as a surface in the camera frame, mm."
    parser = add_command(adders, "reconstruct", commands.reconstruct, summary, example)
    parser.add_argument(
        "images", nargs="+", type=Path, metavar="IMAGE", help="PNG, TIFF, JPEG, DICOM, NRRD, MHA, NIfTI"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="OUT", help="a .stl .ply .obj .vtp file, or a folder"
    )
    parser.add_argument(
        "--geometry", type=Path, metavar="JSON", help="a sidecar for all images (default: each one's own)"
    )
    parser.add_argument("--level", metavar="L3", help=f"one of {', '.join(LEVELS)}")
    parser.add_argument(
        "--box", type=float, nargs=4, metavar=("U0", "V0", "U1", "V1"), help="pixels around the vertebra"
    )
    parser.add_argument("--sdd", type=float, metavar="MM", help="source-detector distance")
    parser.add_argument("--sod", type=float, metavar="MM", help="source-object distance: the vertebra's depth")
    parser.add_argument(
        "--pixel-spacing", type=float, nargs="+", metavar="MM", help="at the detector: one number, or u and v"
    )
    parser.add_argument("--report", type=Path, metavar="JSON", help="geometry, weights, device, times, warnings")
    add_weights(parser)
    add_device(parser)


def add_compare(adders) -> None:
    example = "revert compare L3.stl Resources/sample/segmentation.nii.gz --label 22 --align rigid"
    summary = (
        "Dice, HD95, ASSD, NSD, Chamfer and volume of a surface against the truth, the constant control beside it."
    )
    parser = add_command(adders, "compare", commands.compare, summary, example)
    parser.add_argument("mesh", type=Path, metavar="MESH")
    parser.add_argument("target", type=Path, metavar="TARGET", help="a mesh or a label map")
    parser.add_argument("--label", type=int, metavar="N", help="of the label map (VerSe: L1..L5 = 20..24)")
    parser.add_argument("--level", metavar="L3", help="which mean vertebra is the control (default: by label, else L3)")
    parser.add_argument("--align", default="none", metavar="none|translation|rigid|similarity")
    parser.add_argument("--report", type=Path, metavar="JSON")


def add_drr(adders) -> None:
    example = "revert drr ct.nii.gz segmentation.nii.gz --label 22 --yaw 90 -o L3.png --mesh L3_truth.stl"
    summary = "A radiograph computed from a CT, its geometry beside it, and the true surface in the camera frame."
    parser = add_command(adders, "drr", commands.drr, summary, example)
    parser.add_argument("ct", type=Path, metavar="CT")
    parser.add_argument("segmentation", type=Path, metavar="SEG")
    parser.add_argument("--label", type=int, required=True, metavar="N", help="VerSe: L1..L5 = 20..24")
    for angle, what in (
        ("yaw", "about the superior axis"),
        ("pitch", "about the camera's X"),
        ("roll", "about the beam"),
    ):
        parser.add_argument(f"--{angle}", type=float, default=0.0, metavar="DEG", help=f"{what} (default 0: AP)")
    parser.add_argument("--sdd", type=float, default=1020.0, metavar="MM")
    parser.add_argument("--sod", type=float, default=600.0, metavar="MM")
    parser.add_argument(
        "--pixel-spacing", type=float, metavar="MM", help="at the detector (default: 130 mm at the vertebra)"
    )
    parser.add_argument("--size", type=int, default=224, metavar="PX")
    parser.add_argument("--context", action="store_true", help="the whole CT instead of the vertebra alone")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.png")
    parser.add_argument("--mesh", type=Path, metavar="OUT.stl")


def add_evaluate(adders) -> None:
    example = "revert evaluate dataset --against runs/sphere/model.safetensors --report report"
    summary = "A page of tables and pictures: how far off weights are, with controls and a ceiling beside them."
    parser = add_command(adders, "evaluate", commands.evaluate, summary, example)
    parser.add_argument("dataset", type=Path, metavar="DATASET")
    parser.add_argument("--report", type=Path, metavar="DIR")
    parser.add_argument(
        "--against",
        action="extend",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="other weights to be measured beside them",
    )
    add_weights(parser)
    add_device(parser)


def add_demo(adders) -> None:
    example = "revert demo"
    summary = "Reconstructs the bundled real vertebra, compares it with its CT and draws one picture."
    parser = add_command(adders, "demo", commands.demo, summary, example)
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    add_weights(parser)
    add_device(parser)
