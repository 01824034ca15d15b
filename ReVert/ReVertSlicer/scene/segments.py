"""What a comparison needs of a segmentation: the voxels of one segment, and which segment is the vertebra meant."""

import re

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS, VERSE_NUMBERS
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.metrics.records import Mask
from ReVertSlicer.input.transforms import toWorld

VOXEL_MM = 0.5
"""Of the mask of a segment that is a closed surface only."""
_MARGIN = 2
_BESIDES_THE_LEVEL = "vertebra|vertebrae|lumbar|spine|bone|segment|seg|label|mask|verse|totalsegmentator|ct"
_NUMBERED = re.compile(f"(?:{_BESIDES_THE_LEVEL})*0*([0-9]{{1,3}})")
_COARSE_MM = 2.0
"""Of the voxels in which it is looked where numbered segments lie."""


def segmentMask(segmentationNode, segmentId, place=None):
    """One segment, cropped to where it is, in RAS. place: (4, 4) from the segmentation's coordinates, by default where
    it lies now. Nothing is changed in the segmentation. Raises InputError for an unknown or empty segment, for one that
    is neither labelmap nor closed surface, and for a transform that is not linear."""
    segment = segmentationNode.GetSegmentation().GetSegment(segmentId) if segmentId else None
    if segment is None:
        raise InputError(_("segment: expected one of this segmentation, got an unknown id; select one"))
    world = toWorld(segmentationNode) if place is None else place
    names = slicer.vtkSegmentationConverter
    labelmap = segment.GetRepresentation(names.GetSegmentationBinaryLabelmapRepresentationName())
    surface = segment.GetRepresentation(names.GetSegmentationClosedSurfaceRepresentationName())
    if labelmap is not None:
        mask = _ofLabelmap(labelmap, segment.GetLabelValue())
    elif surface is not None:
        mask = _ofSurface(surface)
    else:
        raise InputError(_("segment: expected a labelmap or a closed surface, got neither; create one of them first"))
    if mask is None:
        raise InputError(_("segment: expected a filled one, got an empty segment"))
    return Mask(mask.array, world @ mask.to_mm)


def suggestedSegment(segmentationNode, level):
    """The id of the segment that is named like a level, "L3" or "vertebra_L3", or by its number, VerSe's 22 or
    TotalSegmentator's 29 or 20; "" where none is, or more than one."""
    return _segmentsNamed(segmentationNode, [level]).get(level, "") if level in LEVELS else ""


def vertebraSegments(segmentationNode):
    """By VerSe's number, the ids of the segments that are named like vertebrae or the sacrum, as `suggestedSegment`."""
    return {VERSE_NUMBERS[name]: key for name, key in _segmentsNamed(segmentationNode, VERSE_NUMBERS).items()}


def _segmentsNamed(segmentationNode, vertebrae):
    """By vertebra, the id of the only segment that is named like it."""
    segmentation = segmentationNode.GetSegmentation()
    names = {key: segmentation.GetSegment(key).GetName().lower() for key in segmentation.GetSegmentIDs()}
    names = {key: re.sub(r"[\s_\-.:()]+", "", name) for key, name in names.items()}
    numbers, only = _numbersOf(segmentationNode, names), {}
    for vertebra in vertebrae:
        own = vertebra.lower() + (f"|lumbar(?:vertebra)?{vertebra[1]}" if vertebra in LEVELS else "")
        own += f"|{numbers[vertebra]}" if vertebra in numbers else ""
        pattern = re.compile(f"(?:{_BESIDES_THE_LEVEL})*(?:{own})(?:{own}|{_BESIDES_THE_LEVEL})*")
        found = [key for key, name in names.items() if pattern.fullmatch(name)]
        if len(found) == 1:
            only[vertebra] = found[0]
    return only


