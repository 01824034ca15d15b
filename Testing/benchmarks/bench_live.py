"""Times training samples made on the fly: drawn, rendered and scaled, and with the augmentation of a training step.

    python Testing/benchmarks/bench_live.py [--device cuda] [--batch 256] [--volumes 64] [--workers 8] [--runs 20]

The world is the tests' own (the mean vertebrae, one CT of even bone), so that no data are needed; shapes, bone, scans
and views are drawn by the code that training uses. A CPU is slow at this: give it --batch 8 --volumes 4 --runs 5.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import closing

import torch
from bench import describe_machine  # first, for it finds the helpers of the tests
from tiny_patients import patient_sampler

from ReVertLib.training.augmentation import augmented
from ReVertLib.training.live import LiveSamples
from ReVertLib.training.volume_buffer import VolumeBuffer

MEASURED_FILLING_S = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", metavar="cpu|cuda")
    for option, default, what in (
        ("--batch", 256, "samples at once"),
        ("--volumes", 64, "vertebrae in the buffer"),
        ("--workers", 0, "processes that renew it meanwhile"),
        ("--runs", 20, "timed batches"),
    ):
        parser.add_argument(option, type=int, default=default, help=f"{what} (default %(default)s)")
    options = parser.parse_args()
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
    print(f"{describe_machine(torch.get_num_threads())}\nsamples on {name}", flush=True)
    started = time.monotonic()
    with closing(VolumeBuffer(patient_sampler().vertebrae, device, 0, options.volumes, options.workers)) as buffer:
        buffer.hold(options.volumes)
        rate = options.volumes / (time.monotonic() - started)
        held_mb = sum(tensor.nbytes for tensor in vars(buffer).values() if isinstance(tensor, torch.Tensor)) / 1e6
        print(f"filling: {rate:.2f} vertebrae/s with the start of {options.workers} processes")
        print(f"memory: {held_mb / options.volumes:.2f} MB a vertebra, {held_mb:.0f} MB in all", flush=True)
        for what, seconds in timed(buffer, device, options.batch, options.runs).items():
            print(f"{what:<60} {1e3 * seconds:9.1f} ms {options.batch / seconds:9.1f} samples/s", flush=True)
        if device.type == "cuda":
            print(f"peak memory of the device: {torch.cuda.max_memory_allocated(device) / 1e9:.2f} GB")
        if options.workers:
            began, before = time.monotonic(), buffer.held
            while time.monotonic() - began < MEASURED_FILLING_S:
                buffer.hold(buffer.held + 1)
            print(f"renewal: {(buffer.held - before) / (time.monotonic() - began):.2f} vertebrae/s at best")


def timed(buffer: VolumeBuffer, device: torch.device, count: int, runs: int) -> dict[str, float]:
    """Median seconds for a batch of count."""
    samples, index_random = LiveSamples(buffer), torch.Generator().manual_seed(0)

    def batch():
        return samples.batch(torch.randint(len(samples), (count,), generator=index_random), device)

    made, (host, own) = batch(), (torch.Generator(where).manual_seed(0) for where in ("cpu", device))
    contenders: dict[str, Callable[[], object]] = {
        "sampled": batch,
        "augmented, random numbers of the host": lambda: augmented(made, host),
        "augmented, random numbers of the device": lambda: augmented(made, own),
        "sampled and augmented, random numbers of the host": lambda: augmented(batch(), host),
        "sampled and augmented, random numbers of the device": lambda: augmented(batch(), own),
    }
    return {what: _median_s(run, device, runs) for what, run in contenders.items()}


def _median_s(run: Callable[[], object], device: torch.device, runs: int) -> float:
    seconds = []
    for _ in range(2 + runs):
        started = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - started)
    return float(torch.tensor(seconds[2:]).median())


if __name__ == "__main__":
    main()
