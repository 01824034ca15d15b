"""The `revert` command: one sub-command for each thing the library does.

Exit codes: 0 done, 2 bad input (one line on stderr says what, what was expected, what came), 1 our fault, 130 stopped
by the user. Heavy libraries are imported by the sub-command that needs them.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from . import __version__, commands
from .errors import InputError, one_line
from .geometry import LEVELS

NOTICE = "Research software, not a medical device."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, as for every other bad input."""

    def error(self, message: str) -> None:
        raise InputError(f"{one_line(ValueError(message))}; see {self.prog} --help")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            options.run(options, _silent if options.quiet else _say)
    except InputError as error:
        print(f"revert: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("revert: stopped; what was finished is kept", file=sys.stderr)
        return 130
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _show_warning(message: Warning | str, *_, **__) -> None:
    print(f"revert: warning: {message}", file=sys.stderr)


def _silent(text: str) -> None:
    """Progress that nobody wants to see."""


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="revert", description=f"One radiograph of a lumbar vertebra in, its surface in mm out. {NOTICE}"
    )
    parser.add_argument("--version", action="version", version=f"revert {__version__}")
    adders = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    making = (_dataset, _shapes, _shape_model, _world, _likeness, _train, _calibrate)
    for add in (_reconstruct, _compare, _drr, *making, _evaluate, _demo):
        add(adders)
    return parser


def _command(adders, name: str, run: Callable, summary: str, example: str) -> argparse.ArgumentParser:
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


def _device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda|mps", help="where to compute (default auto)")


def _weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="a .safetensors with its .sha256 (default: shipped)"
    )


def _reconstruct(adders) -> None:
    example = "revert reconstruct Resources/sample/verse008_L3_ap.png -o L3.stl --report L3.json"
    summary = "The vertebra in a radiograph as a surface in the camera frame, mm."
    parser = _command(adders, "reconstruct", commands.reconstruct, summary, example)
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
    _weights(parser)
    _device(parser)


def _compare(adders) -> None:
    example = "revert compare L3.stl Resources/sample/segmentation.nii.gz --label 22 --align rigid"
    summary = (
        "Dice, HD95, ASSD, NSD, Chamfer and volume of a surface against the truth, the constant control beside it."
    )
    parser = _command(adders, "compare", commands.compare, summary, example)
    parser.add_argument("mesh", type=Path, metavar="MESH")
    parser.add_argument("target", type=Path, metavar="TARGET", help="a mesh or a label map")
    parser.add_argument("--label", type=int, metavar="N", help="of the label map (VerSe: L1..L5 = 20..24)")
    parser.add_argument("--level", metavar="L3", help="which mean vertebra is the control (default: by label, else L3)")
    parser.add_argument("--align", default="none", metavar="none|translation|rigid|similarity")
    parser.add_argument("--report", type=Path, metavar="JSON")


def _drr(adders) -> None:
    example = "revert drr ct.nii.gz segmentation.nii.gz --label 22 --yaw 90 -o L3.png --mesh L3_truth.stl"
    summary = "A radiograph computed from a CT, its geometry beside it, and the true surface in the camera frame."
    parser = _command(adders, "drr", commands.drr, summary, example)
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


def _dataset(adders) -> None:
    example = "revert dataset VerSe dataset --views seed"
    summary = "DRRs, sidecars, poses and meshes of every lumbar vertebra in a folder of CTs; resumes when run again."
    parser = _command(adders, "dataset", commands.dataset, summary, example)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--views", default="seed", metavar="seed|clinical")
    parser.add_argument("--context", action="store_true", help="the whole CT instead of the vertebra alone")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: all cores)")


def _shapes(adders) -> None:
    example = "revert shapes data runs/shapes.npz"
    summary = "The template registered to every vertebra T11-L5 of a folder, and to its mirror image."
    parser = _command(adders, "shapes", commands.shapes, summary, example)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("output", type=Path, metavar="OUT.npz")
    parser.add_argument(
        "--rebuild-template", action="store_true", help="first make the template anew from ROOT/mean_of_87"
    )


