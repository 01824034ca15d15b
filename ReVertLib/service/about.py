"""What a result was made with: versions and device."""

from __future__ import annotations

import platform
from importlib import metadata

from ReVertLib import __version__

PACKAGES = ("torch", "numpy", "vtk")
"""Packages whose versions a result carries."""


def versions() -> dict[str, str]:
    """Of ReVert, Python and PACKAGES, by name; those that are not installed as Python packages, as Slicer's own VTK,
    are left out."""
    found = {"revert": __version__, "python": platform.python_version()}
    return found | {name: version for name in PACKAGES if (version := _version(name))}


def described(device: object) -> str:
    """A torch device by name, with its number of threads or its model."""
    import torch

    kind = torch.device(device).type
    if kind == "cpu":
        count = torch.get_num_threads()
        return f"CPU ({count} thread{'s' * (count > 1)})"
    return f"CUDA ({torch.cuda.get_device_name(device)})" if kind == "cuda" else "MPS (Apple GPU)"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
