"""ReVert: one radiograph of a lumbar vertebra in, its surface in mm out.

    import ReVertLib as revert

    result = revert.reconstruct("L3.png", level="L3")
    comparison = revert.compare(result, "L3_truth.stl")
    radiographs = revert.drr("ct.nii.gz", "segmentation.nii.gz", label=22, views=[0, 25, 90])

The functions are described where they lie, in api/; docs/api.md is the tutorial. radiograph -> crop -> network -> mesh
in mm -> metrics: every room of this package imports only from those before it. It never imports slicer, qt or ctk;
`ReVert/ReVert.py` is the only file that knows Slicer.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from .startup import wait_passively

if TYPE_CHECKING:
    from .api.compare import compare
    from .api.drr import drr
    from .api.film import film
    from .api.fuse import fuse
    from .api.fuse_films import fuse_films
    from .api.measure import measure
    from .api.reconstruct import Result, reconstruct
    from .api.register import register
    from .errors import InputError
    from .geometry.camera import Geometry
    from .imaging.volume import Volume
    from .mesh.io import read_mesh, write_mesh
    from .mesh.mesh import Mesh
    from .metrics.records import Comparison
    from .projection.drr import Drr, DrrView

__version__ = "0.2.0"

wait_passively()

__all__ = [
    "Comparison",
    "Drr",
    "DrrView",
    "Geometry",
    "InputError",
    "Mesh",
    "Result",
    "Volume",
    "__version__",
    "compare",
    "drr",
    "film",
    "fuse",
    "fuse_films",
    "measure",
    "read_mesh",
    "reconstruct",
    "register",
    "write_mesh",
]

_HOMES = {
    "Comparison": "metrics.records",
    "Drr": "projection.drr",
    "DrrView": "projection.drr",
    "Geometry": "geometry.camera",
    "InputError": "errors",
    "Mesh": "mesh.mesh",
    "Result": "api.reconstruct",
    "Volume": "imaging.volume",
    "compare": "api.compare",
    "drr": "api.drr",
    "film": "api.film",
    "fuse": "api.fuse",
    "fuse_films": "api.fuse_films",
    "measure": "api.measure",
    "read_mesh": "mesh.io",
    "reconstruct": "api.reconstruct",
    "register": "api.register",
    "write_mesh": "mesh.io",
}
"""Where each name lies; it is imported when it is first asked for (PEP 562), so `import ReVertLib` costs nothing."""


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
