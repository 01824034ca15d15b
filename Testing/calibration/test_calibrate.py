"""From weights to weights that judge themselves, whole and in parts."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from log_lines import log_lines

from ReVertLib.calibration.calibrate import calibrate, train_head, with_error_head
from ReVertLib.calibration.error_head import CalibrationOptions, CalibrationSamples
from ReVertLib.calibration.real_bone import real_errors
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.errors import InputError
from ReVertLib.evaluation.measure import images_of
from ReVertLib.evaluation.predicted import predicted_error
from ReVertLib.failures import Failures
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.plausibility import UNLIKE, read_training_range
from ReVertLib.inference.predictor import Predictor
from ReVertLib.network.template_network import Features
from ReVertLib.network.weights import load_weights
from ReVertLib.network.weights_file import checked_sha256

SHORT = CalibrationOptions(steps=20, width=4)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tiny world, a data set of two vertebrae, weights and what became of them."""
    folder = tmp_path_factory.mktemp("calibration")
    (folder / "world").mkdir()
    tiny.write_shard(folder / "world", count=12, shapes=6)
    tiny.write_vertebra(folder / "data", "L3", 600.0, {"ap": 0.0, "lateral": 90.0})
    tiny.write_vertebra(folder / "data", "L5", 650.0, {"ap": 0.0})
    weights = tiny.weights(folder, awake=True)
    out = folder / "judging.safetensors"
    with log_lines() as lines:
        digest = calibrate(folder / "world", folder / "data", weights, out, SHORT, Failures())
    assert digest == checked_sha256(out)
    return folder, weights, out, lines


def answers(made, weights):
    """What weights answer to the data set, with the truth of each image."""
    predictor = Predictor(weights, "cpu")
    images = [image for item in read_dataset(made[0] / "data") for image in images_of(item)]
    return [(predictor.reconstruct(read_radiograph(i.file).pixels, i.geometry), i.truth) for i in images]


def test_the_surfaces_stay_bit_for_bit(made):
    for (before, _), (after, _) in zip(answers(made, made[1]), answers(made, made[2]), strict=True):
        assert np.array_equal(before.mesh.vertices, after.mesh.vertices)
        assert before.expected_error_mm is None
        assert before.warnings == ()
        assert after.expected_error_mm.shape == (3000,)
        assert (after.expected_error_mm > 0).all()
        assert before.error_parts is None
        parts = after.error_parts
        assert parts.across_mm.shape == parts.along_mm.shape == (3000,)
        assert np.ptp(parts.bound_mm / after.expected_error_mm) < 1e-5


def test_the_expectation_is_half_way_to_the_data_set(made):
    """What is expected now was multiplied by the root of the mean of actual over expected, so that is what is left."""
    errors = [predicted_error(found, truth) for found, truth in answers(made, made[2])]
    left = np.mean([(error.actual_mm / error.expected_mm).mean() for error in errors])
    about = json.loads(load_weights(made[2]).metadata["judgement"])
    alone, _ = about["factors_alone_and_in_context"]
    assert left == pytest.approx(alone[0], rel=5e-3)


def test_what_the_file_says_of_itself(made):
    metadata = load_weights(made[2]).metadata
    about = json.loads(metadata["judgement"])
    assert about["options"] == {**SHORT.__dict__}
    assert about["kept"] in ("image", "map")
    assert (about["data_set"], about["images"], about["levels"]) == ("data", 3, ["L3", "L5"])
    assert {level: found["images"] for level, found in about["real_by_level"].items()} == {"L3": 2, "L5": 1}
    limits = read_training_range(metadata)
    assert limits.lowest.bone_cm2 < limits.highest.bone_cm2


def test_a_strange_image_is_doubted(made):
    predictor = Predictor(made[2], "cpu")
    image = images_of(read_dataset(made[0] / "data")[0])[0]
    found = predictor.reconstruct(np.zeros((128, 128)), image.geometry).warnings
    assert found == (UNLIKE + "nothing is seen in the box",)


