"""What was found on a film, in the scene: a box for each of L1 to L5, and the names of what lies above and below."""

from dataclasses import replace

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ReVertLib.errors import InputError

from . import level_labels, placement
from .found_film import FoundFilm, foundOn, keep, onVolume, searchedSlices
from .image_slice import imageSlice

NUMBER = "ReVert.FoundNumber"
"""Attribute of a box: the number of the vertebra that was found there."""
FILM, SLICE = "ReVert.Film", "ReVert.Slice"
"""Node reference, and attribute, from the names above and below the boxes to their radiograph and its slice."""
_SAME_PX = 0.01


def show(radiographNode, sliceIndex, spine, image, turn):
    """Shows a spine that was found on the picture shown by turn, in place of what was found before. Levels that were
    placed by hand stay as they are. image: SHA-256 of the slice. Raises InputError for a radiograph under a transform
    that is not linear."""
    size = tuple(imageSlice(radiographNode, sliceIndex).size.tolist())
    _removeBoxes(radiographNode, sliceIndex)
    _draw(radiographNode, sliceIndex, FoundFilm(onVolume(spine, size, turn), image, turn))


def rename(radiographNode, sliceIndex, reading=None, steps=0):
    """Takes another reading of the names, or moves all names by so many vertebrae towards the feet. Boxes stay where
    they are now. Raises InputError where none of L1 to L5 would be left; then nothing is changed."""
    film = asInScene(radiographNode, sliceIndex)
    named = replace(film, steps=film.steps + steps) if reading is None else replace(film, reading=reading, steps=0)
    if not named.levels:
        raise InputError(_("names: expected one of L1 to L5 to be left on the film, got none"))
    _removeBoxes(radiographNode, sliceIndex)
    _draw(radiographNode, sliceIndex, named)


def asInScene(radiographNode, sliceIndex):
    """The FoundFilm with the boxes where the user has put them and without those that are gone."""
    film = foundOn(radiographNode, sliceIndex)
    placed = {number: one.boxPx for number, one in _boxes(radiographNode, sliceIndex)}
    shown = {number: _cut(radiographNode, box) for number, _level, box, _likely in film.levels}
    moved = {n: box for n, box in placed.items() if n in shown and not np.allclose(box, shown[n], atol=_SAME_PX)}
    gone = shown.keys() - placed.keys()
    return replace(film, moved={**film.moved, **moved}, removed=tuple(sorted({*film.removed, *gone})))


def showOpened():
    """Writes the names above and below the boxes of a scene that was opened: they are not saved."""
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        for index in searchedSlices(node):
            _writeOthers(node, index, foundOn(node, index))


def _draw(radiographNode, sliceIndex, film):
    """Keeps a film and makes its boxes and names; what has no place of its own is taken for removed."""
    byHand = {one.level for one in placement.placements(radiographNode, sliceIndex)}
    left = list(film.removed)
    for number, level, box, likely in film.levels:
        inside = _cut(radiographNode, box)
        if level in byHand or not (inside[0] < inside[2] and inside[1] < inside[3]):
            left.append(number)
            continue
        node = placement.addBox(radiographNode, level, inside, sliceIndex)
        node.GetDisplayNode().SetScaleHandleVisibility(False)  # four to each box, over the bones of a whole film
        node.SetAttribute(NUMBER, str(number))
        node.SetAttribute(level_labels.LIKELY, f"{likely * film.likely:.0%}" if film.likely else None)
    film = replace(film, removed=tuple(left))
    keep(radiographNode, sliceIndex, film)
    _writeOthers(radiographNode, sliceIndex, film)


def _boxes(radiographNode, sliceIndex):
    """(number, Placement) of the boxes that were found."""
    for one in placement.placements(radiographNode, sliceIndex):
        number = slicer.mrmlScene.GetNodeByID(one.nodeId).GetAttribute(NUMBER)
        if number is not None:
            yield int(number), one


def _removeBoxes(radiographNode, sliceIndex):
    for _number, one in list(_boxes(radiographNode, sliceIndex)):
        placement.remove(one)


def _cut(radiographNode, box):
    """The part of a box that lies on the image."""
    columns, rows = radiographNode.GetImageData().GetDimensions()[:2]
    u0, v0, u1, v1 = box
    return max(u0, 0.0), max(v0, 0.0), min(u1, float(columns)), min(v1, float(rows))


def _writeOthers(radiographNode, sliceIndex, film):
    """The names of what is not reconstructed, each at its middle."""
    for node in _names(radiographNode, sliceIndex):
        slicer.mrmlScene.RemoveNode(node)
    if not film.others:
        return
    image, node = imageSlice(radiographNode, sliceIndex), level_labels.newTexts(_("Vertebrae above and below"))
    node.SetNodeReferenceID(FILM, radiographNode.GetID())
    node.SetAttribute(SLICE, str(sliceIndex))
    for name, centre in film.others:
        node.AddControlPointWorld(vtk.vtkVector3d(*image.world(*centre)), name)


def _names(radiographNode, sliceIndex):
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    wanted = radiographNode.GetID(), str(sliceIndex)
    return [node for node in nodes if (node.GetNodeReferenceID(FILM), node.GetAttribute(SLICE)) == wanted]


def removeOrphans():
    """Removes the names of films that are no longer in the scene."""
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    for node in [node for node in nodes if node.GetAttribute(SLICE) and node.GetNodeReference(FILM) is None]:
        slicer.mrmlScene.RemoveNode(node)
