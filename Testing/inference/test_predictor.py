"""From radiograph to surface: devices, where untrained weights put the mesh, and that the detector does not matter."""

import re
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sample_case import SAMPLE_LABEL, SAMPLE_VIEWS, sample_radiograph
from tiny import OPTIONS, assert_vertebra, network, weights

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import crop_geometry
from ReVertLib.geometry.views import camera_from_lps, rotation_to_ray, view_rotation
from ReVertLib.imaging.crop import foreground_box
from ReVertLib.imaging.labels import label_centre_lps, label_mesh, read_label_map
from ReVertLib.inference.plausibility import UNLIKE
from ReVertLib.inference.predictor import Predictor
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.network import devices
from ReVertLib.network.context_answers import YAWS_DEG
from ReVertLib.network.devices import chosen_device
from ReVertLib.network.sphere_network import SphereNetwork, fibonacci_sphere
from ReVertLib.network.weights import save_weights
from ReVertLib.network.weights_file import sha256_path
from ReVertLib.resources import SAMPLE_FOLDER, WEIGHTS_FILE

SIZE_PX = 400
STRAIGHT = np.eye(3)
DETECTOR = Geometry(1020.0, 700.0, (1.0, 1.0), (199.5, 199.5), "L2")


@pytest.fixture(scope="module")
def asleep(tmp_path_factory):
    return Predictor(weights(tmp_path_factory.mktemp("asleep")), "cpu")


@pytest.fixture(scope="module")
def awake(tmp_path_factory):
    return Predictor(weights(tmp_path_factory.mktemp("awake"), awake=True), "cpu")


@pytest.fixture(scope="module")
def sphere(tmp_path_factory):
    return Predictor(weights(tmp_path_factory.mktemp("sphere"), "sphere"), "cpu")


def blobs(geometry, toward_camera=STRAIGHT, size_px=(SIZE_PX, SIZE_PX)):
    """An image that is a smooth function of the direction alone: bright blobs on the rays around one that
    toward_camera (3, 3) turns from +Z, seen by whatever detector of size_px (columns, rows)."""
    columns, rows = size_px
    v, u = np.mgrid[:rows, :columns].reshape(2, -1)
    rays = geometry.backproject(np.stack([u, v], 1), 1.0) @ toward_camera
    slopes = rays[:, :2] / rays[:, 2:]
    blobs = ((0.0, 0.0, 0.02), (0.03, 0.01, 0.008), (-0.02, 0.03, 0.006))
    return sum(np.exp(-((slopes - [x, y]) ** 2).sum(1) / (2 * s**2)) for x, y, s in blobs).reshape(rows, columns)


def aimed(direction, distance_mm, level="L2"):
    """The detector's geometry with a box whose centre is seen along direction (3,), and the vertebra that far off."""
    u, v = DETECTOR.project(np.array([direction]))[0] + 0.5
    depth_mm = distance_mm * direction[2] / np.linalg.norm(direction)
    box = (u - 60, v - 60, u + 60, v + 60)
    return Geometry(1020.0, depth_mm, (1.0, 1.0), (199.5, 199.5), level, box)


def test_the_shipped_weights_are_whole_and_beat_a_blank_image():
    """On the bundled real case, unaligned: nearer to the truth than what the same weights answer to no image."""
    assert WEIGHTS_FILE.is_file()
    predictor = Predictor(device="cpu")
    assert predictor.architecture == "context"
    assert predictor.weights_sha256 == sha256_path(WEIGHTS_FILE).read_text().split()[0]
    labels = read_label_map(SAMPLE_FOLDER / "segmentation.nii.gz")
    centre, truth = label_centre_lps(labels, SAMPLE_LABEL), label_mesh(labels, SAMPLE_LABEL)
    distance_mm = {"image": [], "blank": []}
    for view, yaw_deg in SAMPLE_VIEWS.items():
        pixels, geometry = sample_radiograph(view)
        target = truth.moved(camera_from_lps(view_rotation(yaw_deg), centre, geometry.sod_mm))
        for name, image in (("image", pixels), ("blank", np.zeros_like(pixels))):
            mesh = predictor.reconstruct(image, geometry).mesh
            assert_vertebra(mesh)
            distance_mm[name].append(surface_metrics(mesh, target, samples=5_000).assd_mm)
    assert np.mean(distance_mm["image"]) < 0.8 * np.mean(distance_mm["blank"]), distance_mm


