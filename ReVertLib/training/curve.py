"""The losses of a run on disk, a row for every so many steps."""

from __future__ import annotations

import csv
from pathlib import Path

from ReVertLib.files import whole_file


def cut(curve: Path, step: int) -> None:
    """Takes the rows after step off a curve: a killed run wrote them, and the resumed one writes them again."""
    if curve.exists():
        header, *rows = curve.read_bytes().splitlines(keepends=True)
        with whole_file(curve) as temporary:
            temporary.write_bytes(b"".join([header, *(row for row in rows if int(row.split(b",")[0]) <= step)]))


def append(curve: Path, row: dict[str, float]) -> None:
    """Adds a row, and the header before the first one."""
    new = not curve.exists()
    with curve.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
