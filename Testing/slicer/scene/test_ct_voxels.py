"""A CT in the scene and its segmentation, as the library takes them."""

import numpy as np
import pytest
import slicer
from ct_host import FIRST_MM, SIZE_MM, ct_node, segmentation_node
from scene_nodes import fresh, shift

from ReVertLib.errors import InputError


@pytest.fixture(scope="module")
def voxels():
    return fresh("scene.ct_voxels")


def box_lps(given, number):
    """(lower, upper) corners in LPS of the voxels with a number."""
    index = np.argwhere(given.labels == number)[:, ::-1]
    corners = np.vstack([index.min(0) - 0.5, index.max(0) + 0.5])
    found = corners @ given.labels_to_lps[:3, :3].T + given.labels_to_lps[:3, 3]
    return found.min(0), found.max(0)


def test_segments_lie_on_the_grid_of_the_ct_by_their_names(voxels):
    given = voxels.ctGiven(ct_node(), segmentation_node())
    assert given.scheme == "verse"
    assert sorted(np.unique(given.labels)) == [0, 22, 23]
    assert given.ct.shape == (50, 30, 30)
    assert given.ct_to_lps @ [0, 0, 0, 1] == pytest.approx([14, 0, 4, 1])  # its first voxel is at RAS (-14, 0, 4)
    for level, number in (("L3", 22), ("L4", 23)):
        low, high = box_lps(given, number)
        first, last = FIRST_MM[level], FIRST_MM[level] + SIZE_MM
        wanted = np.array([-last[0], -last[1], first[2]]), np.array([-first[0], -first[1], last[2]])
        assert np.abs(low - wanted[0]).max() <= 1.0  # a voxel is 1 x 1 x 2 mm
        assert np.abs(high - wanted[1]).max() <= 1.0
        assert (given.labels == number).sum() == pytest.approx(SIZE_MM.prod() / 2, rel=0.3)


def test_what_the_user_has_moved_counts_where_it_lies(voxels):
    ct, segmentation = ct_node(), segmentation_node()
    before = voxels.ctGiven(ct, segmentation)
    for node in (ct, segmentation):
        shift(node, (3.0, 0.0, 4.0))
    after = voxels.ctGiven(ct, segmentation)
    assert np.array_equal(after.labels, before.labels)
    assert (after.labels_to_lps - before.labels_to_lps)[:3, 3] == pytest.approx([-3, 0, 4])


def test_a_label_map_keeps_its_numbers(voxels):
    array = np.zeros((4, 5, 6), np.uint8)
    array[1, 2, 3] = 29
    node = slicer.util.addVolumeFromArray(array, nodeClassName="vtkMRMLLabelMapVolumeNode")
    given = voxels.ctGiven(ct_node(), node)
    assert given.scheme is None
    assert np.array_equal(given.labels, array)


@pytest.mark.parametrize(
    ("names", "shape", "reason"),
    [
        (("bone", "skin"), (30, 30, 50), "segmentation: expected segments named like vertebrae"),
        (("L3", "L4"), (30, 30, 2), "segmentation: expected segments inside the CT"),
        (("L3", "L4"), (30, 30, 1), "CT: expected a volume of one component, got 30 x 30 x 1"),
    ],
)
def test_what_cannot_be_aligned_is_refused(voxels, names, shape, reason):
    with pytest.raises(InputError, match=reason):
        voxels.ctGiven(ct_node(shape), segmentation_node(names))
