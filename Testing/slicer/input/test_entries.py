"""What is remembered of a radiograph outlives the frames of a sequence, saving, copying, and the DICOM database."""

import json

import pytest
import slicer
import slicer_host
from dicom_files import DISTANCES, dicom
from scene_host import reopened
from scene_nodes import radiograph_node

from ReVertLib.imaging.dicom_tags import NUMBER_TAGS, TEXT_TAGS

UID = "1.2.3"


@pytest.fixture
def sources():
    slicer_host.load()
    from ReVertSlicer.input import sources

    return sources


TAGS = {"DistanceSourceToDetector": "1020", "ImagerPixelSpacing": "0.4\\0.3", "PositionerPrimaryAngle": "0"}


class Database:
    """slicer.dicomDatabase with one image."""

    def fileForInstance(self, uid):
        return "file" if uid == UID else ""

    def fileValue(self, _file, tag):
        return {{**TEXT_TAGS, **NUMBER_TAGS}[keyword]: value for keyword, value in TAGS.items()}.get(tag, "")


class EmptyDatabase:
    def fileForInstance(self, _uid):
        return ""


def sequence(uid=UID):
    """(browser, the volume that shows its frame) of two frames, as Slicer's reader of XA and RF makes them."""
    frames = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", "run")
    for index in range(2):
        frame = radiograph_node()
        slicer.util.arrayFromVolume(frame)[:] += index
        frame.SetAttribute("DICOM.instanceUIDs", uid)
        frames.SetDataNodeAtValue(frame, str(index))
        slicer.mrmlScene.RemoveNode(frame)
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode")
    browser.AddSynchronizedSequenceNode(frames)
    browser.SelectFirstItem()
    slicer.modules.sequences.logic().UpdateAllProxyNodes()
    return browser, browser.GetProxyNode(frames)


def next_frame(browser):
    browser.SetSelectedItemNumber(browser.GetSelectedItemNumber() + 1)
    slicer.modules.sequences.logic().UpdateAllProxyNodes()


def test_what_is_entered_survives_the_next_frame_of_a_sequence(sources):
    browser, node = sequence()
    sources.enter(node, sod_mm=640, bone_dark=True)
    node.SetAttribute("own", "lost")
    before = slicer.util.arrayFromVolume(node).copy()
    next_frame(browser)
    assert (slicer.util.arrayFromVolume(node) != before).all()
    assert node.GetAttribute("own") is None  # the frame did replace the attributes
    assert sources.entered(node) == {"sod_mm": 640, "bone_dark": True}


def test_dicom_outlives_its_database(sources, monkeypatch, tmp_path):
    """A scene that is opened on another machine; its frames have lost their UID when they come from a saved file."""
    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    node = radiograph_node()
    node.SetAttribute("DICOM.instanceUIDs", UID)
    before = sources.sourcesOf(node)
    assert before.geometry.values["sdd_mm"] == 1020
    reopened(tmp_path)
    monkeypatch.setattr(slicer, "dicomDatabase", EmptyDatabase())
    (node,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert sources.sourcesOf(node) == before
    node.SetAttribute("DICOM.instanceUIDs", None)
    assert sources.sourcesOf(node) == before
    node.SetAttribute("DICOM.instanceUIDs", "9.9")  # another image, of which nothing is known
    assert "sdd_mm" in sources.sourcesOf(node).missing


def test_a_dicom_file_may_be_gone_once_it_was_read(sources, tmp_path):
    path = dicom(tmp_path / "a", **DISTANCES, ImagerPixelSpacing=[0.4, 0.2])
    node = radiograph_node()
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    node.SetAndObserveStorageNodeID(storage.GetID())
    before = sources.sourcesOf(node)
    assert before.geometry.values["pixel_spacing_mm"] == (0.2, 0.4)
    storage.SetFileName(str(tmp_path / "saved.nrrd"))
    assert sources.sourcesOf(node) == before


def test_images_of_a_series_that_disagree_are_not_mixed_up(sources):
    from ReVertSlicer.input import entries

    node = radiograph_node()
    entries.keepDicomTags(node, "1", {"DistanceSourceToDetector": 1000})
    entries.keepDicomTags(node, "2", {"DistanceSourceToDetector": 1100})
    assert entries.dicomTags(node, "2") == {"DistanceSourceToDetector": "1100"}
    assert entries.dicomTags(node, "") == {}


def test_a_copy_begins_with_the_same_and_goes_its_own_way(sources):
    node = radiograph_node()
    sources.enter(node, sdd_mm=1000)
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    copy.Copy(node)
    assert sources.entered(copy) == {"sdd_mm": 1000}
    sources.enter(copy, sdd_mm=1100)
    assert (sources.entered(node), sources.entered(copy)) == ({"sdd_mm": 1000}, {"sdd_mm": 1100})


def test_scenes_of_earlier_versions_are_read_and_change_over(sources):
    node = radiograph_node()
    node.SetAttribute("ReVert.Entered", json.dumps({"sod_mm": 700, "pixel_spacing_mm": [0.2, 0.3]}))
    assert sources.entered(node) == {"sod_mm": 700, "pixel_spacing_mm": (0.2, 0.3)}
    sources.enter(node, sdd_mm=1000)
    assert sources.entered(node) == {"sod_mm": 700, "pixel_spacing_mm": (0.2, 0.3), "sdd_mm": 1000}
    assert node.GetAttribute("ReVert.Entered") is None


def test_nothing_is_inherited_from_a_radiograph_that_was_deleted(sources):
    node = radiograph_node()
    sources.enter(node, sdd_mm=1000)
    slicer.mrmlScene.RemoveNode(node)
    assert sources.entered(radiograph_node()) == {}