def _numbersOf(segmentationNode, names):
    """The numbers by which segments are named after vertebrae: as the library tells them from where they lie, VerSe's
    where there is nothing to tell them from, none where it is in doubt. names: by id."""
    numbers = {key: int(found[1]) for key, name in names.items() if (found := _NUMBERED.fullmatch(name))}
    if not numbers:
        return {}
    from ReVertLib.imaging.label_numbers import told_numbers  # brings SimpleITK and scipy

    try:
        told = told_numbers(_numberedParts(segmentationNode, numbers), "segmentation")
    except InputError:
        return {}
    vertebra = {number: name for name, number in VERSE_NUMBERS.items()}
    return {vertebra[verse]: number for number, verse in told.items() if verse in vertebra} if told else VERSE_NUMBERS


def _numberedParts(segmentationNode, numbers):
    """Coarse Volumes, in RAS, of the label maps of segments with these numbers, by id."""
    from ReVertLib.imaging.volume import Volume

    segmentation, names, layers = segmentationNode.GetSegmentation(), slicer.vtkSegmentationConverter, {}
    for key, number in numbers.items():
        segment = segmentation.GetSegment(key)
        image = segment.GetRepresentation(names.GetSegmentationBinaryLabelmapRepresentationName())
        if image is not None:
            layers.setdefault(image, {})[segment.GetLabelValue()] = number
    for image, numberOfValue in layers.items():
        array, toMm = _voxels(image)
        if not array.size:
            continue
        step = np.maximum(1, _COARSE_MM // np.linalg.norm(toMm[:3, :3], axis=0)).astype(int)
        coarse = array[:: step[2], :: step[1], :: step[0]]
        numbered = np.zeros(coarse.shape, np.uint16)
        for value, number in numberOfValue.items():
            numbered[coarse == value] = number
        yield Volume(numbered, toWorld(segmentationNode) @ toMm @ np.diag([*step, 1.0]))


def _voxels(image):
    """(k, j, i) values, and (4, 4) from their indices (i, j, k) to mm in the segmentation's coordinates."""
    scalars, matrix, shift = image.GetPointData().GetScalars(), vtk.vtkMatrix4x4(), np.eye(4)
    image.GetImageToWorldMatrix(matrix)
    shift[:3, 3] = image.GetExtent()[::2]
    if scalars is None or not scalars.GetNumberOfTuples():
        return np.zeros((0, 0, 0), np.uint8), slicer.util.arrayFromVTKMatrix(matrix) @ shift
    array = vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1])
    return array, slicer.util.arrayFromVTKMatrix(matrix) @ shift


def _ofLabelmap(image, value):
    """The Mask of one value in the segmentation's coordinates, None without any. Row by row of what may be a whole CT:
    what is looked at stays in the processor's cache."""
    array, toMm = _voxels(image)
    filled = np.array([(plane == value).any() for plane in array])
    if not filled.any():
        return None
    low, high = np.flatnonzero(filled)[[0, -1]]
    flat = np.zeros(array.shape[1:], bool)
    for plane in array[low : high + 1]:
        flat |= plane == value
    rows, columns = np.flatnonzero(flat.any(1))[[0, -1]], np.flatnonzero(flat.any(0))[[0, -1]]
    first = np.array([columns[0], rows[0], low])
    cut = array[low : high + 1, rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] == value
    shift = np.eye(4)
    shift[:3, 3] = first - _MARGIN
    return Mask(np.pad(cut, _MARGIN), toMm @ shift)


def _ofSurface(polydata):
    """The Mask of a closed surface in its coordinates, None if it is empty."""
    mesh = from_polydata(polydata)
    if not len(mesh.faces):
        return None
    first = np.floor(mesh.vertices.min(0) / VOXEL_MM).astype(int) - _MARGIN
    last = np.ceil(mesh.vertices.max(0) / VOXEL_MM).astype(int) + _MARGIN
    toMm = np.diag([VOXEL_MM, VOXEL_MM, VOXEL_MM, 1.0])
    toMm[:3, 3] = VOXEL_MM * first
    return Mask(inside_voxels(mesh, np.zeros(3), np.full(3, VOXEL_MM), first, last), toMm)
