"""Pictures of the scene as Slicer's 3D and slice views would show it, drawn by Slicer's own displayable managers.

What the application adds is imitated: the window, its background and lights, and the image below what is drawn over it
in a slice view. Needs `scene_host.new_scene`. The scene is left as it was.
"""

from contextlib import contextmanager

import numpy as np
import slicer
import slicer.util
import vtk

MANAGERS_3D = (
    slicer.vtkMRMLModelDisplayableManager,
    slicer.vtkMRMLMarkupsDisplayableManager,
    slicer.vtkMRMLSegmentationsDisplayableManager3D,
    slicer.vtkMRMLVolumeRenderingDisplayableManager,
    slicer.vtkMRMLColorLegendDisplayableManager,
    slicer.vtkMRMLOrientationMarkerDisplayableManager,
    slicer.vtkMRMLRulerDisplayableManager,
)
MANAGERS_SLICE = (
    slicer.vtkMRMLModelSliceDisplayableManager,
    slicer.vtkMRMLMarkupsDisplayableManager,
    slicer.vtkMRMLColorLegendDisplayableManager,
    slicer.vtkMRMLRulerDisplayableManager,
)
BELOW, ABOVE = (0.7568, 0.7647, 0.9098), (0.4549, 0.4706, 0.7451)
"""Slicer's background in 3D."""


def picture_3d(path, size=(1200, 900), azimuth_deg=0.0, elevation_deg=0.0, shown=None, air=1.08):
    """Writes a PNG of all that is visible in 3D, without perspective, with axes and ruler. size: width and height,
    pixels.

    The viewer is before the patient, turned about the head-foot axis by azimuth_deg (positive: to the patient's right),
    and raised by elevation_deg. shown: the model nodes that fill the picture, by default all that are visible;
    air: how much larger the picture is, so that the legend lies beside them.
    """
    node = slicer.vtkMRMLViewNode()
    node.SetRenderMode(node.Orthographic)
    node.SetOrientationMarkerType(node.OrientationMarkerTypeAxes)
    node.SetOrientationMarkerSize(node.OrientationMarkerSizeMedium)
    node.SetRulerType(node.RulerTypeThick)
    with view_of(node, MANAGERS_3D, size) as (window, renderer):
        renderer.SetBackground(BELOW)
        renderer.SetBackground2(ABOVE)
        renderer.SetGradientBackground(True)
        vtk.vtkLightKit().AddLightsToRenderer(renderer)
        camera = renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetFocalPoint(0, 0, 0)
        camera.SetPosition(0, 1, 0)
        camera.SetViewUp(0, 0, 1)
        camera.Azimuth(azimuth_deg)
        camera.Elevation(elevation_deg)
        renderer.ResetCamera()
        _fit(renderer, _points(shown or _visible_models()), size, air)
        node.SetFieldOfView(2 * camera.GetParallelScale())  # what the ruler measures by
        _write(window, path)


def _visible_models():
    return [n for n in slicer.util.getNodesByClass("vtkMRMLModelNode") if n.GetDisplayVisibility() and _is_in_3d(n)]


def _is_in_3d(node):
    return any(node.GetNthDisplayNode(i).GetVisibility3D() for i in range(node.GetNumberOfDisplayNodes()))


def _points(model_nodes):
    """(n, 3) all vertices, RAS mm."""
    found = []
    for node in model_nodes:
        to_world = vtk.vtkGeneralTransform()
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, to_world)
        found += [to_world.TransformPoint(point) for point in slicer.util.arrayFromModelPoints(node)]
    return np.array(found)


def _fit(renderer, points, size, air):
    """Moves and zooms a parallel camera until points (n, 3) fill the picture, air times as large."""
    camera = renderer.GetActiveCamera()
    to_view = slicer.util.arrayFromVTKMatrix(camera.GetViewTransformMatrix())[:3, :3]
    seen = points @ to_view.T
    middle, extent = (seen.min(0) + seen.max(0)) / 2, np.ptp(seen, axis=0)
    shift = middle @ to_view - camera.GetFocalPoint()
    camera.SetPosition(camera.GetPosition() + shift)
    camera.SetFocalPoint(camera.GetFocalPoint() + shift)
    camera.SetParallelScale(air / 2 * max(extent[1], extent[0] * size[1] / size[0]))
    renderer.ResetCameraClippingRange()


