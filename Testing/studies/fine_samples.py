"""Training samples in more pixels than a network of ours takes, for the rows of `ablations.py` about pixels.

    python Testing/studies/fine_samples.py DATA SHAPES.npz OUT [--shards 40] [--first 0] [--pixels 224]

The same vertebrae in the same views as `revert simulate` without a model makes of the same numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.synthesis.shapes import load_vertebra_sampler
from ReVertLib.training.shards import make_shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("data", "shapes", "out"):
        parser.add_argument(name, type=Path)
    for option, default in (("--shards", 40), ("--first", 0), ("--pixels", 224)):
        parser.add_argument(option, type=int, default=default, help="(default %(default)s)")
    options = parser.parse_args()
    sampler = load_vertebra_sampler(options.data, options.shapes)
    options.out.mkdir(parents=True, exist_ok=True)
    for number in range(options.first, options.first + options.shards):
        make_shard(sampler, 0, number, options.pixels).save(options.out / f"shard_{number:05d}.npz")
        print(f"shard {number}", flush=True)


if __name__ == "__main__":
    main()
