"""Writing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError, one_line


def check_writable(path: str | Path, what: str = "output") -> Path:
    """path as a Path if a file can be created there, before any work is done; raises InputError otherwise."""
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"{what}: expected an existing folder for {path.name}, got {str(folder)!r}")
    if path.is_dir():
        raise InputError(f"{what}: expected a file, got the folder {str(path)!r}")
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise InputError(f"{what}: expected a folder that can be written, got {one_line(error)}") from error
    return path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path with the same suffix beside path; it takes path's place only if the block succeeds."""
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"output {path.name}: expected to be written, got {one_line(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)
