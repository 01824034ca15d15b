"""Where a node lies in the world: its transforms, which must be linear, and the corners of a box."""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError


def toWorld(node):
    """(4, 4) from a node's coordinates to RAS, mm. Raises InputError for a transform that is not linear."""
    matrix, transform = vtk.vtkMatrix4x4(), node.GetParentTransformNode()
    if transform is not None and not transform.GetMatrixTransformToWorld(matrix):
        raise InputError(_("transform: expected a linear one, got a deformation; harden the transform first"))
    return slicer.util.arrayFromVTKMatrix(matrix)


def boxCorners(boxNode, depths=(-0.5, 0.5)):
    """(4 n, 3) corners of a vtkMRMLMarkupsROINode in the world, four at each of n depths: 0 in its middle plane, 0.5 at
    its face."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in depths])
    matrix = slicer.util.arrayFromVTKMatrix(boxNode.GetObjectToWorldMatrix())
    return corners * boxNode.GetSize() @ matrix[:3, :3].T + matrix[:3, 3]
