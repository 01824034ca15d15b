"""The CT itself in 3D, where it lies: as a volume rendering, or where there is only a segmentation, as its surface.

An alignment moves the surface onto the CT, never the CT; so it is shown in its own place.
"""

import slicer
import vtk

PRESET = "CT-Bone"
_FEW_SLICES = 3


def ctOf(segmentationNode):
    """The CT a segmentation is of: the volume it was drawn on, else the last one loaded of many slices that overlaps
    it; None without any."""
    role = segmentationNode.GetReferenceImageGeometryReferenceRole()
    reference = segmentationNode.GetNodeReference(role)
    if reference is not None and reference.IsA("vtkMRMLScalarVolumeNode"):
        return reference
    box = _bounds(segmentationNode)
    found = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if _isCt(node)]
    return next((node for node in reversed(found) if box.Intersects(_bounds(node))), None)


def canRender():
    """Whether Slicer has its Volume Rendering module."""
    return _logic() is not None


def isShown(segmentationNode):
    """Whether `show` has shown the CT of a segmentation."""
    display = _display(segmentationNode)
    if display is None or not display.GetVisibility():
        return False
    if display.IsA("vtkMRMLVolumeRenderingDisplayNode"):
        return True
    surface = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    return bool(display.GetVisibility3D()) and segmentationNode.GetSegmentation().ContainsRepresentation(surface)


def show(segmentationNode, shown):
    """Shows or hides the CT of a segmentation, or its own surface where there is no CT."""
    volume, display = ctOf(segmentationNode), _display(segmentationNode)
    if volume is None:
        segmentationNode.CreateDefaultDisplayNodes()
        if shown:
            segmentationNode.CreateClosedSurfaceRepresentation()
            segmentationNode.GetDisplayNode().SetVisibility(True)
        segmentationNode.GetDisplayNode().SetVisibility3D(shown)
        return
    if display is None and shown:
        display = _newDisplay(volume)
    if display is not None:
        display.SetVisibility(shown)


def _newDisplay(volumeNode):
    logic = _logic()
    display = logic.CreateDefaultVolumeRenderingNodes(volumeNode)
    preset = logic.GetPresetByName(PRESET)
    if preset is not None:
        display.GetVolumePropertyNode().Copy(preset)
    return display


def _display(segmentationNode):
    """What shows it now: of the volume rendering of the CT, or of the segmentation."""
    volume = ctOf(segmentationNode)
    if volume is None:
        return segmentationNode.GetDisplayNode()
    return _logic().GetFirstVolumeRenderingDisplayNode(volume) if canRender() else None


def _isCt(node):
    image = node.GetImageData()
    return image is not None and min(image.GetDimensions()) > _FEW_SLICES and not node.IsA("vtkMRMLLabelMapVolumeNode")


def _bounds(node):
    """As a vtkBoundingBox, in RAS."""
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    return vtk.vtkBoundingBox(bounds)


def _logic():
    module = getattr(getattr(slicer, "modules", None), "volumerendering", None)
    return module.logic() if module is not None else None