def test_the_shipped_weights_say_what_error_to_expect_and_what_they_do_not_know():
    """On the bundled real case: within a factor of two of what is so, and lowest where nothing is wrong."""
    predictor = Predictor(device="cpu")
    labels = read_label_map(SAMPLE_FOLDER / "segmentation.nii.gz")
    centre, truth = label_centre_lps(labels, SAMPLE_LABEL), label_mesh(labels, SAMPLE_LABEL)
    for view, yaw_deg in SAMPLE_VIEWS.items():
        pixels, geometry = sample_radiograph(view)
        target = truth.moved(camera_from_lps(view_rotation(yaw_deg), centre, geometry.sod_mm))
        found = predictor.reconstruct(pixels, geometry)
        assert found.warnings == ()
        assert found.expected_error_mm.shape == (len(found.mesh.vertices),)
        actual_mm = np.abs(signed_distances_mm(found.mesh.vertices, target)).mean()
        assert 0.5 < found.expected_error_mm.mean() / actual_mm < 2.0
        assert verdict(found).word in ("trust", "check")
        wide, narrow = (
            replace(geometry, pixel_spacing_mm=tuple(factor * mm for mm in geometry.pixel_spacing_mm))
            for factor in (2.0, 0.5)
        )
        for strange, camera in ((np.zeros_like(pixels), geometry), (pixels.max() - pixels, geometry), (pixels, narrow)):
            doubted = predictor.reconstruct(strange, camera)
            assert verdict(doubted).word == "do not use"
            assert doubted.warnings[0].startswith(UNLIKE)
        assert verdict(predictor.reconstruct(pixels, wide)).word != "trust"  # twice as large may be a view from above


def test_what_is_seen_is_outlined_unless_nobody_asks():
    pixels, geometry = sample_radiograph("ap")
    asked, unasked = (
        Predictor(device="cpu", outlined=outlined).reconstruct(pixels, geometry) for outlined in (True, False)
    )
    u0, v0, u1, v1 = geometry.box_px
    middle = np.concatenate(asked.seen_px).mean(0)
    assert (u0 < middle[0] < u1, v0 < middle[1] < v1) == (True, True)
    assert unasked.seen_px == ()
    assert np.array_equal(unasked.mesh.vertices, asked.mesh.vertices)


def test_devices():
    assert chosen_device("cpu") == "cpu"
    assert chosen_device("auto") in ("cpu", "cuda", "mps")
    with pytest.raises(InputError, match="device: expected one of auto, cpu, cuda, mps, got 'tpu'"):
        chosen_device("tpu")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_an_absent_device(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=f"device: expected a {name} device on this machine, got none; use auto"):
        Predictor(device=name)
    monkeypatch.setattr(devices, "DRIVERS", (Path(__file__),))  # a driver without a GPU
    assert chosen_device("auto") == "cpu"


