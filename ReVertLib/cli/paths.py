"""Outputs of a command that would replace its inputs, or each other: known before any work."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from ReVertLib.errors import InputError
from ReVertLib.geometry.sidecar import sidecar_path
from ReVertLib.resources import WEIGHTS_FILE

Named = tuple[str, Path | None]
"""What a file is, and where; None for one that was not given."""


def check_apart(outputs: Iterable[Named], inputs: Iterable[Named]) -> None:
    """Raises InputError where an output is an input or another output, whatever the path is written like: by another
    spelling, through a link, or in other letters where the file system does not tell them apart."""
    taken: dict[object, list[Named]] = {}
    for what, path in inputs:
        for key in _keys(path) if path else ():
            taken.setdefault(key, []).append((what, path))
    for what, path in outputs:
        keys = _keys(path) if path else []
        for other, its in (named for key in keys for named in taken.get(key, ())):
            if _is_one(path, its):
                raise InputError(f"{what} {path.name}: expected a file of its own, got that of the {other}")
        for key in keys:
            taken.setdefault(key, []).append((what, path))


def image_files(path: Path) -> list[Named]:
    """A radiograph and its sidecar, which may not be there yet: what is written in its place would be read as one."""
    return [("image", path), ("sidecar", sidecar_path(path))]


def weights_files(path: Path | None, what: str = "weights") -> list[Named]:
    """Weights, by default the shipped ones, and their hash."""
    path = path or WEIGHTS_FILE
    return [(what, path), (f"hash of the {what}", path.with_name(f"{path.name}.sha256"))]


def _keys(path: Path) -> list[object]:
    """What two paths to one file have in common: the file, if it is there, or the name but for letters."""
    found = [_folded(os.path.realpath(path))]
    if path.exists():
        found.append((path.stat().st_dev, path.stat().st_ino))
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_one(path: Path, other: Path) -> bool:
    """Whether two paths with a key in common are one file."""
    if path.exists() and other.exists():
        return os.path.samefile(path, other)
    first, second = os.path.realpath(path), os.path.realpath(other)
    if first == second:
        return True
    folder = os.path.dirname(first)
    return os.path.dirname(second) == folder and _tells_no_letters_apart(folder, path.name, other.name)


def _tells_no_letters_apart(folder: str, name: str, other: str) -> bool:
    """Whether two names that differ in letters are one in a folder."""
    try:
        with tempfile.TemporaryDirectory(dir=folder) as probe:
            (Path(probe) / name).touch()
            return (Path(probe) / other).exists()
    except OSError:
        return True