def _shape_model(adders) -> None:
    example = "revert shape-model data runs/shapes.npz runs/shape_model"
    summary = "A shape model of registered vertebrae, and how it does on people left out one at a time."
    parser = _command(adders, "shape-model", commands.shape_model, summary, example)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("shapes", type=Path, metavar="SHAPES.npz")
    parser.add_argument("output", type=Path, metavar="OUT")


def _world(adders) -> None:
    samples = "Training samples from sampled shapes, warped CTs and drawn bone; resumes when run again."
    people = "Synthetic people, T11 to the sacrum and all around it, as CTs and label maps; resumes when run again."
    of_samples = ("world", commands.world, samples, "--shards", 100, "of 256 samples")
    of_people = ("spines", commands.spines, people, "--count", 10, "of people")
    for name, run, summary, option, count, of in (of_samples, of_people):
        parser = _command(adders, name, run, summary, f"revert {name} data runs/shapes.npz runs/{name} {option} 200")
        for path, shown in (("root", "ROOT"), ("shapes", "SHAPES.npz"), ("output", "OUT")):
            parser.add_argument(path, type=Path, metavar=shown)
        parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="draw from a shape model instead")
        parser.add_argument(option, type=int, default=count, metavar="N", help=f"{of} (default {count})")
        parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first, to share work")
        parser.add_argument("--seed", type=int, default=0)


def _likeness(adders) -> None:
    summary = "How alike sampled and real vertebrae look, measured and side by side."
    example = "revert likeness data runs/shapes.npz runs/likeness"
    parser = _command(adders, "likeness", commands.likeness, summary, example)
    for path, shown in (("root", "ROOT"), ("shapes", "SHAPES.npz"), ("output", "OUT")):
        parser.add_argument(path, type=Path, metavar=shown)
    parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="draw from a shape model instead")
    parser.add_argument("--seed", type=int, default=0)


def _train(adders) -> None:
    example = "revert train runs/world runs/template --steps 20000"
    summary = "Trains a network on a training world or on a data set; resumes when run again."
    parser = _command(adders, "train", commands.train, summary, example)
    parser.add_argument("samples", type=Path, metavar="DATA", help="a folder of `revert world` or of `revert dataset`")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--architecture", default="template", metavar="template|sphere")
    parser.add_argument("--steps", type=int, default=20_000, metavar="N")
    parser.add_argument("--batch", type=int, default=32, metavar="N")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="X")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-note", default="", metavar="TEXT", help="data and licence, kept in the weights")
    _device(parser)


def _calibrate(adders) -> None:
    example = "revert calibrate runs/world dataset runs/judging.safetensors --weights runs/template/model.safetensors"
    summary = "Teaches finished weights what error to expect and which images they know; surfaces stay as they are."
    parser = _command(adders, "calibrate", commands.calibrate, summary, example)
    parser.add_argument("world", type=Path, metavar="WORLD", help="new samples of `revert world`, not trained on")
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="of people not trained on, to scale to")
    parser.add_argument("output", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--steps", type=int, default=3000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    _weights(parser)


def _evaluate(adders) -> None:
    example = "revert evaluate dataset --weights runs/template/model.safetensors --report report"
    summary = "Tables and plots per level and per view, in three alignments, with the controls."
    parser = _command(adders, "evaluate", commands.evaluate, summary, example)
    parser.add_argument("dataset", type=Path, metavar="DATASET")
    parser.add_argument("--report", type=Path, metavar="DIR")
    _weights(parser)
    _device(parser)


def _demo(adders) -> None:
    example = "revert demo"
    summary = "Reconstructs the bundled real vertebra, compares it with its CT and draws one picture."
    parser = _command(adders, "demo", commands.demo, summary, example)
    parser.add_argument("-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="default: demo")
    _weights(parser)
    _device(parser)


if __name__ == "__main__":
    sys.exit(main())
