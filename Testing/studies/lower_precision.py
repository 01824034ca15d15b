"""What less than single precision brings: the network in int8 and in bfloat16, how long it takes, and how far its
surfaces go from those in single precision.

    python Testing/studies/lower_precision.py FOLDER [--images 40]

FOLDER is a data set of `revert dataset`. Half of the images set the ranges of int8, the others are measured. One
thread, the least time of turns; needs the packages of `revert export`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "Testing" / "benchmarks")]

import ReVertLib  # noqa: E402, F401, I001 - before torch: threads wait as in use
import torch  # noqa: E402
from machine import describe_machine  # noqa: E402
from onnxruntime import InferenceSession, SessionOptions  # noqa: E402
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static  # noqa: E402

from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path  # noqa: E402
from ReVertLib.geometry.views import view_rotation  # noqa: E402
from ReVertLib.imaging.crop import crop_vertebra  # noqa: E402
from ReVertLib.imaging.radiograph import read_radiograph  # noqa: E402
from ReVertLib.network.context_answers import inputs  # noqa: E402
from ReVertLib.network.folding import folded  # noqa: E402
from ReVertLib.network.onnx_export import INPUTS, export_onnx  # noqa: E402
from ReVertLib.network.weights import load_weights  # noqa: E402

SIZES = (1, 5)
TURNS = 12
INT8 = {"convolutions": ("Conv",), "all products": ("Conv", "MatMul", "Gemm")}

Batch = dict[str, np.ndarray]
Answers = Callable[[Batch], np.ndarray]
"""Vertices (B, n, 3), mm, of a batch."""


class Ranges(CalibrationDataReader):
    """Batches for ONNX Runtime to see what values there are."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches

    def get_next(self) -> Batch | None:
        return next(self._batches, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=40, help="of the folder (default %(default)s)")
    options = parser.parse_args()
    print(describe_machine(1), flush=True)
    torch.set_num_threads(1)
    images = [crop_of(path) for path in sorted(options.folder.rglob("*.png"))[: options.images]]
    seen, measured = images[1::2], images[::2]
    print(f"{len(measured)} images measured")
    print("| | mean off, mm | at most, mm | 1 crop, ms | 5 crops, ms |\n|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        plain = Path(folder, "plain.onnx")
        export_onnx(None, plain)
        single = runtime(plain)
        truth = [single(one) for one in measured]
        report("ONNX Runtime, single", single, measured, truth)
        for name, kinds in INT8.items():
            path, batches = Path(folder, "int8.onnx"), Ranges(iter(seen))
            unsigned = {"activation_type": QuantType.QUInt8, "per_channel": True}
            quantize_static(plain, path, batches, op_types_to_quantize=list(kinds), **unsigned)
            report(f"ONNX Runtime, {name} in int8", runtime(path), measured, truth)
    for name, lower in {"torch, single": False, "torch, products in bfloat16": True}.items():
        report(name, in_torch(lower), measured, truth)


def crop_of(path: Path) -> Batch:
    """The crop of an image of a data set, as the network takes it."""
    pixels = read_radiograph(path).pixels
    geometry = complete_geometry(read_sidecar(sidecar_path(path)), pixels.shape[::-1])
    crop = crop_vertebra(pixels, geometry)
    view = crop.camera_from_crop.inverse.rotation @ view_rotation(*geometry.view_deg)
    return dict(zip(INPUTS, (*inputs([crop], [geometry]), view[None].astype(np.float32)), strict=True))


def runtime(path: Path) -> Answers:
    """An ONNX file in ONNX Runtime."""
    options = SessionOptions()
    options.intra_op_num_threads = 1
    session = InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(["vertices_mm"], batch)[0]


def in_torch(lower: bool) -> Answers:
    """The shipped network in torch. lower: products of matrices and convolutions in bfloat16."""
    network = folded(load_weights().network)

    def vertices(batch: Batch) -> np.ndarray:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=lower):
            return network(*(torch.from_numpy(batch[name]) for name in INPUTS)).vertices.float().numpy()

    return vertices


def report(name: str, answers: Answers, measured: list[Batch], truth: list[np.ndarray]) -> None:
    """A row of the table."""
    off = [np.linalg.norm(answers(one) - true, axis=-1) for one, true in zip(measured, truth, strict=True)]
    times = [least_ms(answers, {key: np.repeat(value, n, 0) for key, value in measured[0].items()}) for n in SIZES]
    print(f"| {name} | {np.mean(off):.3f} | {np.max(off):.2f} | {times[0]:.1f} | {times[1]:.1f} |", flush=True)


def least_ms(answers: Answers, batch: Batch) -> float:
    times = []
    for _ in range(TURNS):
        began = time.perf_counter()
        answers(batch)
        times.append(1e3 * (time.perf_counter() - began))
    return min(times)


if __name__ == "__main__":
    main()
