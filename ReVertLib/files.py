"""Writing files whole or not at all, and knowing whether one that is read is whole."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from .errors import InputError, one_line


def existing_file(path: str | Path, what: str) -> Path:
    """path as a Path if it is a file; raises InputError otherwise. what: its kind, for the message."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{what} {path.name}: expected an existing file, got none")
    return path


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


def check_folder(path: str | Path, what: str = "output") -> Path:
    """path as a folder that is there or could be made, and written in; nothing is made. Raises InputError otherwise."""
    path = Path(path).absolute()
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if not nearest.is_dir():
        raise InputError(f"{what}: expected a folder that can be made, got the file {nearest.name!r}")
    check_writable(nearest / "file", what)
    return path


def made_folder(path: str | Path, what: str = "output") -> Path:
    """path as a folder that exists and can be written in; raises InputError otherwise."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{what}: expected a folder that can be made, got {one_line(error)}") from error
    check_writable(path / "file", what)
    return path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A temporary path with the same suffix beside path; it takes path's place only if the block succeeds and all of it
    has reached the disk. The block may raise OSError, or write by a library that does; what else a library knows of its
    failures is for the block to find out. Raises InputError for a file that cannot be written."""
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o666 & ~_umask())  # some writers make files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            f"output {path.name}: expected to be written, got {error.strerror or one_line(error)}"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def utf8_name(path: str | Path) -> str:
    """The path as text for libraries in C++, which end the process for a name that is not UTF-8: as it is, or a link to
    it that lives as long as this process. Raises InputError where links cannot be made."""
    try:
        str(path).encode()
        return str(path)
    except UnicodeEncodeError:
        suffixes = "".join(Path(path).suffixes[-2:]).encode("ascii", "ignore").decode()
    link = Path(_links().name) / f"{next(_numbers)}{suffixes}"
    try:
        link.symlink_to(os.path.abspath(path))
    except OSError as error:
        raise InputError(f"name {Path(path).name}: expected one in UTF-8, got other bytes") from error
    return str(link)


@cache
def _links() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="revert-")


_numbers = itertools.count()


def _flush(path: Path) -> None:
    """Raises OSError for a file that is empty or does not reach the disk; some file systems only then say so."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
        if not file.seek(0, os.SEEK_END):
            raise OSError("an empty file")


def _umask() -> int:
    """The permissions this process takes from new files; asking for it means setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_json(path: str | Path, content: object) -> None:
    """Writes plain data, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


@cache
def code_hash() -> str:
    """A short hash of the library's files: checkouts of one version may differ."""
    digest, root = hashlib.sha256(), Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:8]


def is_whole_gzip(path: Path) -> bool:
    """Whether a gzip file can be unpacked to its end."""
    try:
        with gzip.open(path) as file:
            while file.read(1 << 20):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    return True
