"""The CT's own radiograph over the film it was aligned to: faded, as a checkerboard, or as the difference.

What is shown is a volume of ours on the film's grid in the foreground of the slice views that show the film, with the
film's grey values; it follows from the kept DRR and is no part of undo.
"""

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.ct_registration import drr_over_film
from ReVertLib.imaging.orientation import turned, turned_back
from ReVertSlicer.input import radiograph_check
from ReVertSlicer.input.sources import sourcesOf

from . import hierarchy, layout
from .result_state import SLICE

FILM, FADED, CHECKERBOARD, DIFFERENCE = "film", "CT over the film", "checkerboard", "difference"
PICTURES = (FILM, FADED, CHECKERBOARD, DIFFERENCE)
PICTURE = "ReVert.Picture"
"""Attribute of what lies over the film: one of PICTURES."""
DRR_OF = "ReVert.DrrOf"
"""Attribute of a kept DRR of the whole CT: the level that was laid exactly."""
_KINDS = {False: "ctDrr", True: "ctWholeDrr"}


def keepDrr(radiographNode, kind, drr, taken, level=None):
    """Keeps a DRR (rows, columns) of the shown picture as a volume on the film's grid. kind: "ctDrr" of the vertebrae,
    or "ctWholeDrr" of all of the CT as level was laid."""
    node = hierarchy.part(radiographNode, kind) or hierarchy.newPart(
        radiographNode, kind, _("{radiograph}, DRR of the CT").format(radiograph=radiographNode.GetName())
    )
    node.SetAttribute(SLICE, str(taken.sliceIndex))
    node.SetAttribute(DRR_OF, level)
    _put(node, radiographNode, turned_back(drr, taken.turn))
    node.GetDisplayNode().SetAutoWindowLevel(True)


def wholeOf(radiographNode):
    """The level whose DRR of the whole CT is kept, None without."""
    node = hierarchy.part(radiographNode, "ctWholeDrr")
    return None if node is None else node.GetAttribute(DRR_OF)


def shown(radiographNode):
    """Which of PICTURES the slice views show."""
    node = hierarchy.part(radiographNode, "ctOverFilm")
    return FILM if node is None else node.GetAttribute(PICTURE)


def show(radiographNode, picture, opacity=0.5, whole=False):
    """Lays one of PICTURES over the film, or takes it away. opacity: of the CT where it is FADED. whole: of the whole
    CT, where that DRR is kept. Raises InputError as `radiograph_check.pixelsOf` does."""
    node, drr = hierarchy.part(radiographNode, "ctOverFilm"), hierarchy.part(radiographNode, _KINDS[whole])
    if picture == FILM or drr is None or not _isOnFilm(drr, radiographNode):
        if node is not None:
            layout.takeAway(node)
            slicer.mrmlScene.RemoveNode(node)
        return
    if node is None:
        name = _("{radiograph} and its CT").format(radiograph=radiographNode.GetName())
        node = hierarchy.newPart(radiographNode, "ctOverFilm", name)
        node.SetUndoEnabled(False)
    node.SetAttribute(PICTURE, picture)
    node.SetAttribute(SLICE, drr.GetAttribute(SLICE))
    pixels, level = _picture(radiographNode, drr, picture)
    _put(node, radiographNode, pixels)
    _showAs(node, radiographNode, level)
    layout.showInOneSlice(radiographNode)
    layout.layOver(radiographNode, node, opacity if picture == FADED else 1.0)


def setOpacity(radiographNode, opacity):
    """Fades what lies over the film."""
    node = hierarchy.part(radiographNode, "ctOverFilm")
    if node is not None and node.GetAttribute(PICTURE) == FADED:
        layout.layOver(radiographNode, node, opacity)


def follow(radiographNode):
    """Takes away what lies over the film when the DRR is gone, as after undo."""
    if hierarchy.part(radiographNode, "ctDrr") is None:
        show(radiographNode, FILM)


def _isOnFilm(drrNode, radiographNode):
    """Whether a DRR has the film's pixels, which may be another image now."""
    sizes = [node.GetImageData().GetDimensions()[:2] for node in (drrNode, radiographNode) if node.GetImageData()]
    return len(sizes) == 2 and sizes[0] == sizes[1]


def _picture(radiographNode, drrNode, picture):
    """(pixels as the volume has them, the grey value that is shown as medium grey, None for the film's own)."""
    index = int(drrNode.GetAttribute(SLICE))
    sources = sourcesOf(radiographNode, index)
    film = radiograph_check.pixelsOf(radiographNode, index, sources)
    like = drr_over_film.in_film_greys(turned(slicer.util.arrayFromVolume(drrNode)[0], sources.turn), film)
    if picture == DIFFERENCE:
        return turned_back(drr_over_film.difference(film, like), sources.turn), 0.0
    found = drr_over_film.checkerboard(film, like) if picture == CHECKERBOARD else like
    if radiograph_check.isBoneDark(radiographNode, index, sources):
        found = float(film.max()) + float(film.min()) - found  # as `inverted_greys` has inverted the film
    return turned_back(found, sources.turn), None


def _put(node, radiographNode, pixels):
    """Pixels (rows, columns) where the radiograph's slice is."""
    toRas, first = vtk.vtkMatrix4x4(), np.eye(4)
    radiographNode.GetIJKToRASMatrix(toRas)
    first[2, 3] = int(node.GetAttribute(SLICE))
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(pixels[None], np.float32))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(slicer.util.arrayFromVTKMatrix(toRas) @ first))
    node.SetAndObserveTransformNodeID(radiographNode.GetTransformNodeID())


def _showAs(node, radiographNode, level):
    """With the radiograph's own window and colours. level: the medium grey, None for the radiograph's own."""
    display, theirs = node.GetDisplayNode(), radiographNode.GetDisplayNode()
    with slicer.util.NodeModify(display):
        display.SetAutoWindowLevel(theirs is None)
        if theirs is not None:
            display.SetWindowLevel(theirs.GetWindow(), theirs.GetLevel() if level is None else level)
        colours = theirs.GetColorNodeID() if theirs is not None else None
        display.SetAndObserveColorNodeID(colours or "vtkMRMLColorTableNodeGrey")
