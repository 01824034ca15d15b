"""The CT's own radiograph over the film it was aligned to."""

import numpy as np
import pytest
import slicer
from scene_nodes import fresh, radiograph_node


@pytest.fixture(scope="module")
def over():
    return fresh("scene.ct_over_film")


@pytest.fixture
def film(over):
    """A film in a slice view, and the DRR of a CT that sees its middle."""
    slicer.mrmlScene.Clear(0)
    node = radiograph_node()
    composite = slicer.vtkMRMLSliceCompositeNode()
    composite.SetLayoutName("Red")
    slicer.mrmlScene.AddNode(composite).SetBackgroundVolumeID(node.GetID())
    keep(over, node, bright())
    return node


def bright():
    drr = np.zeros((60, 80), np.float32)
    drr[20:40, 30:50] = np.linspace(1, 2, 20)
    return drr


def keep(over, film, drr, turn=1, kind="ctDrr", level=None):
    from ReVertSlicer.scene.reconstruction_nodes import Taken

    over.keepDrr(film, kind, drr, Taken(0, None, turn), level)


def composite():
    (node,) = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return node


def seen():
    """What lies in the foreground, as an array."""
    return slicer.util.arrayFromVolume(slicer.mrmlScene.GetNodeByID(composite().GetForegroundVolumeID()))[0]


def test_the_ct_is_faded_over_the_film_in_its_greys(over, film):
    over.show(film, over.FADED, 0.25)
    assert composite().GetForegroundOpacity() == 0.25
    # A ramp of 1 per column: the DRR rises with it where it sees anything, and elsewhere the film is as it was.
    assert seen() == pytest.approx(np.tile(np.arange(80.0), (60, 1)), abs=1e-3)
    over.setOpacity(film, 0.75)
    assert composite().GetForegroundOpacity() == 0.75
    over.show(film, over.FILM)
    assert composite().GetForegroundVolumeID() is None
    assert over.shown(film) == over.FILM


def test_a_difference_is_seen_where_film_and_ct_differ(over, film):
    drr = bright()
    drr[20:40] = drr[20:40, ::-1]
    keep(over, film, drr)
    over.show(film, over.DIFFERENCE)
    apart = seen()
    assert apart[20:40, 30] == pytest.approx(-19, abs=1e-3)  # 30 on the film, 49 by the CT
    assert not apart[drr == 0].any()
    over.show(film, over.CHECKERBOARD)
    ramp = np.tile(np.arange(80.0), (60, 1))
    fields = np.add.outer(np.arange(60) // 5, np.arange(80) // 5) % 2  # 16 along the longer side
    assert seen()[fields == 0] == pytest.approx(ramp[fields == 0])
    assert seen()[fields == 1] == pytest.approx((ramp - apart)[fields == 1], abs=1e-3)


def test_on_a_film_that_is_shown_turned_with_dark_bone_all_lies_as_it_is_stored(over, film):
    from ReVertSlicer.input import radiograph_check

    radiograph_check.enter(film, bone_dark=True, half_turn=True)
    keep(over, film, bright()[::-1, ::-1], turn=3)
    over.show(film, over.FADED)
    # The stored ramp is darkest at the left, so its bone is brightest there and the DRR, mirrored twice, falls.
    middle = seen()[20:40, 30:50]
    assert seen()[0] == pytest.approx(np.arange(80.0))
    assert (np.diff(middle, axis=1) < 0).all()
    assert middle.mean() == pytest.approx(39.5, abs=1e-3)


def test_the_whole_ct_is_kept_beside(over, film):
    keep(over, film, np.ones((60, 80), np.float32), kind="ctWholeDrr", level="L3")
    assert over.wholeOf(film) == "L3"
    over.show(film, over.FADED, whole=True)
    assert np.ptp(seen()) == 0
    over.show(film, over.FADED)
    assert np.ptp(seen()) > 0
    from ReVertSlicer.scene import hierarchy

    slicer.mrmlScene.RemoveNode(hierarchy.part(film, "ctDrr"))
    over.follow(film)
    assert composite().GetForegroundVolumeID() is None
