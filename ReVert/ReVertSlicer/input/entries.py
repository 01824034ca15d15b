"""What the module remembers of a radiograph: what the user entered, what DICOM said, and what was found on it.

It lies in a node of its own to which the radiograph refers. The radiograph's own attributes would be lost: Slicer loads
XA and RF as sequences, and each frame replaces all attributes of the volume that shows it (vtkMRMLNode::CopyContent),
but no references. Scenes of earlier versions have the attribute; it is read where there is no such node.
"""

import json

import slicer

ENTERED = "ReVert.Entered"
"""Parameter (in earlier scenes: attribute of the radiograph): a JSON object of what the user entered."""
DICOM = "ReVert.Dicom"
"""Parameter: a JSON object of the DICOM tags that were read, by the image's UID; "" for an opened file."""
FOUND = "ReVert.Found"
"""Parameter: a JSON object of what was found on each slice, by its number (found_film.py)."""
MEMORY = "ReVert.Memory"
"""Node reference from a radiograph to the node that remembers for it."""
KIND = "ReVert.Kind"
"""Attribute of every node that the module makes of a radiograph: one of `scene.hierarchy.KINDS`."""
_OWNER = "ReVert.Radiograph"
"""Reference back: a copy of a radiograph reads what the original's node remembers, and never writes there."""


def entered(node):
    """What was entered for a radiograph, by key."""
    memory = node.GetNodeReference(MEMORY)
    text = memory.GetParameter(ENTERED) if memory is not None else node.GetAttribute(ENTERED)
    return {key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(text or "{}").items()}


def keepEntered(node, values):
    """Replaces what was entered; the radiograph tells its observers when it is something else."""
    if values == entered(node):
        return
    with slicer.util.NodeModify(node):
        _own(node).SetParameter(ENTERED, json.dumps(values, sort_keys=True))
        node.SetAttribute(ENTERED, None)
        node.Modified()


def found(node):
    """What was found on the slices of a radiograph, plain, by their numbers as text."""
    memory = node.GetNodeReference(MEMORY)
    return json.loads((memory.GetParameter(FOUND) if memory is not None else "") or "{}")


def keepFound(node, values):
    """Replaces what was found; the radiograph tells its observers."""
    with slicer.util.NodeModify(node):
        _own(node).SetParameter(FOUND, json.dumps(values))
        node.Modified()


def dicomTags(node, uid):
    """The tags kept of an image, {} when there are none. An image that is not known by its UID, as a frame of a
    sequence that was saved and loaded again, has those of all others, if they agree."""
    kept = _kept(node)
    if uid in kept:
        return kept[uid]
    different = [tags for index, tags in enumerate(kept.values()) if tags not in list(kept.values())[:index]]
    return different[0] if not uid and len(different) == 1 else {}


def keepDicomTags(node, uid, tags):
    """Remembers the tags of an image as text, for when the DICOM database or the file is not there any more."""
    kept = _kept(node)
    texts = {keyword: _text(value) for keyword, value in tags.items() if value is not None}
    if kept.get(uid) != texts:
        _own(node).SetParameter(DICOM, json.dumps({**kept, uid: texts}, sort_keys=True))


def _kept(node):
    memory = node.GetNodeReference(MEMORY)
    return json.loads((memory.GetParameter(DICOM) if memory is not None else "") or "{}")


def _text(value):
    """As the database gives it: several values are parted by backslashes."""
    return value if isinstance(value, str) else "\\".join(map(str, value if hasattr(value, "__iter__") else [value]))


def _own(node):
    """The node that remembers for this radiograph alone, made where there is none yet."""
    memory = node.GetNodeReference(MEMORY)
    if memory is not None and memory.GetNodeReferenceID(_OWNER) == node.GetID():
        return memory
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "ReVert memory")
    own.SetParameter(ENTERED, json.dumps(entered(node), sort_keys=True))
    own.SetParameter(DICOM, json.dumps(_kept(node), sort_keys=True))
    own.SetParameter(FOUND, json.dumps(found(node)))
    own.SetNodeReferenceID(_OWNER, node.GetID())
    node.SetNodeReferenceID(MEMORY, own.GetID())
    return own
