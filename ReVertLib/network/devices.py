"""Where networks compute. torch is loaded only to be asked for a GPU that may be there."""

from __future__ import annotations

import platform
import sys
from importlib.util import find_spec
from pathlib import Path

from ReVertLib.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")
DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"), Path("C:/Windows/System32/nvcuda.dll"))
"""One of these is there where torch may find a GPU: NVIDIA's on Linux, under WSL, AMD's, NVIDIA's on Windows."""


def chosen_device(name: str) -> str:
    """The device of a name of DEVICES; "auto" is the first of cuda, mps and cpu there is. Raises InputError when it is
    absent."""
    if name not in DEVICES:
        raise InputError(f"device: expected one of {', '.join(DEVICES)}, got {name[:40]!r}")
    if name == "cpu" or (name == "auto" and not _may_have_a_gpu()):
        return "cpu"
    there = {"cuda": _cuda, "mps": _mps, "cpu": lambda: True}
    if name == "auto":
        return next(device for device, is_there in there.items() if is_there())
    if not there[name]():
        raise InputError(f"device: expected a {name} device on this machine, got none; use auto or cpu")
    return name


def _may_have_a_gpu() -> bool:
    if find_spec("torch") is None:
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return any(path.exists() for path in DRIVERS)


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _mps() -> bool:
    import torch

    return torch.backends.mps.is_available()
