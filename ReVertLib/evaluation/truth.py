"""True surfaces in files, kept for the next image of the vertebra."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ReVertLib.mesh.distance import check_closed
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import Surface


def true_surface(path: Path) -> Mesh:
    """A closed surface in a file. Raises InputError for one that is not."""
    return _true_surface(*_as_it_is(path))


def measured_truth(path: Path, samples: int) -> Surface:
    """What every answer is held against. samples: points on it."""
    return _measured_truth(samples, *_as_it_is(path))


def _as_it_is(path: Path) -> tuple[Path, int, int]:
    about = path.stat()
    return path, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=1)
def _true_surface(path: Path, *_: int) -> Mesh:
    mesh = read_mesh(path)
    check_closed(mesh, f"mesh {path.name}")
    return mesh


@lru_cache(maxsize=1)
def _measured_truth(samples: int, path: Path, *as_it_is: int) -> Surface:
    return Surface(_true_surface(path, *as_it_is), samples, 1)
