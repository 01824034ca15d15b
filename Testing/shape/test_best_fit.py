"""Fits of a shape model to a truth that lies inside it, and to one that does not."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from tiny import assert_vertebra, deformed

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.shape import model
from ReVertLib.shape.best_fit import BestFit, best_fit
from ReVertLib.shape.model import modes_of

MEANS = symmetric_means()
START = RigidTransform(np.eye(3), np.array([1.0, 0.0, 0.0]))


def test_a_shape_inside_the_model_is_found_and_one_outside_is_not():
    mean = Mesh(MEANS[2], load_template().faces)
    target = deformed(mean)
    right = np.moveaxis(modes_of((target.vertices - mean.vertices)[None]), 0, 2)
    wrong = right[:, [2, 0, 1]]
    found, missed, still = (
        surface_metrics(best_fit(mean, basis, target, START), target, samples=2000)
        for basis in (right, wrong, right[:, :, :0])
    )
    assert found.dice > 0.98
    assert found.hd95_mm < 0.3
    assert missed.dice < found.dice - 0.03
    assert still.dice < found.dice - 0.03


def test_the_answer_lies_where_the_truth_is_however_it_is_turned():
    mean = Mesh(MEANS[3], load_template().faces)
    bent = deformed(mean)
    found = BestFit(MEANS, np.moveaxis(modes_of((bent.vertices - mean.vertices)[None]), 0, 2))
    truth = bent.moved(
        RigidTransform(rotation_about("y", 160.0) @ rotation_about("x", 90.0), np.array([20.0, -30.0, 600.0]))
    )
    answer = found.fit("L4", truth)
    assert_vertebra(answer)
    assert surface_metrics(answer, truth, samples=2000).dice > 0.98


def test_without_directions_the_answer_is_the_mean_of_the_level():
    """Moved, and nothing else: all distances between its vertices are the mean's."""
    found = BestFit(MEANS, np.zeros((3000, 3, 1)))
    truth = Mesh(MEANS[2], load_template().faces)
    answer = found.fit("L5", truth).vertices[::50]
    assert np.allclose(pdist(answer), pdist(MEANS[4][::50]))
    assert not np.allclose(pdist(answer), pdist(MEANS[2][::50]), atol=0.5)


def test_the_shipped_model_gives_its_directions_by_size(monkeypatch):
    monkeypatch.setattr(model, "LOCAL_RANK", 5)
    monkeypatch.setattr(model, "FIELD_RANK", 8)
    found = BestFit.of(12)
    assert found.means.shape == (5, 3000, 3)
    assert found.basis.shape == (3000, 3, 12)
    sizes = np.linalg.norm(found.basis.reshape(-1, 12), axis=0)
    assert (np.diff(sizes) <= 0).all()
    assert sizes[0] > 2 * sizes[-1] > 0


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"shape model none.npz: expected an existing file, got none"):
        BestFit.of(12, tmp_path / "none.npz")
