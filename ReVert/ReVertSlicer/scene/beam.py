"""How a radiograph was taken, in 3D: source, beam, and the image as a plane at its true place; and what the surface
covers of it, as an outline in the radiograph's own slice view and on the plane.

All are plain model nodes: a scene that was saved shows them without this module. The X-ray source is the origin of RAS.
"""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from ReVertLib.geometry.views import LPS_FROM_RAS, view_rotation
from ReVertLib.imaging.orientation import UPRIGHT, shown_size, stored_px, turned

from . import hierarchy
from .colours import BEAM, OUTLINE

PLANE_PX = 256
"""Grid points along the longer side of the plane."""
SOURCE_RADIUS_MM = 8.0
GREY = "grey"
"""The plane's array of pixel values."""
_RIBBON = 0.45
"""The silhouette reaches so far before and behind its slice, in voxels."""
_BEFORE_PLANE = 0.999
"""Depth of lines drawn on the plane, as a share of the plane's: just before it, or it would hide half of them."""
_DEFAULT_COLOURS = "vtkMRMLColorTableNodeGrey"


def rasFromCamera(view):
    """(3, 3) from the camera's axes to RAS. view: yaw_deg, pitch_deg, roll_deg."""
    return LPS_FROM_RAS @ view_rotation(**view).T


def showView(radiographNode, geometry, view, sliceIndex, turn=UPRIGHT):
    """Makes or updates the radiograph's plane and beam. turn: from its pixels to those of the shown picture, which
    geometry is of."""
    name = radiographNode.GetName()
    plane = hierarchy.part(radiographNode, "plane")
    if plane is None:
        plane = hierarchy.newPart(radiographNode, "plane", _("{radiograph} in 3D").format(radiograph=name))
        plane.GetDisplayNode().SetLighting(False)
        plane.GetDisplayNode().SetBackfaceCulling(False)
    size = shown_size(_imageSize(radiographNode), turn)
    pixels = _downsampled(turned(_slice(radiographNode, sliceIndex), turn))
    plane.SetAndObservePolyData(_plane(pixels, size, geometry, view))
    _showAsInSlices(radiographNode, plane)
    beam = hierarchy.part(radiographNode, "beam")
    if beam is None:
        beam = hierarchy.newPart(radiographNode, "beam", _("{radiograph} X-ray beam").format(radiograph=name))
        _paint(beam, BEAM, 2)
    beam.SetAndObservePolyData(_beam(size, geometry, view))


def updatePixels(radiographNode, sliceIndex, turn=UPRIGHT):
    """Brings the plane's grey values up to date where there is one of this size already; cheap."""
    plane = hierarchy.part(radiographNode, "plane")
    if plane is not None:
        array = plane.GetPolyData().GetPointData().GetArray(GREY)
        pixels = _downsampled(turned(_slice(radiographNode, sliceIndex), turn)).ravel()
        if len(pixels) == array.GetNumberOfTuples():
            vtk_to_numpy(array)[:] = pixels
            array.Modified()
            plane.GetPolyData().Modified()


def showSilhouette(modelNode, outlinesPx, geometry, view, sliceIndex, turn=UPRIGHT):
    """Makes or updates the outline of a reconstructed surface, in the slice view and in 3D. turn: as of `showView`;
    outlinesPx are of the shown picture too."""
    radiographNode = modelNode.GetNodeReference(hierarchy.RADIOGRAPH)
    showInSlice(modelNode, "silhouette", radiographNode, outlinesPx, sliceIndex, turn)
    outline = hierarchy.part(modelNode, "outline")
    if outline is None:
        outline = hierarchy.newPart(modelNode, "outline", _("{model} projected").format(model=modelNode.GetName()))
        _paint(outline, OUTLINE, 3)
    outline.SetAndObservePolyData(_outline(outlinesPx, geometry, view))


