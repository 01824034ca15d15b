"""Networks computed by ONNX Runtime in place of torch: the graphs that ship with the library (`onnx_graphs`), with the
weights of a file.

ONNX Runtime is loaded in a tenth of torch's time, takes a tenth of its disk, and answers sooner. It computes on the
processor. Weights of an architecture or options that no graph ships for are left to torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX
from ReVertLib.imaging.crop import Crop
from ReVertLib.resources import GRAPHS_FILE
from ReVertLib.startup import threads

from .context_answers import Look, reconstructed
from .crop_answer import CropAnswer, Judged
from .film_cells import Seen, seen_of
from .template_constants import mean_over, template_constants
from .weights_file import WeightsFile

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def can_compute(file: WeightsFile) -> bool:
    """Whether ONNX Runtime is installed, and there are graphs for a file's architecture and options."""
    graphs = _graphs().get(file.architecture, {})
    return find_spec("onnxruntime") is not None and graphs.get("options") == file.options


def onnx_network(file: WeightsFile) -> OnnxContext | OnnxFinder:
    """The network of a weights file that `can_compute` holds for."""
    return OnnxFinder(file) if file.architecture == "finder" else OnnxContext(file)


class OnnxContext:
    """A network in context, which answers in two steps."""

    crop_size_px = CROP_SIZE_PX
    uses_level = True

    def __init__(self, file: WeightsFile) -> None:
        template = load_template()
        constants = template_constants(file.options["neighbours"])
        constants["error_head.spread"] = mean_over(template.interpolation_points, template.interpolation_weights)
        self._sight, self._surfaces = (_session(file, name, constants) for name in ("sight", "surfaces"))

    def reconstruct_all(
        self, crops: Sequence[Crop], geometries: Sequence[Geometry], draft: bool = False
    ) -> list[CropAnswer]:
        """`context_answers.reconstructed`."""
        return reconstructed(self, crops, geometries, draft)

    def look(self, image: np.ndarray) -> Look:
        """As `TwoSteps` says."""
        seen = _run(self._sight, {"image": image})
        yaw = seen.pop("yaw")
        return Look(seen["inside"][:, 0], yaw, {"image": image} | seen)

    def surfaces(
        self, look: Look, index: np.ndarray, level: np.ndarray, sod_mm: np.ndarray, view: np.ndarray
    ) -> Judged:
        """As `TwoSteps` says."""
        seen = {name: values[index] for name, values in look.kept.items()}
        return Judged(**_run(self._surfaces, seen | {"level": level, "sod_mm": sod_mm, "view": view}))


class OnnxFinder:
    """A network that finds vertebrae."""

    def __init__(self, file: WeightsFile) -> None:
        self._cells = _session(file, "cells", {})

    def look(self, image: np.ndarray, there: np.ndarray) -> Seen[np.ndarray]:
        """As `FinderNetwork.look`."""
        films = {"image": image[None, None], "there": there[None, None].astype(np.float32)}
        return seen_of(_run(self._cells, films)["cells"])


@cache
def _graphs() -> dict[str, dict]:
    """By architecture, the options that its graphs hold for, and the shapes of the tensors that each asks for, by name;
    none where none ship."""
    return json.loads(GRAPHS_FILE.read_text()) if GRAPHS_FILE.is_file() else {}


def _session(file: WeightsFile, name: str, constants: dict[str, np.ndarray]) -> InferenceSession:
    """A graph with the values that it asks for, ready to be run. Raises InputError for tensors of another network."""
    import onnxruntime

    asked, known = _graphs()[file.architecture]["graphs"][name], file.tensors | constants
    wrong = [tensor for tensor, shape in asked.items() if tensor not in known or list(known[tensor].shape) != shape]
    if wrong:
        raise InputError(f"weights {file.name}: expected the tensors of its architecture, got a different {wrong[0]!r}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    if os.environ.get("OMP_WAIT_POLICY") == "PASSIVE":  # see `startup.wait_passively`
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.asarray(known[tensor], order="C")) for tensor in asked]
    options.add_external_initializers([f"network.{tensor}" for tensor in asked], values)
    path = GRAPHS_FILE.with_name(f"{file.architecture}_{name}.onnx")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(session: InferenceSession, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a graph says, by name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, given), strict=True))
