"""What a result was made with: versions and device."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from ReVertLib import __version__
from ReVertLib.startup import threads

PACKAGES = {"torch": "torch", "onnxruntime": "onnxruntime", "numpy": "numpy", "vtk": "vtkmodules"}
"""Packages whose versions a result carries where they are loaded, and their names for an import."""


def versions() -> dict[str, str]:
    """Of ReVert, Python and PACKAGES, by name; those that are not installed as Python packages, as Slicer's own VTK,
    are left out."""
    found = {"revert": __version__, "python": platform.python_version()}
    loaded = (name for name, module in PACKAGES.items() if module in sys.modules)
    return found | {name: version for name in loaded if (version := _version(name))}


def described(device: str) -> str:
    """A device by name, with its number of threads or its model."""
    if device == "cpu":
        count = threads()
        return f"CPU ({count} thread{'s' * (count > 1)})"
    if device == "mps":
        return "MPS (Apple GPU)"
    import torch

    return f"CUDA ({torch.cuda.get_device_name(device)})"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