def test_calibrated_weights_can_be_calibrated_again(made, tmp_path):
    folder, _, out, _ = made
    again = tmp_path / "again.safetensors"
    assert calibrate(folder / "world", folder / "data", out, again, SHORT, Failures()) == checked_sha256(again)
    first, second = (load_weights(path).network.error_head.usual_mm for path in (out, again))
    assert torch.allclose(first, second)


def test_an_image_that_cannot_be_used_is_left_out_of_the_scale(made):
    network, items = load_weights(made[2]).network, read_dataset(made[0] / "data")
    gone = replace(items[0], images=(made[0] / "gone.png", items[0].images[1]))
    failures = Failures()
    found = real_errors(network, [gone, items[1]], failures)
    assert found.levels.tolist() == ["L3", "L5"]
    assert np.array_equal(found.actual_mm, real_errors(network, items, failures).actual_mm[1:])
    assert failures.reasons == {"case_segment_22 gone.png": "image gone.png: expected an existing file, got none"}
    only = replace(
        gone, **{name: getattr(gone, name)[:1] for name in ("images", "views", "geometries", "camera_from_lps")}
    )
    with pytest.raises(InputError, match=r"expected 1 images to scale to, got none; not: case_segment_22 gone\.png"):
        real_errors(network, [only], Failures())


def test_a_head_that_does_not_help_is_not_kept():
    """Errors that nothing tells, learned with steps far too long: worse than the map, so the map it is."""
    random = torch.Generator().manual_seed(0)
    features = Features(
        *(torch.randn(60, *shape, generator=random) for shape in ((400, 16), (12,), (16,), (28,), (0,)))
    )
    known = CalibrationSamples(features, torch.empty(60, 3, 3000).exponential_(generator=random), [])
    network = tiny.network(error_width=4, error_parts=True)
    learned = train_head(network, known, CalibrationOptions(steps=10, width=4, learning_rate=3.0))
    assert learned.kept == "map"
    assert learned.image.deviance > learned.map.deviance
    assert torch.allclose(network.error_head(features), known.error_mm[:51].mean(0).expand(60, -1, -1))


def test_the_sphere_cannot_predict_its_error(tmp_path):
    with pytest.raises(InputError, match="weights: expected architecture context or template, got sphere"):
        with_error_head(load_weights(tiny.weights(tmp_path, "sphere")), SHORT)


def test_a_bad_output_is_refused_before_any_work(tmp_path):
    with pytest.raises(InputError, match=r"output: expected a \.safetensors file, got 'a\.pt'"):
        calibrate(tmp_path, tmp_path, None, tmp_path / "a.pt", SHORT, Failures())
    with pytest.raises(InputError, match="output: expected an existing folder"):
        calibrate(tmp_path, tmp_path, None, tmp_path / "none" / "a.safetensors", SHORT, Failures())


def test_weights_in_context_learn_it_from_samples_with_layers(tmp_path):
    (tmp_path / "world").mkdir()
    tiny.layered_shard(count=12, shapes=6).save(tmp_path / "world" / "shard_00000.npz")
    tiny.write_vertebra(tmp_path / "data", "L3", 600.0, {"pa": 180.0})
    weights, out = tiny.weights(tmp_path, "context", awake=True), tmp_path / "judging.safetensors"
    calibrate(tmp_path / "world", tmp_path / "data", weights, out, SHORT, Failures())
    (image,) = (image for item in read_dataset(tmp_path / "data") for image in images_of(item))
    before, after = (
        Predictor(file, "cpu").reconstruct(read_radiograph(image.file).pixels, image.geometry)
        for file in (weights, out)
    )
    assert np.array_equal(before.mesh.vertices, after.mesh.vertices)
    errors = predicted_error(after, image.truth)
    about = json.loads(load_weights(out).metadata["judgement"])
    assert about["images"] == 1
    assert errors.expected_mm.mean() > 0