def showInSlice(modelNode, kind, radiographNode, outlinesPx, sliceIndex, turn=UPRIGHT):
    """Makes or updates the outline of a surface in the slice view of a radiograph, a node of that kind, which is
    returned. turn: as of `showSilhouette`."""
    node = hierarchy.part(modelNode, kind)
    if node is None:
        node = hierarchy.newPart(modelNode, kind, _("{model} silhouette").format(model=modelNode.GetName()))
        _paint(node, OUTLINE, 3)
        node.GetDisplayNode().SetVisibility3D(False)
        node.GetDisplayNode().SetVisibility2D(True)
    node.SetAndObserveTransformNodeID(radiographNode.GetTransformNodeID())
    stored = [stored_px(outline, _imageSize(radiographNode), turn) for outline in outlinesPx]
    node.SetAndObservePolyData(_ribbon(stored, radiographNode, sliceIndex))
    return node


def setViewVisible(radiographNode, shown):
    """Shows or hides source, beam, plane and what is drawn on it in the 3D views."""
    for node in viewParts(radiographNode):
        node.SetDisplayVisibility(shown)


def viewParts(radiographNode):
    """Plane, beam and outlines of a radiograph."""
    parts = hierarchy.radiographParts(radiographNode)
    return [node for node in parts if node.GetAttribute(hierarchy.KIND) in ("plane", "beam", "outline")]


def _slice(radiographNode, sliceIndex):
    """Grey values (rows, columns); of a colour picture, which has equal channels, one of them."""
    pixels = slicer.util.arrayFromVolume(radiographNode)[sliceIndex]
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def _imageSize(radiographNode):
    """Columns and rows."""
    return radiographNode.GetImageData().GetDimensions()[:2]


def _downsampled(pixels):
    """float32 means over blocks of pixels (rows, columns), so that the longer side has at most PLANE_PX."""
    share = min(PLANE_PX / max(pixels.shape), 1)
    rows, columns = (max(round(share * size), 2) for size in pixels.shape)
    return _rowMeans(_rowMeans(pixels, rows).T, columns).T


def _rowMeans(pixels, count):
    """float32 means over count blocks of rows of pixels (rows, columns), of each row where there are no more."""
    pixels = np.ascontiguousarray(pixels)
    edges = np.linspace(0, len(pixels), min(count, len(pixels)) + 1).astype(int)
    first, size = edges[:-1], np.diff(edges)
    sums = pixels[first].astype(np.float32)
    for k in range(1, size.max()):  # `np.add.reduceat` takes several times as long
        longer = np.flatnonzero(size > k)
        sums[longer] += pixels[first[longer] + k]
    return sums / size[:, None].astype(np.float32)


def _onDetector(pixels, geometry, view, share=1.0):
    """(n, 3) in RAS, mm, of pixels (n, 2). share: of the way from the source."""
    return share * geometry.backproject(pixels, geometry.sdd_mm) @ rasFromCamera(view).T


def _edges(size):
    """(u, v) of the image's four corners, in turn. size: columns and rows."""
    u, v = np.array(size) - 0.5
    return np.array([(-0.5, -0.5), (u, -0.5), (u, v), (-0.5, v)])


def _plane(pixels, size, geometry, view):
    """A grid over the whole image with the values of pixels (rows, columns) at its points. size: columns and rows."""
    rows, columns = pixels.shape
    u, v = (np.linspace(-0.5, whole - 0.5, count) for whole, count in zip(size, (columns, rows), strict=True))
    points = _onDetector(np.stack(np.meshgrid(u, v), -1).reshape(-1, 2), geometry, view)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    quads = np.stack([first, first + 1, first + columns + 1, first + columns], 1)
    polydata = _polydata(points.astype(np.float32), polys=[quads])
    grey = numpy_to_vtk(pixels.ravel(), deep=True)
    grey.SetName(GREY)
    polydata.GetPointData().SetScalars(grey)
    return polydata


