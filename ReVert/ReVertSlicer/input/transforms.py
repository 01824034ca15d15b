"""Where a node lies in the world: its transforms, which must be linear."""

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
