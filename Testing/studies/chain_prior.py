"""What is known of spines, measured: the numbers of `spine.anatomy_prior`, beside those in use.

    revert shapes data runs/shapes.npz
    python Testing/studies/chain_prior.py runs/shapes.npz

Of every disc L1/L2 to L4/L5 of people whose vertebrae lie in one frame: height, slip to the left and backward, bend,
and by how much the lower vertebra is larger against its mean than the upper one; then the size of each level against
the template's mean. Discs that slipped by more than SLIPPED_MM count for the bends alone. The spread of a bend is that
about the mean of its disc. A mean comes with its standard error.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.shape.library import RegisteredVertebrae
from ReVertLib.spine.anatomy_prior import (
    BEND_DEG,
    BEND_SD_DEG,
    DISC_HEIGHT_MM,
    DISC_HEIGHT_SD_MM,
    OWN_SIZE_SD,
    PERSON_SIZE_SD,
    SIZE,
    SLIP_MM,
    SLIP_SD_MM,
)
from ReVertLib.spine.chain import disc_between
from ReVertLib.spine.evidence import Evidence

FAR_MM = 30.0
"""Neighbours whose endplates are so far apart have frames of their own."""
SLIPPED_MM = 7.0
"""Of a slip, to any side."""


def discs_of(found: dict[tuple[str, str], Evidence]) -> tuple[np.ndarray, np.ndarray]:
    """(n, 7) of all discs: height, slip (2), bend (3), difference of logarithms of size; and (n,) which of the four it
    is. found: by case and level."""
    discs, which = [], []
    for i, (above, below) in enumerate(pairwise(LEVELS)):
        for case in sorted({case for case, level in found if level == above}):
            if (case, below) in found:
                discs.append(_disc(found[case, above], found[case, below]))
                which.append(i)
    near = np.hypot(*np.array(discs)[:, :2].T) < FAR_MM
    return np.array(discs)[near], np.array(which)[near]


def _disc(above: Evidence, below: Evidence) -> list[float]:
    height_mm, slip_mm, bend_deg = disc_between(above.lower, below.upper)
    return [height_mm, *slip_mm, *bend_deg, float(np.log(below.size / above.size))]


def table_line(name: str, measured: list[float], errors: list[float], in_use: np.ndarray | float, digits: int) -> str:
    """A line of the table. errors: standard errors, empty where there are none."""
    texts = [f"{value:.{digits}f}" for value in measured]
    texts = (
        [f"{text} ± {error:.{digits}f}" for text, error in zip(texts, errors, strict=True)] if len(errors) else texts
    )
    return f"| {name} | {', '.join(texts)} | {', '.join(f'{value:.{digits}f}' for value in np.atleast_1d(in_use))} |"


def tables(found: dict[tuple[str, str], Evidence]) -> list[str]:
    """The lines of the table."""
    discs, which = discs_of(found)
    whole = discs[(np.abs(discs[:, 1:3]) < SLIPPED_MM).all(1)]
    means, spread, count = whole.mean(0), whole.std(0, ddof=1), np.sqrt(len(whole))
    bends = [discs[which == i, 3:6] for i in range(4)]
    about = np.concatenate([bend - bend.mean(0) for bend in bends])
    bend_sd = np.sqrt((about**2).sum(0) / (len(about) - 4))
    sizes = [np.log([one.size for (_, of), one in found.items() if of == level]) for level in LEVELS]
    lines = [f"| {len(discs)} discs, {len(whole)} without slips | measured | in use |\n|---|---|---|"]
    lines.append(table_line("height, mm", means[:1], spread[:1] / count, DISC_HEIGHT_MM, 1))
    lines.append(table_line("its deviation", spread[:1], [], DISC_HEIGHT_SD_MM, 1))
    lines.append(table_line("slip to the left and backward, mm", means[1:3], spread[1:3] / count, SLIP_MM, 1))
    lines.append(table_line("its deviation", spread[1:3], [], SLIP_SD_MM, 1))
    for i, bend in enumerate(bends):
        name = f"bend of {LEVELS[i]}/{LEVELS[i + 1]} ({len(bend)}), degrees"
        lines.append(table_line(name, bend.mean(0), bend.std(0, ddof=1) / np.sqrt(len(bend)), BEND_DEG[i], 1))
    lines.append(table_line("its deviation", bend_sd, [], BEND_SD_DEG, 1))
    for level, size in zip(LEVELS, sizes, strict=True):
        error = size.std(ddof=1) / np.sqrt(len(size))
        lines.append(table_line(f"log size of {level} ({len(size)})", [size.mean()], [error], SIZE[level], 3))
    between = np.mean([size.std(ddof=1) for size in sizes])
    lines.append(table_line("its deviation, people", [between], [], PERSON_SIZE_SD, 3))
    own = whole[:, 6].std(ddof=1) / np.sqrt(2)
    lines.append(table_line("one vertebra's own", [own], [], OWN_SIZE_SD, 3))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", type=Path)
    rows = RegisteredVertebrae.load(parser.parse_args().shapes)
    rows = rows.only(rows.lumbar & ~rows.mirrored)
    found = {
        (case, LEVEL_OF_LABEL[label]): Evidence(LEVEL_OF_LABEL[label], Mesh(points, load_template().faces), 0.0)
        for case, label, points in zip(rows.case.tolist(), rows.label.tolist(), rows.vertices, strict=True)
    }
    print("\n".join(tables(found)))


if __name__ == "__main__":
    main()
