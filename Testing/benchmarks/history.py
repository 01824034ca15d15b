"""The ratios of earlier runs, so that one that has become worse is seen.

`history.jsonl` has a line a run and script: date, version, machine, how many cores others used, and by name how many
times as long the other one takes as ours. Only runs on a machine of the same kind, with as many threads, are compared.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
from machine import processor, used_by_others

from ReVertLib import __version__

FILE = Path(__file__).with_name("history.jsonl")
IDLE = 0.3
"""Cores that others use, at most, in a run that later ones are held against."""
LEAST_RUNS = 3
"""Of which a median and a spread can be told."""


def recorded(ratios: dict[str, float], threads: int, file: Path = FILE) -> str:
    """Adds a run, and says of each ratio, a line each, what it was before where others left the machine alone."""
    if not ratios:
        return "nothing to record: no other takes part"
    kind = f"{processor()}, {threads} threads"
    lines = file.read_text().splitlines() if file.exists() else []
    earlier = [run["ratios"] for run in map(json.loads, lines) if run["machine"] == kind and run["others"] < IDLE]
    run = {"date": date.today().isoformat(), "version": __version__, "machine": kind}
    run |= {"others": round(used_by_others()[0], 1), "ratios": {name: round(r, 3) for name, r in ratios.items()}}
    with file.open("a") as opened:
        opened.write(json.dumps(run) + "\n")
    said = [beside(name, ratio, [one[name] for one in earlier if name in one]) for name, ratio in ratios.items()]
    return "\n".join([f"{'x ours':<44} {'now':>8} {'median':>8} {'spread':>8}", *said])


def beside(name: str, ratio: float, earlier: list[float]) -> str:
    """A ratio beside those of earlier runs; the spread is between their quartiles."""
    if len(earlier) < LEAST_RUNS:
        return f"{name:<44} {ratio:8.2f}   {len(earlier)} earlier runs on such a machine"
    low, median, high = np.percentile(earlier, [25, 50, 75])
    worse = "   WORSE than before" if ratio < median - (high - low) else ""
    return f"{name:<44} {ratio:8.2f} {median:8.2f} {high - low:8.2f}{worse}"
