"""A folder with the slices of one DICOM series as a volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.errors import InputError
from ReVertLib.files import utf8_name

_MODALITY, _POSITION, _ORIENTATION = "0008|0060", "0020|0032", "0020|0037"
_MOST_UNEQUAL = 0.02
"""Distances between slices may differ by this share of their median: more is a slice that is missing."""
_LEAST_STRAIGHT = 0.999
"""Cosine of the angle between the slices' normal and the line of their positions: less is a tilted gantry."""


def read_series(folder: Path, name: str) -> sitk.Image:
    """The volume of the one series in a folder. name: how messages call it.

    Raises InputError for no series or several, another modality, and for slices that are not parallel, not opposite
    each other, or not equally far apart, all of which ITK would put side by side as if they were.
    """
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(utf8_name(folder))
    if len(series) != 1:
        got = f"{len(series)} of them" if series else "a folder without any"
        raise InputError(f"{name}: expected a file or a folder with one DICOM series, got {got}")
    found = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(utf8_name(folder), series[0])
    files = [utf8_name(file) for file in found]
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    try:
        headers = [_header(file) for file in files]
        modality = headers[0].GetMetaData(_MODALITY).strip()
        if modality != "CT":
            raise InputError(f"{name}: expected a DICOM series of a CT, got modality {modality}")
        _check_places(np.array([_place(header) for header in headers]), name)
        return reader.Execute()
    except RuntimeError:
        raise InputError(f"{name}: expected a DICOM series that can be decoded, got one that is damaged") from None


def _header(file: str) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(file)
    reader.ReadImageInformation()
    return reader


def _place(header: sitk.ImageFileReader) -> list[float]:
    """Position (3,), then the directions of rows and columns (6,), as the file states them."""
    return [float(number) for tag in (_POSITION, _ORIENTATION) for number in header.GetMetaData(tag).split("\\")]


def _check_places(places: np.ndarray, name: str) -> None:
    """places: (n, 9) of the slices in their order."""
    if len(places) < 2:
        raise InputError(f"{name}: expected a series of slices, got one")
    positions, directions = places[:, :3], places[:, 3:]
    if np.abs(directions - directions[0]).max() > 1e-3:
        raise InputError(f"{name}: expected parallel slices, got some of another direction")
    normal = np.cross(directions[0, :3], directions[0, 3:])
    steps_mm = np.diff(positions, axis=0)
    apart_mm = np.abs(steps_mm @ normal)
    usual_mm = float(np.median(apart_mm))
    if usual_mm <= 0 or np.abs(apart_mm - usual_mm).max() > _MOST_UNEQUAL * usual_mm:
        got = f"{apart_mm.min():.3g} to {apart_mm.max():.3g} mm; is one missing, or is there more than one scan?"
        raise InputError(f"{name}: expected slices equally far apart, got {got}")
    if (apart_mm / np.linalg.norm(steps_mm, axis=1)).min() < _LEAST_STRAIGHT:
        raise InputError(f"{name}: expected slices opposite each other, got a tilted gantry: resample it first")