def picture_slice(volume_node, path, size=(900, 900), slice_index=0, zoom=1.0):
    """Writes a PNG of the slice view of a volume, turned into its plane and fitted to it, then nearer by zoom."""
    node, composite, logic = slicer.vtkMRMLSliceNode(), slicer.vtkMRMLSliceCompositeNode(), slicer.vtkMRMLSliceLogic()
    node.SetRulerType(node.RulerTypeThick)
    composite.SetLayoutName("Picture")
    with view_of(node, MANAGERS_SLICE, size) as (window, renderer):
        slicer.mrmlScene.AddNode(composite)
        logic.SetMRMLScene(slicer.mrmlScene)
        logic.SetSliceNode(node)
        logic.SetSliceCompositeNode(composite)
        composite.SetBackgroundVolumeID(volume_node.GetID())
        node.SetDimensions(*size, 1)
        node.GetSliceToRAS().SetElement(0, 0, -1)  # axial, the patient's right at the left, as Slicer's own view is
        node.UpdateMatrices()
        node.RotateToVolumePlane(volume_node)
        logic.FitSliceToAll(*size)
        node.SetFieldOfView(*(np.asarray(node.GetFieldOfView()) / (zoom, zoom, 1)))
        middle = (np.asarray(volume_node.GetImageData().GetDimensions()[:2]) - 1) / 2
        to_ras = vtk.vtkMatrix4x4()
        volume_node.GetIJKToRASMatrix(to_ras)
        node.JumpSliceByCentering(*to_ras.MultiplyPoint((*middle, slice_index, 1))[:3])
        renderer.AddViewProp(_image(logic))
        _write(window, path)
        logic.SetMRMLScene(None)


@contextmanager
def view_of(node, managers, size):
    """A window with its renderer, in which managers draw what view node shows; all nodes that came go with it."""
    before = set(_ids())
    window, renderer, interactor = vtk.vtkRenderWindow(), vtk.vtkRenderer(), vtk.vtkRenderWindowInteractor()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(8)
    window.SetSize(*size)
    window.AddRenderer(renderer)
    window.SetInteractor(interactor)
    vtk.vtkMapper.SetResolveCoincidentTopologyToPolygonOffset()
    node.SetLayoutName("Picture")
    slicer.mrmlScene.AddNode(node)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    group.SetMRMLDisplayableNode(node)
    for manager_class in managers:
        manager = manager_class()
        manager.SetMRMLApplicationLogic(slicer.modules.colors.logic().GetMRMLApplicationLogic())
        group.AddDisplayableManager(manager)
    for legend in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        slicer.mrmlScene.InvokeEvent(slicer.mrmlScene.NodeAddedEvent, legend)  # older than the view
    try:
        yield window, renderer
    finally:
        group.SetMRMLDisplayableNode(None)
        for node_id in set(_ids()) - before:
            slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetNodeByID(node_id))


def _ids():
    return [slicer.mrmlScene.GetNthNode(index).GetID() for index in range(slicer.mrmlScene.GetNumberOfNodes())]


def _image(slice_logic):
    """What a slice view shows of its volumes, as a picture below everything else."""
    mapper, actor = vtk.vtkImageMapper(), vtk.vtkActor2D()
    mapper.SetInputConnection(slice_logic.GetImageDataConnection())
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    return actor


def _write(window, path):
    window.Render()
    picture, writer = vtk.vtkWindowToImageFilter(), vtk.vtkPNGWriter()
    picture.SetInput(window)
    writer.SetInputConnection(picture.GetOutputPort())
    writer.SetFileName(str(path))
    writer.Write()
