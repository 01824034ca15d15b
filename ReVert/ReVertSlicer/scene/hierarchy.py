"""Our nodes: how each is found again, whose it is, and the folder of the subject hierarchy they lie in.

Every node carries its kind as an attribute and refers to its owner, so that all is found in a scene that was saved and
loaded again, whatever the user has renamed or moved. What is made from a radiograph lies in one folder beside it.
"""

import slicer
import vtk
from slicer.i18n import tr as _

from ReVertSlicer.input.entries import KIND, entered
from ReVertSlicer.input.placement import RADIOGRAPH, isMarked

SURFACE = "ReVert.Surface"
"""Node reference to the model a node belongs to."""
_FOLDER = "ReVert.Folder"

KINDS = {
    "surface": ("vtkMRMLModelNode", RADIOGRAPH),
    "plane": ("vtkMRMLModelNode", RADIOGRAPH),
    "beam": ("vtkMRMLModelNode", RADIOGRAPH),
    "segmentation": ("vtkMRMLSegmentationNode", RADIOGRAPH),
    "measurements": ("vtkMRMLTableNode", RADIOGRAPH),
    "ctPose": ("vtkMRMLLinearTransformNode", RADIOGRAPH),
    "ctSurface": ("vtkMRMLModelNode", RADIOGRAPH),
    "ctReport": ("vtkMRMLTextNode", RADIOGRAPH),
    "ctDrr": ("vtkMRMLScalarVolumeNode", RADIOGRAPH),
    "ctWholeDrr": ("vtkMRMLScalarVolumeNode", RADIOGRAPH),
    "ctOverFilm": ("vtkMRMLScalarVolumeNode", RADIOGRAPH),
    "ctInBeam": ("vtkMRMLLinearTransformNode", RADIOGRAPH),
    "silhouette": ("vtkMRMLModelNode", SURFACE),
    "secondSilhouette": ("vtkMRMLModelNode", SURFACE),
    "outline": ("vtkMRMLModelNode", SURFACE),
    "alignment": ("vtkMRMLLinearTransformNode", SURFACE),
    "comparison": ("vtkMRMLTableNode", SURFACE),
    "distances": ("vtkMRMLTableNode", SURFACE),
    "series": ("vtkMRMLPlotSeriesNode", SURFACE),
    "chart": ("vtkMRMLPlotChartNode", SURFACE),
    "measuredPoints": ("vtkMRMLMarkupsFiducialNode", SURFACE),
    "leftPedicleAxis": ("vtkMRMLMarkupsLineNode", SURFACE),
    "rightPedicleAxis": ("vtkMRMLMarkupsLineNode", SURFACE),
}
"""Class, and the reference to the owner: a radiograph, or a surface that was reconstructed or is a CT's."""


def parts(owner, kind):
    """The nodes of a kind that belong to owner, a radiograph or a model."""
    className, role = KINDS[kind]
    return [
        node
        for node in slicer.util.getNodesByClass(className)
        if node.GetAttribute(KIND) == kind and node.GetNodeReferenceID(role) == owner.GetID()
    ]


def part(owner, kind):
    """The only node of a kind that belongs to owner, or None."""
    return next(iter(parts(owner, kind)), None)


def radiographParts(radiographNode):
    """All nodes made from a radiograph."""
    made = [
        node for kind, (_class, role) in KINDS.items() if role == RADIOGRAPH for node in parts(radiographNode, kind)
    ]
    surfaces = [node for node in made if node.GetAttribute(KIND) in ("surface", "ctSurface")]
    return [*made, *(node for surface in surfaces for node in modelParts(surface))]


def isInUse(radiographNode):
    """Whether a vertebra was placed on a radiograph, a value entered for it, or anything made from it."""
    return bool(isMarked(radiographNode) or entered(radiographNode) or radiographParts(radiographNode))


def modelParts(modelNode):
    """All nodes that belong to a model."""
    return [node for kind, (_class, role) in KINDS.items() if role == SURFACE for node in parts(modelNode, kind)]


def allParts(*kinds):
    """All nodes in the scene of some kinds, or of any."""
    kinds = kinds or tuple(KINDS)
    classes = {KINDS[kind][0] for kind in kinds}
    return [node for name in classes for node in slicer.util.getNodesByClass(name) if node.GetAttribute(KIND) in kinds]


def newPart(owner, kind, name):
    """A new node of a kind that belongs to owner, in the folder, taking part in undo."""
    className, role = KINDS[kind]
    node = slicer.mrmlScene.AddNewNodeByClass(className, name)
    node.SetUndoEnabled(True)
    node.SetAttribute(KIND, kind)
    node.SetNodeReferenceID(role, owner.GetID())
    if node.IsA("vtkMRMLDisplayableNode") and not node.IsA("vtkMRMLTransformNode"):
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetUndoEnabled(True)
    putInFolder(node)
    return node


def putInFolder(node):
    """Puts one of our nodes into its radiograph's folder; without a radiograph, beside its model."""
    hierarchy = _hierarchy()
    surface = node.GetNodeReference(SURFACE)
    radiograph = (surface or node).GetNodeReference(RADIOGRAPH)
    if radiograph is not None:
        item = folder(radiograph, besides=node)
    else:
        item = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(surface)) if surface else 0
    hierarchy.CreateItem(item or hierarchy.GetSceneItemID(), node)


def folder(radiographNode, besides=None):
    """The subject hierarchy item that holds what is made from a radiograph: where the others of it lie, else a new one
    beside the radiograph. besides: a node that does not count."""
    hierarchy = _hierarchy()
    for node in radiographParts(radiographNode):
        item = hierarchy.GetItemByDataNode(node) if node is not besides else 0
        parent = hierarchy.GetItemParent(item) if item else 0
        if parent and hierarchy.HasItemAttribute(parent, _FOLDER):
            return parent
    own = hierarchy.GetItemByDataNode(radiographNode)
    parent = hierarchy.GetItemParent(own) if own else hierarchy.GetSceneItemID()
    item = hierarchy.CreateFolderItem(parent, _("{radiograph}, ReVert").format(radiograph=radiographNode.GetName()))
    hierarchy.SetItemAttribute(item, _FOLDER, "1")
    return item


def removeEmptyFolders():
    """Takes away those of our folders that hold nothing any more."""
    hierarchy, items = _hierarchy(), vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    for item in [items.GetId(index) for index in range(items.GetNumberOfIds())]:
        if hierarchy.HasItemAttribute(item, _FOLDER) and not hierarchy.GetNumberOfItemChildren(item):
            hierarchy.RemoveItem(item)


def _hierarchy():
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
