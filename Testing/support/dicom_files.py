"""DICOM files for tests, written on the fly."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

STORED = (np.arange(64 * 48).reshape(64, 48) + 100).astype(np.uint16)
SOP_CLASSES = {
    "CR": "1.2.840.10008.5.1.4.1.1.1",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
    "RF": "1.2.840.10008.5.1.4.1.1.12.2",
    "XA": "1.2.840.10008.5.1.4.1.1.12.1",
}
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
DISTANCES = {"DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 800}


def dicom(
    path: Path, stored: np.ndarray = STORED, *, bits=12, rle=False, syntax=ExplicitVRLittleEndian, **tags
) -> Path:
    """A DICOM file of a patient whose name and number must never be seen again."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = (SOP_CLASSES | {"CT": CT_CLASS}).get(tags.get("Modality"), SOP_CLASSES["DX"])
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Secret^Anna", "4711-0815", "19630704"
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 1, 16, bits, bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    for keyword, value in {"Modality": "DX", "PhotometricInterpretation": "MONOCHROME2", **tags}.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = stored.tobytes()
    if rle:
        dataset.compress(RLELossless)
    dataset.save_as(path, enforce_file_format=True)
    return path


def group(**tags) -> pydicom.Sequence:
    """A functional group sequence of one item that holds one macro with these tags."""
    inner, item = pydicom.Dataset(), pydicom.Dataset()
    for keyword, value in tags.items():
        setattr(inner, keyword, value)
    item.PixelMeasuresSequence = pydicom.Sequence([inner])
    return pydicom.Sequence([item])
