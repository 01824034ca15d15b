"""Where the files lie that the library reads at run time: weights, graphs of networks, template, shape model, cases."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _resources() -> Path:
    """The folder of resources: inside an installed wheel, beside the package in a checkout and in Slicer."""
    packaged = _HERE / "Resources"
    return packaged if packaged.is_dir() else _HERE.parent / "Resources"


RESOURCES = _resources()
TEMPLATE_FILE = RESOURCES / "template.npz"
SHAPE_MODEL_FILE = RESOURCES / "shape_model.npz"
WEIGHTS_FILE = RESOURCES / "weights" / "context.safetensors"
FINDER_FILE = RESOURCES / "weights" / "finder.safetensors"
GRAPHS_FILE = RESOURCES / "networks" / "graphs.json"
SAMPLE_FOLDER = RESOURCES / "sample"
DEMO_FOLDER = RESOURCES / "demo"
FILM_FOLDER = RESOURCES / "film"
