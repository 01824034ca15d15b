"""The shape model: its covariance by hand and by sampling, its modes, its choice of widths, its files."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import assert_vertebra

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.mesh.self_intersection import flipped_faces, self_intersections
from ReVertLib.registration.nonrigid import farthest_points, gaussian
from ReVertLib.shape import model as module
from ReVertLib.shape.model import (
    ShapeLibrary,
    ShapeModel,
    Widths,
    _persons,
    covariance,
    left_out,
    load_model,
    load_shape_library,
    modes_of,
    save_model,
    strains_of,
)
from ReVertLib.synthesis.shapes import VertebraSampler, sample_shape

NONE = Widths(0.0, 0.0, 10.0, 0.0, 0.0, 20.0, 0.0, 5.0, 0.0)
MEANS = load_template().means.astype(float)


def people(spread_mm=2.0, count=4, seed=0):
    """Persons who differ from the mean by two fields, along x and along z, of one size each, and by nothing else."""
    rng = np.random.default_rng(seed)
    fields = np.zeros((2, 3000, 3))
    fields[0, :, 0], fields[1, :, 2] = np.sign(MEANS[2][:, 0]), 1.0
    weights = spread_mm * rng.normal(size=(2 * count, 2))
    person = np.repeat([f"p{i}" for i in range(count)], 2)
    label = np.tile([20, 23], count)
    return ShapeLibrary(np.tensordot(weights, fields, 1), person, label, np.zeros(2 * count, bool))


def test_each_part_of_the_covariance_by_hand():
    """Two points 10 mm apart along x, one mode that moves the first by 1 mm along x and the second by 2 along y."""
    points = np.array([[0.0, 0, 0], [10, 0, 0]])
    mode = np.array([[1.0, 0, 0, 0, 2, 0]]).T
    expected = np.zeros((6, 6))
    expected[0, 0], expected[4, 4], expected[0, 4], expected[4, 0] = 1.0, 4.0, 2.0, 2.0
    assert covariance(replace(NONE, modes=1.0), points, mode) == pytest.approx(expected)
    near = np.exp(-0.5)  # the kernel at one standard deviation
    expected[0, 4] = expected[4, 0] = 2.0 * near
    assert covariance(replace(NONE, local=1.0), points, mode) == pytest.approx(expected)
    smooth = covariance(replace(NONE, broad_mm=3.0, broad_length_mm=10.0), points, mode)
    assert smooth == pytest.approx(9.0 * np.kron([[1, near], [near, 1]], np.eye(3)))
    strained = covariance(replace(NONE, strain=0.1), points, mode)
    assert np.diag(strained) == pytest.approx([0, 0, 0, 1.0, 0.25, 0.25])  # 10 mm x 0.1, and half of it by shears
    assert covariance(replace(NONE, noise_mm=0.5), points, mode) == pytest.approx(0.25 * np.eye(6))


def test_strains_are_symmetric_and_turn_nothing():
    points = np.random.default_rng(0).normal(size=(50, 3))
    for field in strains_of(points):
        gradient = np.linalg.lstsq(points, field, rcond=None)[0]
        assert gradient == pytest.approx(gradient.T)


def test_modes_hold_the_second_moment():
    differences = people().differences
    modes = modes_of(differences)
    assert np.einsum("knd,knd->", modes, modes) == pytest.approx((differences**2).sum() / len(differences))
    assert (np.abs(modes[2:]) < 1e-6).all()
    assert np.abs(np.tensordot(modes[0], modes[1], 2)) < 1e-6


def test_samples_have_the_covariance_that_was_asked_for():
    """At vertices and their twelfth neighbours; the rigid motion that samples lose hardly counts for short fields."""
    widths = replace(NONE, fine_mm=1.0, fine_length_mm=5.0)
    model = ShapeModel(MEANS, np.zeros((1, 3000, 3)), widths)
    rng = np.random.default_rng(0)
    first = np.arange(0, 3000, 30)
    second = np.argsort(np.linalg.norm(MEANS[2][first, None] - MEANS[2], axis=2), 1)[:, 12]
    drawn = np.stack([model.sample(2, rng).vertices - MEANS[2] for _ in range(30)])
    kernel = gaussian(MEANS[2][first], MEANS[2][second], 5.0).diagonal()
    assert (drawn**2).mean() == pytest.approx(1.0, abs=0.15)
    assert (drawn[:, first] * drawn[:, second]).mean() == pytest.approx(kernel.mean(), abs=0.15)
    assert 0.3 < kernel.mean() < 0.8


def test_a_sample_is_a_vertebra_and_depends_on_the_seed_alone():
    model = ShapeModel(MEANS, modes_of(people().differences), Widths())
    one, same, other = (model.sample(2, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert_vertebra(one)
    assert flipped_faces(one, MEANS[2]).sum() == 0
    assert len(self_intersections(one)) == 0
    assert volume_centroid(one) == pytest.approx([0, 0, 0], abs=1e-9)
    assert np.array_equal(one.vertices, same.vertices)
    assert np.abs(one.vertices - other.vertices).max() > 0.5


def test_a_sampler_with_a_model_draws_every_second_shape_from_it():
    """A model without any width draws the mean; the sampler's own way, without any differences, does not."""
    still = ShapeModel(MEANS, np.zeros((1, 3000, 3)), NONE)
    sampler = VertebraSampler(MEANS, np.zeros((1, 3000, 3)), (), still)
    rng = np.random.default_rng(0)
    off = [np.abs(sample_shape(sampler, 2, rng).vertices - MEANS[2]).max() for _ in range(24)]
    of_model = np.array(off) < 0.1  # but for the centroid of the volume
    assert 6 <= of_model.sum() <= 18
    assert np.array(off)[~of_model].min() > 1.0


