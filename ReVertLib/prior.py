"""Giving finished weights the last word of a shape model: `revert lift`."""

from __future__ import annotations

from pathlib import Path

import torch

from .checkpoint import build_network, load_weights, save_weights
from .errors import InputError
from .files import check_writable
from .shape_model import load_model

RANK = 120
"""Directions of the shape model that are kept: those of greatest variance."""

JUDGEMENT = ("error_head", "familiarity")
"""What a network has learnt of its own answers, which are now others."""


def lift_weights(weights: Path | None, model: Path, out: Path) -> str:
    """Writes OUT: the weights (default: the shipped ones) whose answer is now the likeliest vertebra under the shape
    model in a file; their judgement is forgotten (`revert calibrate` gives a new one). Returns its hash. Raises
    InputError for files that cannot be used."""
    if out.suffix != ".safetensors":
        raise InputError(f"output: expected a .safetensors file, got {out.name!r}")
    check_writable(out)
    shapes, loaded = load_model(model), load_weights(weights)
    if loaded.architecture != "template":
        raise InputError(f"weights: expected architecture template, got {loaded.architecture}")
    basis = shapes.basis(RANK)
    options = loaded.network.options | {"lift_rank": basis.shape[2], "error_width": 0}
    network = build_network("template", options)
    own = {k: v for k, v in loaded.network.state_dict().items() if k.split(".")[0] not in (*JUDGEMENT, "lift")}
    network.load_state_dict(own, strict=False)
    network.lift.fill(torch.as_tensor(shapes.means).float(), torch.as_tensor(basis).float())
    about = {name: text for name, text in loaded.metadata.items() if name not in ("domain", "judgement")}
    return save_weights(out, network, loaded.architecture, about)
