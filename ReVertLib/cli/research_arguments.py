"""The arguments of the sub-commands that make data, shapes and weights."""

from __future__ import annotations

from pathlib import Path

from . import research_commands
from .arguments import add_command, add_device, add_weights


def add_dataset(adders) -> None:
    example = "revert dataset VerSe dataset --views seed"
    summary = "DRRs, sidecars, poses and meshes of every lumbar vertebra in a folder of CTs; resumes when run again."
    parser = add_command(adders, "dataset", research_commands.dataset, summary, example)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--views", default="seed", metavar="seed|clinical")
    parser.add_argument("--context", action="store_true", help="the whole CT instead of the vertebra alone")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: all cores)")


def add_shapes(adders) -> None:
    example = "revert shapes data runs/shapes.npz"
    summary = "The template registered to every vertebra T11-L5 of a folder, and to its mirror image."
    parser = add_command(adders, "shapes", research_commands.shapes, summary, example)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("output", type=Path, metavar="OUT.npz")
    parser.add_argument(
        "--rebuild-template", action="store_true", help="first make the template anew from ROOT/mean_of_87"
    )


def add_shape_model(adders) -> None:
    example = "revert shape-model data runs/shapes.npz runs/shape_model"
    summary = "A shape model of registered vertebrae, and how it does on people left out one at a time."
    parser = add_command(adders, "shape-model", research_commands.shape_model, summary, example)
    parser.add_argument("root", type=Path, metavar="ROOT")
    parser.add_argument("shapes", type=Path, metavar="SHAPES.npz")
    parser.add_argument("output", type=Path, metavar="OUT")


def add_world(adders) -> None:
    samples = "Training samples from sampled shapes, warped CTs and drawn bone; resumes when run again."
    people = "Synthetic people, T11 to the sacrum and all around it, as CTs and label maps; resumes when run again."
    of_samples = ("world", research_commands.world, samples, "--shards", 100, "of 256 samples")
    of_people = ("spines", research_commands.spines, people, "--count", 10, "of people")
    for name, run, summary, option, count, of in (of_samples, of_people):
        parser = add_command(adders, name, run, summary, f"revert {name} data runs/shapes.npz runs/{name} {option} 200")
        for path, shown in (("root", "ROOT"), ("shapes", "SHAPES.npz"), ("output", "OUT")):
            parser.add_argument(path, type=Path, metavar=shown)
        parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="draw every second shape from it")
        parser.add_argument(option, type=int, default=count, metavar="N", help=f"{of} (default {count})")
        parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first, to share work")
        parser.add_argument("--seed", type=int, default=0)
        if name == "world":
            parser.add_argument("--context", action="store_true", help="whole people instead of vertebrae alone")


def add_likeness(adders) -> None:
    summary = "How alike sampled and real vertebrae look, measured and side by side."
    example = "revert likeness data runs/shapes.npz runs/likeness"
    parser = add_command(adders, "likeness", research_commands.likeness, summary, example)
    for path, shown in (("root", "ROOT"), ("shapes", "SHAPES.npz"), ("output", "OUT")):
        parser.add_argument(path, type=Path, metavar=shown)
    parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="draw every second shape from it")
    parser.add_argument("--seed", type=int, default=0)


def add_train(adders) -> None:
    example = "revert train runs/world runs/template --steps 20000"
    summary = "Trains a network on a training world or on a data set; resumes when run again."
    parser = add_command(adders, "train", research_commands.train, summary, example)
    parser.add_argument("samples", type=Path, metavar="DATA", help="a folder of `revert world` or of `revert dataset`")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--live", type=Path, metavar="SHAPES.npz", help="made on the way from these and DATA's cases")
    parser.add_argument("--model", type=Path, metavar="MODEL.npz", help="--live: draw every second shape from it")
    parser.add_argument("--volumes", type=int, default=256, metavar="N", help="--live: held at once (default 256)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="--live: processes that renew them")
    parser.add_argument("--start", type=Path, metavar="FILE", help="finished weights to begin with")
    parser.add_argument("--architecture", default="template", metavar="template|sphere")
    parser.add_argument("--steps", type=int, default=20_000, metavar="N")
    parser.add_argument("--batch", type=int, default=32, metavar="N")
    parser.add_argument("--learning-rate", type=float, default=1e-3, metavar="X")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--filmed", type=float, default=0.5, metavar="X", help="share of images made into films")
    parser.add_argument("--data-note", default="", metavar="TEXT", help="data and licence, kept in the weights")
    add_device(parser)


def add_calibrate(adders) -> None:
    example = "revert calibrate runs/world dataset runs/judging.safetensors --weights runs/template/model.safetensors"
    summary = "Teaches finished weights what error to expect and which images they know; surfaces stay as they are."
    parser = add_command(adders, "calibrate", research_commands.calibrate, summary, example)
    parser.add_argument("world", type=Path, metavar="WORLD", help="new samples of `revert world`, not trained on")
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="of people not trained on, to scale to")
    parser.add_argument("output", type=Path, metavar="OUT.safetensors")
    parser.add_argument("--steps", type=int, default=3000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    add_weights(parser)
