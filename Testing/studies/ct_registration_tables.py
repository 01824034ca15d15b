"""The tables of `ct_registration`, of its lines as text."""

from __future__ import annotations

import numpy as np

from ReVertLib.ct_registration.records import ACCEPTED, REFUSED

ACROSS_MM, TURNED_DEG = 0.5, 1.0
"""What is asked of one view in context."""


def tables(lines: list[dict[str, str]]) -> str:
    """In Markdown: of all tests, and of `film` by level and by view."""
    films = [line for line in lines if line["test"] == "film"]
    parts = [table(lines)]
    for name, of in (("level", "level"), ("view", "film")):
        by = [line | {"test": line[of].split(" ", of == "film")[-1]} for line in films]
        parts.append(f"By {name}, of `film`:\n\n{table(by)}")
    return "\n\n".join(parts)


def table(lines: list[dict[str, str]]) -> str:
    """In Markdown, a row for each test: how many, the start, all ends, and those that were accepted."""
    head = (
        "| test | n | start: across, along, turned | end, median | 95 % below | within 0.5 mm and 1 degree | accepted |"
    )
    head += " of these within | refused | CPU s each |\n" + "|---" * 10 + "|"
    rows = [head]
    for test in dict.fromkeys(line["test"] for line in lines):
        found = [line for line in lines if line["test"] == test]
        start, end = (
            np.abs([[float(line[f"{p}{k}"]) for k in ("across_mm", "along_mm", "turned_deg")] for line in found])
            for p in ("start_", "")
        )
        within = (end[:, 0] <= ACROSS_MM) & (end[:, 2] <= TURNED_DEG)
        words = np.array([line["word"] for line in found])
        taken = words == ACCEPTED
        columns = [
            test,
            str(len(found)),
            _three(np.median(start, 0)),
            _three(np.median(end, 0)),
            _three(np.percentile(end, 95, 0)),
            f"{within.mean():.0%}",
            f"{taken.mean():.0%}" if words.any() else "",
            f"{within[taken].mean():.0%}" if taken.any() else "",
            f"{(words == REFUSED).mean():.0%}" if words.any() else "",
            f"{np.mean([float(line['seconds']) for line in found]):.1f}",
        ]
        rows.append(f"| {' | '.join(columns)} |")
    return "\n".join(rows)


def _three(values: np.ndarray) -> str:
    return f"{values[0]:.2f}, {values[1]:.1f}, {values[2]:.1f}"
