"""Triangle surfaces in mm: reading and writing, checking, measuring, drawing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .io import read_mesh, write_mesh
    from .mesh import Mesh

__all__ = ["Mesh", "read_mesh", "write_mesh"]

_HOMES = {"Mesh": "mesh", "read_mesh": "io", "write_mesh": "io"}
"""Where each name lies; it is imported when it is first asked for (PEP 562)."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
