"""What is known of spines, measured: the numbers of `spine.anatomy_prior`.

    python Testing/studies/chain_prior.py SHAPES.npz

SHAPES.npz is of `revert shapes`. Of every disc L1/L2 to L4/L5 of people whose vertebrae lie in one frame: height, slip
to the left and backward, bend, and by how much the lower vertebra is larger against its mean than the upper one; then
the size of each level against its mean. Means and standard deviations.
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
from ReVertLib.spine.chain import disc_between
from ReVertLib.spine.evidence import Evidence

FAR_MM = 30.0
"""Neighbours whose endplates are so far apart have frames of their own."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shapes", type=Path)
    rows = RegisteredVertebrae.load(parser.parse_args().shapes)
    rows = rows.only(rows.lumbar & ~rows.mirrored)
    levels = [LEVEL_OF_LABEL[label] for label in rows.label.tolist()]
    found = {
        (case, level): Evidence(level, Mesh(points, load_template().faces), 0.0)
        for case, level, points in zip(rows.case.tolist(), levels, rows.vertices, strict=True)
    }
    for above, below in pairwise(LEVELS):
        discs = [
            _disc(found[case, above], found[case, below])
            for case in sorted(set(rows.case.tolist()))
            if (case, above) in found and (case, below) in found
        ]
        table = np.array([disc for disc in discs if np.hypot(*disc[:2]) < FAR_MM])
        print(f"{above}/{below}", len(table), table.mean(0).round(2), table.std(0, ddof=1).round(2))
    for level in LEVELS:
        sizes = np.log([one.size for (_, of), one in found.items() if of == level])
        print(level, len(sizes), sizes.mean().round(3), sizes.std(ddof=1).round(3))


def _disc(above: Evidence, below: Evidence) -> list[float]:
    height_mm, slip_mm, bend_deg = disc_between(above.lower, below.upper)
    return [height_mm, *slip_mm, *bend_deg, float(np.log(below.size / above.size))]


if __name__ == "__main__":
    main()
