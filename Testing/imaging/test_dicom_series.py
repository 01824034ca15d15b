"""A CT as its scanner leaves it: a folder of slices."""

import numpy as np
import pytest
from dicom_files import dicom
from pydicom.uid import generate_uid

from ReVertLib.errors import InputError
from ReVertLib.imaging.volume import read_volume

SLICES = np.arange(5 * 6 * 7).reshape(5, 6, 7).astype(np.uint16)
HEIGHTS_MM = (10.0, 12.5, 15.0, 17.5, 20.0)


def series(folder, heights_mm=HEIGHTS_MM, across_mm=0.0, **tags):
    """Slices at those heights, each across_mm beside the one before, in files whose names are in another order."""
    uid = generate_uid()
    for i, (stored, height_mm) in enumerate(zip(SLICES, heights_mm, strict=False)):
        dicom(
            folder / f"{uid[-4:]}_{i * 3 % 5}",
            stored,
            **{"Modality": "CT", **tags},
            SeriesInstanceUID=uid,
            ImagePositionPatient=[-30, across_mm * i - 40, height_mm],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.5, 0.25],
            RescaleSlope=1,
            RescaleIntercept=-1024,
        )
    return folder


def test_the_slices_are_put_in_order(tmp_path):
    volume = read_volume(series(tmp_path))
    assert np.array_equal(volume.array, SLICES - 1024.0)
    assert np.allclose(volume.ijk_to_lps, [[0.25, 0, 0, -30], [0, 0.5, 0, -40], [0, 0, 2.5, 10], [0, 0, 0, 1]])


def refuse(folder, message):
    with pytest.raises(InputError, match=f"^CT {folder.name}: expected {message}") as caught:
        read_volume(folder)
    assert not any(secret in str(caught.value) for secret in ("Secret", "Anna", "4711", "1963"))


def test_a_missing_slice(tmp_path):
    refuse(series(tmp_path, (10.0, 12.5, 17.5, 20.0)), "slices equally far apart, got 2.5 to 5 mm; is one missing")


def test_two_slices_at_one_place(tmp_path):
    refuse(series(tmp_path, (10.0, 12.5, 12.5, 15.0)), "slices equally far apart, got 0 to 2.5 mm")


def test_a_tilted_gantry(tmp_path):
    refuse(series(tmp_path, across_mm=0.3), "slices opposite each other, got a tilted gantry: resample it first$")


def test_another_modality(tmp_path):
    refuse(series(tmp_path, Modality="RF"), "a DICOM series of a CT, got modality RF$")


def test_other_folders(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    refuse(tmp_path, "a file or a folder with one DICOM series, got a folder without any$")
    refuse(series(tmp_path, (10.0,)), "a series of slices, got one$")
    series(tmp_path)
    refuse(tmp_path, "a file or a folder with one DICOM series, got 2 of them$")
