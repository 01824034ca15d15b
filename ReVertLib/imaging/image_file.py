"""Writing images with SimpleITK, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.errors import InputError, one_line
from ReVertLib.files import is_whole_gzip, utf8_name, whole_file


def write_image(image: sitk.Image, path: str | Path) -> None:
    """Writes an image, compressed, in the format of the suffix. Raises InputError when it does not reach the disk."""
    with whole_file(path) as temporary:
        try:
            sitk.WriteImage(image, utf8_name(temporary), useCompression=True)
            whole = _holds(temporary, image)
        except RuntimeError as error:
            cause = one_line(error).rsplit("Reason: ", 1)[-1].rsplit("ITK ERROR: ", 1)[-1]
            cause = cause.replace(str(temporary), Path(path).name)[:120]
            raise InputError(f"output {Path(path).name}: expected to be written, got {cause}") from error
        if not whole:
            raise InputError(f"output {Path(path).name}: expected to be written, got a part of it; is the disk full?")


def _holds(path: Path, image: sitk.Image) -> bool:
    """Whether a file that was written has all of an image: the writers of PNG, TIFF and gzip do not tell when the last
    bytes find no room."""
    if path.suffix.lower() == ".gz" and not is_whole_gzip(path):
        return False
    written = sitk.GetArrayFromImage(sitk.ReadImage(utf8_name(path), image.GetPixelID()))
    return np.array_equal(written, sitk.GetArrayViewFromImage(image))
