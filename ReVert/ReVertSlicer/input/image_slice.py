"""One slice of a radiograph's volume in the world: which pixel lies where."""

from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError

from .transforms import toWorld


@dataclass(frozen=True)
class ImageSlice:
    """A radiograph's slice. size: (2,) columns and rows. toWorld: (4, 4) from (i, j, k) to RAS of the world."""

    node: object
    sliceIndex: int
    size: np.ndarray
    sliceCount: int
    toWorld: np.ndarray

    def world(self, u, v):
        return (self.toWorld @ [u, v, self.sliceIndex, 1.0])[:3]

    def outside(self, centre):
        """Why a centre (u, v) is of no use, or ""."""
        if (centre >= 0).all() and (centre <= self.size - 1).all():
            return ""
        text = _(
            "vertebra: expected its centre inside the {columns} x {rows} image, got pixel {u:.0f}, {v:.0f}; move it"
        )
        return text.format(columns=self.size[0], rows=self.size[1], u=centre[0], v=centre[1])


def imageSlice(radiographNode, sliceIndex):
    """The ImageSlice of a volume node. Raises InputError for a volume without an image and for a
    transform that is not linear."""
    if radiographNode.GetImageData() is None:
        raise InputError(_("radiograph: expected an image, got an empty volume"))
    columns, rows, slices = radiographNode.GetImageData().GetDimensions()
    toRas = vtk.vtkMatrix4x4()
    radiographNode.GetIJKToRASMatrix(toRas)
    matrix = toWorld(radiographNode) @ slicer.util.arrayFromVTKMatrix(toRas)
    return ImageSlice(radiographNode, sliceIndex, np.array([columns, rows]), slices, matrix)
