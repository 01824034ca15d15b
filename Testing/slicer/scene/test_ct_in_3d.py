"""The CT in 3D: which volume it is, shown and hidden; or the segmentation's own surface."""

import numpy as np
import pytest
import slicer
from scene_host import reopened
from scene_nodes import box_segmentation, fresh, radiograph_node

CLOSED = "Closed surface"


@pytest.fixture
def ct():
    return fresh("scene.ct_in_3d")


def volume(origin=(0.0, 0.0, 0.0), name="CT"):
    node = slicer.util.addVolumeFromArray(np.arange(40 * 50 * 60, dtype=np.int16).reshape(40, 50, 60), name=name)
    node.SetOrigin(*origin)
    return node


def rendering(node):
    return slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(node)


def test_the_ct_is_what_was_segmented_or_lies_where_the_segmentation_does(ct):
    segmentation, _segment = box_segmentation()
    radiograph_node()
    volume(origin=(1000.0, 0.0, 0.0), name="elsewhere")
    assert ct.ctOf(segmentation) is None
    here = volume()
    assert ct.ctOf(segmentation) is here
    drawn_on = volume(origin=(1000.0, 0.0, 0.0))
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(drawn_on)
    assert ct.ctOf(segmentation) is drawn_on


def test_it_is_rendered_once_and_hidden_again(ct):
    segmentation, _segment = box_segmentation()
    node = volume()
    assert not ct.isShown(segmentation)
    ct.show(segmentation, False)
    assert rendering(node) is None
    for _again in range(2):
        ct.show(segmentation, True)
        assert ct.isShown(segmentation)
    assert len(slicer.util.getNodesByClass("vtkMRMLVolumeRenderingDisplayNode")) == 1
    assert rendering(node).GetVisibility()
    ct.show(segmentation, False)
    assert not ct.isShown(segmentation) and not rendering(node).GetVisibility()


def test_without_a_ct_the_segmentation_is_shown_as_its_surface(ct):
    segmentation, _segment = box_segmentation()
    assert not ct.isShown(segmentation)
    ct.show(segmentation, True)
    assert ct.isShown(segmentation)
    assert segmentation.GetSegmentation().ContainsRepresentation(CLOSED)
    assert segmentation.GetDisplayNode().GetVisibility3D()
    ct.show(segmentation, False)
    assert not ct.isShown(segmentation) and not segmentation.GetDisplayNode().GetVisibility3D()


def test_it_is_still_shown_in_a_scene_that_was_opened_again(ct, tmp_path):
    segmentation, _segment = box_segmentation()
    volume()
    ct.show(segmentation, True)
    reopened(tmp_path)
    (segmentation,) = slicer.util.getNodesByClass("vtkMRMLSegmentationNode")
    assert ct.isShown(segmentation)
    ct.show(segmentation, False)
    assert not ct.isShown(segmentation)


def test_without_the_module_nothing_can_be_rendered(ct, monkeypatch):
    segmentation, _segment = box_segmentation()
    volume()
    monkeypatch.delattr(slicer.modules, "volumerendering")
    assert not ct.canRender()
    assert not ct.isShown(segmentation)


def test_it_looks_as_slicers_preset_for_bone(ct, monkeypatch):
    segmentation, _segment = box_segmentation()
    node, logic = volume(), slicer.modules.volumerendering.logic()
    preset = slicer.vtkMRMLVolumePropertyNode()
    preset.GetVolumeProperty().GetScalarOpacity().AddPoint(150.0, 0.25)
    asked = []

    class WithPresets:
        def GetPresetByName(self, name):
            asked.append(name)
            return preset

        def __getattr__(self, name):
            return getattr(logic, name)

    monkeypatch.setattr(ct, "_logic", WithPresets)
    ct.show(segmentation, True)
    found = rendering(node).GetVolumePropertyNode().GetVolumeProperty().GetScalarOpacity()
    assert (asked, found.GetValue(150.0)) == (["CT-Bone"], 0.25)