def _showAsInSlices(radiographNode, plane):
    """Gives the plane the window, level and colours the radiograph has in the slice views."""
    source, display = radiographNode.GetDisplayNode(), plane.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetActiveScalar(GREY, vtk.vtkAssignAttribute.POINT_DATA)
        display.SetScalarRangeFlag(display.UseManualScalarRange)
        if source is None:
            display.SetScalarRange(*plane.GetPolyData().GetPointData().GetArray(GREY).GetRange())
        else:
            display.SetScalarRange(source.GetWindowLevelMin(), source.GetWindowLevelMax())
        display.SetAndObserveColorNodeID((source and source.GetColorNodeID()) or _DEFAULT_COLOURS)
        display.SetScalarVisibility(True)


def _beam(size, geometry, view):
    """Lines from the source to the detector's corners, around it, and along the principal ray; a ball at the source."""
    pixels = np.vstack([_edges(size), [geometry.principal_point_px]])
    points = np.vstack([np.zeros((1, 3)), _onDetector(pixels, geometry, view, _BEFORE_PLANE)])
    lines = _polydata(points, lines=[[0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [1, 2, 3, 4, 1]])
    ball = vtk.vtkSphereSource()
    ball.SetRadius(SOURCE_RADIUS_MM)
    ball.SetThetaResolution(24)
    ball.SetPhiResolution(24)
    ball.Update()
    ball.GetOutput().GetPointData().Initialize()
    both = vtk.vtkAppendPolyData()
    both.AddInputData(lines)
    both.AddInputData(ball.GetOutput())
    both.Update()
    return both.GetOutput()


def _ribbon(outlinesPx, radiographNode, sliceIndex):
    """A wall along each outline, across the slice, in RAS without the radiograph's transform."""
    toRas = vtk.vtkMatrix4x4()
    radiographNode.GetIJKToRASMatrix(toRas)
    toRas = slicer.util.arrayFromVTKMatrix(toRas)
    points, quads, count = [np.zeros((0, 3))], [], 0
    for outline in outlinesPx:
        size = len(outline)
        for k in (sliceIndex - _RIBBON, sliceIndex + _RIBBON):
            points.append(np.column_stack([outline, np.full(size, k)]))
        here = np.arange(size)
        following = (here + 1) % size
        quads.append(count + np.stack([here, following, following + size, here + size], 1))
        count += 2 * size
    return _polydata(np.vstack(points) @ toRas[:3, :3].T + toRas[:3, 3], polys=quads)


def _outline(outlinesPx, geometry, view):
    """The outlines as closed lines, just before the plane."""
    lines, count = [], 0
    for outline in outlinesPx:
        lines.append([*range(count, count + len(outline)), count])
        count += len(outline)
    return _polydata(
        _onDetector(np.vstack([np.zeros((0, 2)), *outlinesPx]), geometry, view, _BEFORE_PLANE), lines=lines
    )


def _polydata(points, polys=(), lines=()):
    """polys: arrays (m, 4) of point indices. lines: lists of them, one for each polyline."""
    polydata = vtk.vtkPolyData()
    polydata.SetPoints(vtk.vtkPoints())
    polydata.GetPoints().SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    if len(polys):
        cells = vtk.vtkCellArray()
        cells.SetData(4, numpy_to_vtkIdTypeArray(np.vstack(polys).ravel().astype(np.int64), deep=True))
        cells.ConvertTo32BitStorage()
        polydata.SetPolys(cells)
    if len(lines):
        cells = vtk.vtkCellArray()
        for line in lines:
            cells.InsertNextCell(len(line), line)
        polydata.SetLines(cells)
    return polydata


def _paint(node, colour, width):
    """A plain colour that does not depend on the light, and lines of that many pixels in every view."""
    display = node.GetDisplayNode()
    display.SetColor(colour)
    display.SetLighting(False)
    display.SetLineWidth(width)
    display.SetSliceIntersectionThickness(width)
