"""Many radiographs one after another: what cannot be used costs only itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ReVertLib.failures import Failures
from ReVertLib.geometry.sidecar import sidecar_path
from ReVertLib.inference.inputs import ReconstructionInput, reconstructed
from ReVertLib.inference.results import Reconstruction

if TYPE_CHECKING:
    from ReVertLib.inference.predictor import Predictor


def reconstruct_each(
    images: Sequence[Path],
    read: Callable[[Path], ReconstructionInput],
    loaded: Callable[[], Predictor],
    keep: Callable[[int, ReconstructionInput, Reconstruction], None],
) -> Failures:
    """Reconstructs every image that can be used; returns why the others cannot, by their names.

    keep: is given the index, what was read and what was made of it. loaded: the predictor, asked for with the first
    image that can be read; what is wrong with weights is wrong for all, so its InputError is raised.
    """
    failures = Failures()
    for index, path in enumerate(images):
        given = None
        with failures.noted(path.name):
            given = read(path)
        if given is not None:
            predictor = loaded()
            with failures.noted(path.name):
                keep(index, given, reconstructed(predictor, given))
    return failures


def without_file_names(reason: str, image: Path) -> str:
    """A reason without the names of the image and its sidecar, which may be a patient's."""
    for name in sorted({image.name, sidecar_path(image).name}, key=len, reverse=True):
        reason = reason.replace(name, "...")
    return reason
