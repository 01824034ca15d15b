"""Figures that take hours, line by line in a CSV file: what is there already is not measured again."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

DECIMALS = 4


@dataclass(frozen=True)
class Rows:
    """A CSV file with a head, which need not be there yet. keys: the columns that tell its lines apart."""

    path: Path
    keys: Sequence[str]

    @property
    def lines(self) -> list[dict[str, str]]:
        """By column."""
        if not self.path.is_file():
            return []
        with self.path.open(newline="") as file:
            return list(csv.DictReader(file))

    @property
    def done(self) -> set[tuple[str, ...]]:
        """The keys of what is there."""
        return {tuple(line[key] for key in self.keys) for line in self.lines}

    def add(self, line: dict[str, object]) -> None:
        """Adds a line, by column in the order of the head."""
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, line, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow({k: round(v, DECIMALS) if isinstance(v, float) else v for k, v in line.items()})
