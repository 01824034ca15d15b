"""What the application's own views show; nothing happens where there are none, as in a script."""

import slicer


def showInSlices(volumeNode):
    """Shows a volume in the slice views, each turned into its plane."""
    if volumeNode is not None and _hasViews():
        slicer.util.setSliceViewerLayers(background=volumeNode, fit=True, rotateToVolumePlane=True)


def showInOneSlice(volumeNode):
    """Shows a volume in one slice view, unless one shows it already: then zoom and place stay as the user has them. The
    other views, and every window and level, are left alone."""
    manager = slicer.app.layoutManager() if _hasViews() else None
    views = [manager.sliceWidget(name) for name in manager.sliceViewNames()] if manager else []
    views = [view for view in views if view.visible] or views
    logics = [view.sliceLogic() for view in views]
    if not logics or any(one.GetSliceCompositeNode().GetBackgroundVolumeID() == volumeNode.GetID() for one in logics):
        return
    logics[0].GetSliceCompositeNode().SetBackgroundVolumeID(volumeNode.GetID())
    logics[0].GetSliceNode().RotateToVolumePlane(volumeNode)
    logics[0].FitSliceToBackground()


def layOver(volumeNode, overNode, opacity):
    """Shows another volume over one in every slice view that shows that."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetBackgroundVolumeID() == volumeNode.GetID():
            composite.SetForegroundVolumeID(overNode.GetID())
            composite.SetForegroundOpacity(opacity)


def takeAway(overNode):
    """Ends what `layOver` has begun."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if composite.GetForegroundVolumeID() == overNode.GetID():
            composite.SetForegroundVolumeID(None)
            composite.SetForegroundOpacity(0.0)


def resetThreeDViews():
    """Moves the 3D views so that they show everything."""
    if _hasViews():
        slicer.util.resetThreeDViews()


def _hasViews():
    manager = getattr(slicer.app, "layoutManager", None)
    return manager is not None and manager() is not None
