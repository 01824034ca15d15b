"""Weights on disk: safetensors with everything about them in the metadata, opened only if their SHA256 is as said.

Beside `model.safetensors` lies `model.safetensors.sha256`, one line as `sha256sum` writes it. No pickle is ever
opened, and no torch is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError, one_line
from ReVertLib.files import existing_file, whole_file
from ReVertLib.resources import WEIGHTS_FILE

from .stored_tensors import restored, stored

FORMAT = "revert-weights-1"
ARCHITECTURES = ("context", "template", "sphere", "finder")
EIGHT_BITS_FROM = {"finder": 0, "context": 100_000}
"""Matrices of so many values or more are kept in 8 bits: a finder's answers, pixels and names, do not change by what
matters; in context surfaces move by 0.01 mm, and would by 0.07 with all of them."""


@dataclass(frozen=True)
class WeightsFile:
    """What a weights file holds. name: of the file. tensors: by name, as the network has them. options: of its
    architecture. metadata: text by name, as stored."""

    name: str
    tensors: dict[str, np.ndarray]
    architecture: str
    options: dict
    sha256: str
    metadata: dict[str, str]

    @property
    def training(self) -> str:
        """How much training they had, in words; empty where the file does not say."""
        text = self.metadata.get("train", "")
        try:
            options = json.loads(text)
        except ValueError:
            return text
        return f"{options['steps']} steps of {options['batch']} samples, learning rate {options['learning_rate']:g}"


def read_weights(path: Path | None = None) -> WeightsFile:
    """What is in a weights file (default: the shipped one).

    Raises InputError for a missing file, a wrong hash, a foreign format or architecture, or another template.
    """
    path = Path(path or WEIGHTS_FILE)
    digest = checked_sha256(path)
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, TypeError) as error:  # TypeError: of values that numpy does not know
        raise InputError(f"weights {path.name}: expected a safetensors file, got {one_line(error)}") from error
    if metadata.get("format") != FORMAT:
        raise InputError(f"weights {path.name}: expected format {FORMAT}, got {metadata.get('format')!r}")
    architecture = known_architecture(metadata.get("architecture", ""))
    options = _options(metadata, path)
    if metadata.get("template_sha256") != load_template().sha256:
        raise InputError(f"weights {path.name}: expected to be trained on this template, got another one's hash")
    return WeightsFile(path.name, restored(tensors), architecture, options, digest, metadata)


def write_weights(
    path: Path, tensors: Mapping[str, np.ndarray], architecture: str, options: dict, about: dict[str, str]
) -> str:
    """Writes the weights, matrices in half precision or, by EIGHT_BITS_FROM, in 8 bits, and their hash beside them;
    returns the hash. about: text by name, for the metadata."""
    metadata = about | {
        "format": FORMAT,
        "architecture": architecture,
        "options": json.dumps(options),
        "template_sha256": load_template().sha256,
    }
    with whole_file(path) as temporary:
        # The library's own writer does not raise OSError.
        temporary.write_bytes(save(stored(tensors, EIGHT_BITS_FROM.get(architecture)), metadata))
    digest = file_sha256(path)
    with whole_file(sha256_path(path)) as temporary:
        temporary.write_bytes(os.fsencode(f"{digest}  {path.name}\n"))
    return digest


def known_architecture(name: str) -> str:
    """The name itself. Raises InputError for one that is not among ARCHITECTURES."""
    if name not in ARCHITECTURES:
        raise InputError(f"architecture: expected one of {', '.join(ARCHITECTURES)}, got {name[:40]!r}")
    return name


def sha256_path(path: Path) -> Path:
    """Where the expected hash of a weights file lies."""
    return path.with_name(path.name + ".sha256")


def file_sha256(path: Path) -> str:
    """Hexadecimal SHA256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checked_sha256(path: Path) -> str:
    """The hash of a weights file, which must be the one stated beside it; raises InputError otherwise."""
    existing_file(path, "weights")
    if not sha256_path(path).is_file():
        raise InputError(f"weights {path.name}: expected its SHA256 in {sha256_path(path).name}, got no such file")
    stated = (sha256_path(path).read_text(errors="replace").split() or [""])[0].lower()
    actual = file_sha256(path)
    if actual != stated:
        raise InputError(f"weights {path.name}: expected SHA256 {stated[:16]}..., got {actual[:16]}...")
    return actual


def _options(metadata: dict[str, str], path: Path) -> dict:
    try:
        return json.loads(metadata.get("options", "{}"))
    except ValueError as error:
        raise InputError(f"weights {path.name}: expected options as JSON, got {one_line(error)}") from error
