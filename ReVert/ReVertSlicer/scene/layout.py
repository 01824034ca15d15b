"""What the application's own views show; nothing happens where there are none, as in a script."""

import slicer


def showInSlices(volumeNode):
    """Shows a volume in the slice views, each turned into its plane."""
    if volumeNode is not None and _hasViews():
        slicer.util.setSliceViewerLayers(background=volumeNode, fit=True, rotateToVolumePlane=True)


def resetThreeDViews():
    """Moves the 3D views so that they show everything."""
    if _hasViews():
        slicer.util.resetThreeDViews()


def _hasViews():
    manager = getattr(slicer.app, "layoutManager", None)
    return manager is not None and manager() is not None
