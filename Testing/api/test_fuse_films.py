"""`revert.fuse_films` on what `revert.film` makes; a small network answers."""

import numpy as np
import pytest
from tiny import weights

import ReVertLib as revert

BOXES = {"L3": (60, 40, 140, 100), "L4": (60, 110, 140, 170)}
LENGTHS = {"sdd_mm": 1000, "sod_mm": 700, "pixel_spacing_mm": (1.0, 1.0)}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    image = np.zeros((220, 200), np.float32)
    image[50:90, 80:120] = image[120:160, 80:120] = 1.0
    network = weights(tmp_path_factory.mktemp("films"), "context")
    options = {"boxes": BOXES, "sod_of": "isocentre", "weights": network, "device": "cpu"}
    return [revert.film(image, LENGTHS, view=view, **options) for view in ("AP", "LL")]


def test_two_films_become_one_that_can_be_measured(films):
    found = revert.fuse_films(*films)
    assert [one.level for one in found.result.levels] == ["L3", "L4"]
    assert (found.given, list(found.levels)) == (False, ["L3", "L4"])
    assert list(revert.measure(found.result).levels) == ["L3", "L4"]


def test_a_pose_about_an_isocentre_is_that_of_the_views(films):
    """One looks from the front, one from the patient's left: what is behind is on the left of the second film."""
    found = revert.fuse_films(*films, pose="isocentre")
    assert found.given
    np.testing.assert_allclose(found.second_from_first.rotation @ [0, 0, 1], [-1, 0, 0], atol=0.1)


def test_another_pose_is_refused(films):
    with pytest.raises(revert.InputError, match="pose: expected 'isocentre' or a matrix"):
        revert.fuse_films(*films, pose="side")
