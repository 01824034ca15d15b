"""Saving the scene, closing it and loading it again, as Slicer does: nodes with a storage go into own files."""

from pathlib import Path

import slicer
import slicer.util


def reloaded(folder: Path) -> None:
    """slicer.mrmlScene holds what it held, read from what was written into folder."""
    scene = slicer.mrmlScene
    scene.SetRootDirectory(str(folder))
    for number, node in enumerate(slicer.util.getNodesByClass("vtkMRMLStorableNode")):
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        if storage is None:  # short enough to be in the scene file itself
            continue
        storage.SetFileName(str(folder / f"{number}.{storage.GetDefaultWriteFileExtension()}"))
        assert storage.WriteData(node), node.GetClassName()
    scene.SetURL(str(folder / "scene.mrml"))
    assert scene.Commit()
    scene.Clear(0)
    scene.SetURL(str(folder / "scene.mrml"))
    assert scene.Import()