@pytest.mark.cuda
def test_cuda_answers_as_the_cpu_does(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    geometry = aimed([0.05, 0.02, 1.0], 700.0)
    pixels = blobs(geometry, rotation_to_ray([0.05, 0.02, 1.0]))
    path = weights(tmp_path, awake=True)
    cpu, cuda = (Predictor(path, name).reconstruct(pixels, geometry).mesh for name in ("cpu", "cuda"))
    assert np.abs(cpu.vertices - cuda.vertices).max() < 0.05


def test_untrained_weights_answer_with_the_mean_vertebra_on_the_boxs_ray(asleep):
    geometry = aimed([0.1, -0.06, 1.0], 720.0)
    result = asleep.reconstruct(blobs(geometry), geometry)
    assert_vertebra(result.mesh)
    centre = np.array([0.1, -0.06, 1.0]) * geometry.sod_mm  # where sod_mm is a depth, not a distance
    turn = crop_geometry(geometry)[1].rotation
    x, y, z = load_template().mean("L2").vertices.T
    expected = np.stack([x, -z, y], 1) @ turn.T + centre
    assert np.abs(result.mesh.vertices - expected).max() < 1e-3
    assert result.geometry == geometry
    assert 0 < result.seconds < 60
    assert result.warnings == ()


def test_warnings_name_what_was_assumed(asleep):
    bare = Geometry(1020.0, 700.0, (1.0, 1.0), (199.5, 199.5))
    pixels = blobs(bare)
    result = asleep.reconstruct(pixels, bare)
    assert result.warnings == (
        "no box was given: the foreground of an isolated vertebra was taken",
        "no level was given: an unknown lumbar level was assumed",
    )
    assert result.geometry.box_px == foreground_box(pixels)
    known = Geometry(1020.0, 700.0, (1.0, 1.0), (199.5, 199.5), "L3")
    with_level = asleep.reconstruct(pixels, known)
    assert with_level.warnings == result.warnings[:1]
    assert np.abs(with_level.mesh.vertices - result.mesh.vertices).max() < 1e-6  # the average lumbar level is L3


@pytest.mark.parametrize("box", [(0, 90, 180, 200), (90, 0, 180, 200), (90, 90, 400, 200), (90, 90, 180, 400)])
def test_a_box_at_the_edge_is_doubted(asleep, box):
    warnings = asleep.reconstruct(blobs(DETECTOR), replace(DETECTOR, box_px=box)).warnings
    assert warnings == ("the box reaches the edge of the image: the vertebra may be cut off there",)


def test_an_image_of_nothing_without_a_box(asleep):
    with pytest.raises(InputError, match="box: expected an image with a vertebra in it, got a constant one"):
        asleep.reconstruct(np.zeros((64, 64)), DETECTOR)


def test_a_blank_box_has_an_answer(awake):
    geometry = aimed([0.0, 0.0, 1.0], 700.0)
    for value in (0.0, 255.0):
        assert_vertebra(awake.reconstruct(np.full((SIZE_PX, SIZE_PX), value), geometry).mesh)


@pytest.mark.parametrize("direction", [(0.1, 0.0, 1.0), (-0.06, 0.08, 1.0)])
def test_a_vertebra_seen_elsewhere_on_the_detector_is_turned_about_the_source(awake, direction):
    """The same vertebra at the same distance, its whole bundle of rays turned: the mesh turns with it."""
    ahead, turn = np.array([0.0, 0.0, 1.0]), rotation_to_ray(direction)
    first, second = aimed(ahead, 700.0), aimed(np.array(direction), 700.0)
    straight = awake.reconstruct(blobs(first), first).mesh
    turned = awake.reconstruct(blobs(second, turn), second).mesh
    blank = awake.reconstruct(np.zeros((SIZE_PX, SIZE_PX)), first).mesh
    image_mm = np.linalg.norm(straight.vertices - blank.vertices, axis=1).mean()
    assert image_mm > 0.5  # the image matters
    assert np.linalg.norm(turned.vertices - straight.vertices @ turn.T, axis=1).max() < 0.1 * image_mm


def test_pixel_size_does_not_matter(awake):
    geometry, turn = aimed([0.04, 0.02, 1.0], 700.0), rotation_to_ray([0.04, 0.02, 1.0])
    fine = geometry.resized(2.0, 1.5)
    meshes = [
        awake.reconstruct(blobs(g, turn, size), g).mesh.vertices
        for g, size in ((geometry, (SIZE_PX, SIZE_PX)), (fine, (2 * SIZE_PX, SIZE_PX * 3 // 2)))
    ]
    assert np.linalg.norm(meshes[0] - meshes[1], axis=1).max() < 0.1


def test_the_sphere_gives_a_closed_mesh_in_the_box(sphere):
    geometry = aimed([0.05, 0.02, 1.0], 700.0)
    result = sphere.reconstruct(blobs(geometry, rotation_to_ray([0.05, 0.02, 1.0])), geometry)
    quality = mesh_quality(result.mesh)
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 2)
    assert quality.volume_mm3 > 10_000
    seen = geometry.project(result.mesh.vertices)
    assert seen.min(0) == pytest.approx(np.array(geometry.box_px[:2]) - 0.5, abs=8)
    assert seen.max(0) == pytest.approx(np.array(geometry.box_px[2:]) - 0.5, abs=8)
    assert result.mesh.vertices[:, 2].mean() == pytest.approx(geometry.sod_mm, abs=15)
    assert sphere.reconstruct(np.zeros((SIZE_PX, SIZE_PX)), aimed([0.0, 0.0, 1.0], 700.0, None)).warnings == ()


def test_the_sphere_answers_along_the_crops_axes(sphere):
    """A cigar that the network sees end on, off the axis of the radiograph, lies along the ray it is seen by."""

    class Cigar(SphereNetwork):
        def forward(self, image):
            return fibonacci_sphere(600, 1.0)[None] * torch.tensor([0.4, 0.4, 0.9])

    predictor, direction = copy(sphere), np.array([0.1, -0.08, 1.0])
    predictor.network = Cigar(**OPTIONS["sphere"])
    geometry = aimed(direction, 700.0)
    vertices = predictor.reconstruct(blobs(geometry), geometry).mesh.vertices
    axis = np.linalg.eigh(np.cov(vertices.T))[1][:, 2]
    assert abs(axis @ direction) / np.linalg.norm(direction) > np.cos(np.radians(1.5))
    assert abs(axis[2]) < np.cos(np.radians(5))


def test_the_sphere_answers_along_the_patients_axes(sphere):
    """A cigar along the patient's left lies along the beam of a left lateral, and across that of an AP."""

    class Cigar(SphereNetwork):
        def forward(self, image):
            return fibonacci_sphere(600, 1.0)[None] * torch.tensor([0.9, 0.4, 0.4])

    predictor = copy(sphere)
    predictor.network = Cigar(**OPTIONS["sphere"], axes="patient")
    for yaw_deg, along in ((0.0, 0), (-90.0, 2)):
        geometry = replace(aimed([0.0, 0.0, 1.0], 700.0), view_deg=(yaw_deg, 0.0, 0.0))
        vertices = predictor.reconstruct(blobs(geometry), geometry).mesh.vertices
        axis = np.linalg.eigh(np.cov(vertices.T))[1][:, 2]
        assert abs(axis[along]) > np.cos(np.radians(1.5))
    with pytest.raises(InputError, match="view: expected the view, which the network sphere does not find by itself"):
        predictor.reconstruct(blobs(geometry), replace(geometry, view_deg=None))


@pytest.fixture(scope="module")
def in_context(tmp_path_factory):
    """A network that asks for the view, and takes AP and PA for about as likely."""
    folder = tmp_path_factory.mktemp("context")
    built = network("context")
    with torch.no_grad():
        for parameter in built.to_yaw.parameters():
            parameter.zero_()
        for yaw, logit in ((0, 9.0), (-180, 8.5)):
            built.to_yaw[-1].bias[YAWS_DEG.index(yaw)] = logit
    save_weights(folder / "context.safetensors", built, "context", {})
    return Predictor(folder / "context.safetensors", "cpu")


def test_a_view_that_is_given_is_answered_for_without_a_word(in_context):
    geometry = replace(aimed([0.0, 0.0, 1.0], 600.0), view_deg=(180.0, 0.0, 0.0))
    found = in_context.reconstruct(blobs(geometry), geometry)
    assert (found.warnings, found.other, found.probability) == ((), None, None)
    assert found.geometry.view_deg == (180.0, 0.0, 0.0)


def test_two_likely_views_are_both_answered_for_and_not_trusted(in_context):
    geometry = aimed([0.0, 0.0, 1.0], 600.0)
    found = in_context.reconstruct(blobs(geometry), geometry)
    (warning,) = found.warnings
    assert re.fullmatch(r"two views are likely: no view was given: AP was taken, 6.% likely; PA is 3.% likely", warning)
    assert (found.geometry.view_deg, found.other.geometry.view_deg) == ((0.0, 0.0, 0.0), (-180.0, 0.0, 0.0))
    front, back = (one.mesh.vertices[:, 2] - 600 for one in (found, found.other))
    assert front.max() > front.min() + 40
    assert np.allclose(front, -back, atol=0.01)  # seen from behind what was far is near
    (draft,) = in_context.reconstruct_all(blobs(geometry), [geometry], draft=True)
    assert (draft.other, draft.seen_px, draft.warnings) == (None, (), (re.search("no view[^;]*", warning)[0],))
    assert np.allclose(draft.mesh.vertices, found.mesh.vertices, atol=0.01)
    sure = replace(found, expected_error_mm=np.full(3000, 0.5))
    assert verdict(sure).word == "check"
    one = replace(sure, warnings=("no view was given: AP was taken, 97% likely",))
    assert verdict(one).word == "check"
    assert verdict(replace(sure, warnings=())).word == "trust"
