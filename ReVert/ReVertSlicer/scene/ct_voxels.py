"""A CT in the scene and the label map of its vertebrae as arrays, in LPS, mm, where the user has put them."""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.views import LPS_FROM_RAS
from ReVertLib.service.registration import CtGiven

from .ct_in_beam import ownPlace
from .segments import segmentMask, vertebraSegments

_LPS_FROM_RAS = np.diag([*np.diag(LPS_FROM_RAS), 1.0])


def ctGiven(ctNode, labelsNode):
    """The CtGiven of a vtkMRMLScalarVolumeNode and its segmentation, or its vtkMRMLLabelMapVolumeNode. Raises
    InputError for a CT that is none, for a segmentation none of whose segments is named like a vertebra, and under a
    transform that is not linear."""
    ct, toWorld = _array(ctNode, _("CT")), _voxelsToWorld(ctNode)
    if labelsNode.IsA("vtkMRMLSegmentationNode"):
        labels, first = _ofSegments(labelsNode, ct.shape, np.linalg.inv(toWorld))
        shift = np.eye(4)
        shift[:3, 3] = first
        return CtGiven(ct, _LPS_FROM_RAS @ toWorld, labels, _LPS_FROM_RAS @ toWorld @ shift, "verse")
    labels = _array(labelsNode, _("label map"))
    return CtGiven(ct, _LPS_FROM_RAS @ toWorld, labels, _LPS_FROM_RAS @ _voxelsToWorld(labelsNode))


def isCt(node):
    """Whether a volume may be a CT: grey values of more than one slice."""
    image = node.GetImageData()
    return image is not None and min(image.GetDimensions()) > 1 and not node.IsA("vtkMRMLLabelMapVolumeNode")


def _array(node, what):
    """The values (k, j, i) of a volume node, a view."""
    if node.GetImageData() is None or node.GetImageData().GetPointData().GetScalars() is None:
        raise InputError(_("{what}: expected voxels, got an empty volume").format(what=what))
    array = slicer.util.arrayFromVolume(node)
    if array.ndim != 3 or min(array.shape) < 2:
        sizes = " x ".join(map(str, array.shape[::-1]))
        raise InputError(_("{what}: expected a volume of one component, got {sizes}").format(what=what, sizes=sizes))
    return array


def _voxelsToWorld(node):
    """(4, 4) from (i, j, k) to RAS, where the user has put the volume."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return ownPlace(node) @ slicer.util.arrayFromVTKMatrix(matrix)


def _ofSegments(segmentationNode, shape, ctFromWorld):
    """(labels, first): VerSe's numbers (k, j, i) uint8 on a part of the CT's grid of that shape, from its voxel first
    (3,) on. ctFromWorld: (4, 4) from RAS to the CT's voxels."""
    found = vertebraSegments(segmentationNode)
    if not found:
        raise InputError(_("segmentation: expected segments named like vertebrae, as L3 or vertebra_L3, got none"))
    labels, own = np.zeros(shape, np.uint8), ownPlace(segmentationNode)
    for number, segmentId in found.items():
        mask = segmentMask(segmentationNode, segmentId, own)
        _fill(labels, number, mask.array, ctFromWorld @ mask.to_mm)
    filled = [np.flatnonzero(labels.any(axes)) for axes in ((0, 1), (0, 2), (1, 2))]  # along i, j and k
    if not len(filled[0]):
        raise InputError(_("segmentation: expected segments inside the CT, got none there; are they of another CT?"))
    first, last = (np.array([one[end] for one in filled]) for end in (0, -1))
    i, j, k = (slice(low, high + 1) for low, high in zip(first, last, strict=True))
    return labels[k, j, i], first


def _fill(labels, number, mask, toCt):
    """Writes a number where voxel centres of the labels' grid lie in a mask. toCt: (4, 4) from the mask's voxels."""
    ends = np.array([(i, j, k, 1) for i in (0, mask.shape[2]) for j in (0, mask.shape[1]) for k in (0, mask.shape[0])])
    corners = (ends - [0.5, 0.5, 0.5, 0.0]) @ toCt[:3].T
    low = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(0)) + 1, labels.shape[::-1]).astype(int)
    if not (low < high).all():
        return
    i, j, k = (np.arange(a, b) for a, b in zip(low, high, strict=True))
    back = np.linalg.inv(toCt)
    index = [
        np.rint(row[0] * i + row[1] * j[:, None] + row[2] * k[:, None, None] + row[3]).astype(int) for row in back[:3]
    ]
    inside = np.logical_and.reduce([(at >= 0) & (at < n) for at, n in zip(index, mask.shape[::-1], strict=True)])
    at = [np.clip(one, 0, n - 1) for one, n in zip(index, mask.shape[::-1], strict=True)]
    box = labels[low[2] : high[2], low[1] : high[1], low[0] : high[0]]
    box[inside & mask[at[2], at[1], at[0]]] = number
