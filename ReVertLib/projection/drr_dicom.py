"""A DRR as a DICOM image: its geometry in the tags of an X-ray angiography image, and nobody's name."""

from __future__ import annotations

import hashlib
from io import BytesIO

import numpy as np

from ReVertLib import __version__
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform

_XA_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.12.1"
"""There the distance to the patient is that to the isocentre (PS3.3 C.8.7.5), as `sod_mm` is."""
_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))


def dicom_bytes(pixels: np.ndarray, geometry: Geometry, camera_from_lps: RigidTransform) -> bytes:
    """The file of an image (rows, columns) uint16; the same image gives the same bytes. A principal point that is not
    in the middle, level and box have no tag."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    print_of = hashlib.sha256(pixels.tobytes() + repr((geometry, camera_from_lps.matrix.tolist())).encode()).hexdigest()
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = _XA_IMAGE_STORAGE
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[print_of])
    image.StudyInstanceUID = generate_uid(entropy_srcs=["study", print_of])
    image.SeriesInstanceUID = generate_uid(entropy_srcs=["series", print_of])
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.Modality, image.ImageType = "XA", ["DERIVED", "SECONDARY", "SINGLE PLANE"]
    image.Manufacturer, image.SoftwareVersions = "ReVert", __version__
    image.DerivationDescription = "Radiograph computed from a CT"
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(image, keyword, "")
    image.InstanceNumber = image.SeriesNumber = 1
    right, down, beam = camera_from_lps.rotation
    image.PatientPosition = "HFS"
    image.PatientOrientation = [_towards(right), _towards(down)]
    image.PositionerPrimaryAngle = _text((np.degrees(np.arctan2(-beam[0], beam[1])) + 360) % 360 - 180)
    image.PositionerSecondaryAngle = _text(np.degrees(np.arcsin(np.clip(beam[2], -1, 1))))
    image.DistanceSourceToDetector, image.DistanceSourceToPatient = _text(geometry.sdd_mm), _text(geometry.sod_mm)
    u_mm, v_mm = geometry.pixel_spacing_mm
    image.ImagerPixelSpacing = [_text(v_mm), _text(u_mm)]  # between rows first
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.PixelData = pixels.astype("<u2").tobytes()
    file = BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _text(number: float) -> str:
    """A decimal string, of 16 letters at most."""
    return f"{float(number):.10g}"[:16]


def _towards(axis: np.ndarray) -> str:
    """The letter of the side of the patient to which an axis of LPS mainly runs."""
    main = int(np.abs(axis).argmax())
    return _LETTERS[main][int(axis[main] < 0)]