def test_the_basis_is_the_covariance_without_noise():
    widths = Widths(noise_mm=0.0)
    model = ShapeModel(MEANS, modes_of(people().differences)[:2], widths)
    basis = model.basis(700)
    at = np.array([5, 900, 2400])
    flat = basis[at].reshape(9, -1)
    wanted = covariance(widths, MEANS[2][at], np.moveaxis(model.modes[:, at], 0, 2).reshape(9, -1))
    assert flat @ flat.T == pytest.approx(wanted, rel=0.05, abs=0.05)
    sizes = (basis**2).sum((0, 1))
    assert (np.diff(sizes) <= 1e-6 * sizes[0]).all()


def test_people_left_out_are_likelier_with_noise_of_the_right_size():
    """Differences that are nothing but white noise of 0.5 mm: the likeliest noise is that."""
    rng = np.random.default_rng(0)
    noisy = replace(people(), differences=rng.normal(0, 0.5, (8, 3000, 3)))
    score = module._LeaveOneOut.of(noisy, MEANS[2])
    scores = {noise: score(replace(NONE, noise_mm=noise)) for noise in (0.3, 0.5, 0.8)}
    assert max(scores, key=scores.get) == 0.5
    seen = noisy.differences[:, farthest_points(MEANS[2], 200)]
    exact = -300 * np.log(2 * np.pi * 0.25) - (seen**2).sum() / len(seen) / (2 * 0.25)  # 600 independent normals
    assert scores[0.5] == pytest.approx(exact)


def test_the_choice_is_likelier_than_its_start(monkeypatch):
    monkeypatch.setattr(module, "LIKELIHOOD_POINTS", 30)
    score = module._LeaveOneOut.of(people(), MEANS[2])
    assert score(Widths.chosen(people(), MEANS[2], evaluations=60)) > score(Widths())


def test_a_person_left_out_is_in_no_mode():
    one = people(count=1).differences
    both = people(count=2)
    both = replace(both, differences=np.concatenate([one, 100.0 * both.differences[2:]]))
    model = ShapeModel(MEANS, modes_of(both.differences), Widths())
    assert left_out(both, "p1", model).modes == pytest.approx(modes_of(one), abs=1e-6)


@pytest.mark.parametrize(
    ("cases", "people"),
    [
        (["Anna_CT-ax", "anna", "ANNA_2", "annabel"], ["anna", "anna", "anna", "annabel"]),
        (["sub-bo", "bo_split-cy", "cy"], ["cy", "cy", "cy"]),
        (["verse008_split-verse112", "verse112", "verse009"], ["verse112", "verse112", "verse009"]),
        (["a_1", "a_2"], ["a_1", "a_2"]),
    ],
)
def test_a_person_is_one_by_every_name(cases, people):
    assert _persons(np.array(cases)).tolist() == people


def test_a_library_becomes_people(tmp_path):
    rows = [MEANS[2] + 5.0, 1.1 * MEANS[4], 0.8 * MEANS[0], 0.9 * MEANS[0]]
    names = np.array(["a", "a_again", "b", "ab"])
    labels = np.array([22, 24, 19, 19])
    np.savez(tmp_path / "s.npz", vertices=np.array(rows), case=names, label=labels, mirrored=np.zeros(4, bool))
    found = load_shape_library(tmp_path / "s.npz", MEANS)
    assert found.person.tolist() == ["a", "a", "b", "ab"]
    assert found.lumbar.tolist() == [True, True, False, False]
    assert np.abs(found.differences[0]).max() < 1e-9
    middle = MEANS.mean(1, keepdims=True)  # where a scaled shape comes to lie is by its vertices
    assert found.differences[1] == pytest.approx(0.1 * (MEANS - middle)[4], abs=0.01)
    assert found.differences[2] == pytest.approx(-0.05 * (MEANS - middle)[0], abs=0.01)  # about the mean of both T12
    with pytest.raises(InputError, match=r"shapes gone.npz: expected an existing file, got none"):
        load_shape_library(tmp_path / "gone.npz", MEANS)


def test_a_model_is_read_as_written(tmp_path):
    model = ShapeModel(MEANS, modes_of(people().differences), Widths(noise_mm=0.25))
    save_model(model, tmp_path / "model.npz")
    read = load_model(tmp_path / "model.npz")
    assert read.widths == model.widths
    assert np.abs(read.means - model.means).max() < 1e-5
    assert np.abs(read.modes - model.modes).max() < 0.01
    with pytest.raises(InputError, match=r"shape model gone.npz: expected an existing file, got none"):
        load_model(tmp_path / "gone.npz")
