"""Samples made while training goes on: integrals by hand and by the projector, batches, a step of training."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny import OPTIONS, crop_camera, deformed, silhouette, write_case
from tiny_patients import patient_sampler

from ReVertLib.__main__ import main
from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.grey_values import normalised
from ReVertLib.network.weights import build_network
from ReVertLib.projection.projector import Projector
from ReVertLib.training import run
from ReVertLib.training import volume_buffer as buffer_module
from ReVertLib.training.augmentation import augmented
from ReVertLib.training.live import LiveSamples, line_integrals
from ReVertLib.training.run import TrainOptions
from ReVertLib.training.volume_buffer import POSES, VolumeBuffer

CPU = torch.device("cpu")
VOLUMES = 3


@pytest.fixture(scope="module")
def scans():
    """The attenuation of each vertebra of the buffer, as it was made."""
    return []


@pytest.fixture(scope="module")
def buffer(scans):
    real = buffer_module._boxed_bone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffer_module, "_boxed_bone", lambda *a: scans.append(real(*a)) or scans[-1])
        made = VolumeBuffer(patient_sampler().vertebrae, CPU, seed=1, size=VOLUMES)
        made.hold(VOLUMES)
        return made


def rendered(buffer, slot, pose):
    """Line integrals of chosen poses of a buffer."""
    slot, pose = torch.as_tensor(slot), torch.as_tensor(pose)
    rotation, position_mm = buffer.rotation[slot, pose], buffer.position_mm[slot, pose]
    vertices = buffer.shape[slot] @ rotation.transpose(1, 2) + position_mm[:, None]
    return line_integrals(buffer.mu[slot], buffer.box_from_canonical[slot], vertices, rotation, position_mm)


@pytest.mark.parametrize("yaw_deg, depth_mm", [(0, 30.0), (90, 20.0), (180, 30.0)])
def test_a_block_by_hand(yaw_deg, depth_mm):
    """20 x 30 x 40 mm of 0.05 per mm: a ray between its sides passes as much of it as its slope says."""
    mu = torch.full((1, 40, 30, 20), 0.05)
    box_from_canonical = torch.diag(torch.tensor([2 / 20, 2 / 30, 2 / 40]))[None]
    box_from_canonical = torch.cat([box_from_canonical, torch.zeros(1, 3, 1)], 2)
    rotation = torch.tensor(view_rotation(yaw_deg), dtype=torch.float32)[None]
    position_mm = torch.tensor([[2.0, -3.0, 600.0]])
    corners = torch.tensor([[x, y, z] for x in (-10.0, 10.0) for y in (-15.0, 15.0) for z in (-20.0, 20.0)])
    vertices = corners @ rotation.transpose(1, 2) + position_mm[:, None]
    image = line_integrals(mu, box_from_canonical, vertices, rotation, position_mm)[0]
    v, u = torch.meshgrid(*(torch.arange(128) - 63.5,) * 2, indexing="ij")
    x_mm, y_mm = 0.875 * u, 0.875 * v  # at the depth of the origin
    width_mm = 20.0 if depth_mm == 30.0 else 30.0
    aside = torch.maximum((x_mm - 2.0).abs() - width_mm / 2, (y_mm + 3.0).abs() - 20.0)
    expected = 0.05 * depth_mm * torch.sqrt(1 + (x_mm / 600) ** 2 + (y_mm / 600) ** 2)
    assert torch.allclose(image[aside < -2], expected[aside < -2], rtol=2e-3)
    assert (aside < -2).sum() > 500
    assert image[aside > 2].abs().max() == 0


def test_the_projector_sees_the_same(buffer, scans):
    slots, poses = np.repeat(range(VOLUMES), 3), [0, 1, 2] * VOLUMES
    images = rendered(buffer, slots, poses).numpy()
    for image, slot, pose in zip(images, slots, poses, strict=True):
        rotation, position_mm = (a[slot, pose].numpy().astype(float) for a in (buffer.rotation, buffer.position_mm))
        where = RigidTransform(rotation, position_mm)
        expected = Projector(scans[slot][2]).line_integrals(where, crop_camera(position_mm[2]), (128, 128))
        off = np.abs(image - expected) / expected.max()
        assert off.max() < 0.03 and np.sqrt((off**2).mean()) < 0.002  # of 56 others at most 0.022 and 0.0017


def overlap(image, vertices, position_mm) -> float:
    """Of the pixels that are bright and those in which the surface of vertices is seen."""
    seen, shown = silhouette(vertices.astype(float), crop_camera(float(position_mm[2]))), image > 0
    return (seen & shown).sum() / (seen | shown).sum()


def test_images_show_what_the_labels_say(buffer):
    batch = LiveSamples(buffer).batch(torch.arange(0, VOLUMES * POSES, 24), CPU)
    parts = (batch.image[:, 0], batch.vertices, batch.position_mm)
    for image, vertices, position_mm in zip(*(part.numpy() for part in parts), strict=True):
        assert overlap(image, vertices, position_mm) > 0.85
        upside_down = (vertices - position_mm) * np.array([-1, -1, 1], np.float32) + position_mm
        assert overlap(image, upside_down, position_mm) < 0.85


def test_each_sample_of_a_batch_is_itself_alone(buffer):
    samples = LiveSamples(buffer)
    assert len(samples) == VOLUMES * POSES
    index = torch.tensor([POSES * 2 + 5, 0, POSES - 1])
    batch = samples.batch(index, CPU)
    for row, (slot, pose) in enumerate([(2, 5), (0, 0), (0, POSES - 1)]):
        assert torch.equal(batch.rotation[row], buffer.rotation[slot, pose])
        assert torch.equal(batch.position_mm[row], buffer.position_mm[slot, pose])
        assert torch.equal(batch.shape[row], buffer.shape[slot])
        assert batch.level[row] == buffer.level[slot]
        alone = samples.batch(index[row : row + 1], CPU)
        assert torch.allclose(alone.image[0], batch.image[row], atol=1e-5)
    assert (batch.image.shape, batch.image.dtype) == ((3, 1, 128, 128), torch.float32)


def test_images_are_scaled_as_crops_are(buffer):
    image = LiveSamples(buffer).batch(torch.tensor([POSES + 3]), CPU).image[0, 0]
    assert np.allclose(image, normalised(rendered(buffer, [1], [3])[0].numpy()), atol=1e-5)


def test_nothing_is_read_back_from_the_device():
    """The meta device has shapes and no values: whatever would have to be read back fails there."""
    shapes = ((2, 8, 9, 10), (2, 3, 4), (2, 30, 3), (2, 3, 3), (2, 3))
    image = line_integrals(*(torch.zeros(shape, device="meta") for shape in shapes))
    assert image.device.type == "meta" and image.shape == (2, 128, 128)


@pytest.fixture
def small_network(monkeypatch):
    monkeypatch.setattr(run, "build_network", lambda name, _: build_network(name, OPTIONS[name]))


def test_training_on_them_can_be_done_again(buffer, tmp_path, small_network):
    options = TrainOptions(steps=2, batch=2)
    for out in (tmp_path / "first", tmp_path / "again"):
        run.train(LiveSamples(buffer), out, options, CPU, {})
    first, again = (load_file(tmp_path / out / "model.safetensors") for out in ("first", "again"))
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_stopped_run_takes_the_same_steps_on_vertebrae_that_are_renewed(tmp_path, small_network, monkeypatch):
    """Six steps of two samples, each vertebra taken four times: every second step one of two is replaced."""
    sampler, options = patient_sampler().vertebrae, TrainOptions(steps=6, batch=2, checkpoint_every=3)

    def trained(out):
        buffer = VolumeBuffer(sampler, CPU, seed=1, size=2)
        run.train(LiveSamples(buffer, seen=4), out, options, CPU, {})
        assert buffer.held == 4
        return load_file(out / "model.safetensors")

    advance = run.Run.advance

    def killed(self, samples):
        if self.step == 4:
            raise RuntimeError("killed")
        return advance(self, samples)

    monkeypatch.setattr(run.Run, "advance", killed)
    with pytest.raises(RuntimeError, match="killed"):
        trained(tmp_path / "stopped")
    monkeypatch.setattr(run.Run, "advance", advance)
    whole, resumed = trained(tmp_path / "whole"), trained(tmp_path / "stopped")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_vertebra_is_seen_once_at_least(buffer):
    with pytest.raises(InputError, match="seen: expected 1 or more times, got 0"):
        LiveSamples(buffer, seen=0)


def test_the_command_makes_them_of_cases_and_shapes(tmp_path, small_network, capsys):
    person, shapes, out = deformed(load_template().mean("L3")), tmp_path / "shapes.npz", tmp_path / "out"
    write_case(tmp_path / "data" / "person", person, "L3")
    np.savez(shapes, vertices=person.vertices[None], case=["person"], label=[22], mirrored=[False])
    live = ("--simulate", str(shapes), "--buffer", "1", "--steps", "1", "--batch", "2", "--device", "cpu")
    assert main(["train", str(tmp_path / "data"), str(out), *live]) == 0
    assert f"context: {POSES} samples, step 0 of 1, on cpu" in capsys.readouterr().out
    assert (out / "model.safetensors").exists()


def test_a_shape_model_needs_shapes(tmp_path, capsys):
    assert main(["train", str(tmp_path), str(tmp_path / "out"), "--model", "model.npz"]) == 2
    assert "model: expected --simulate beside it, got none" in capsys.readouterr().err


def test_film_takes_them(buffer):
    index = torch.arange(0, VOLUMES * POSES, 24)
    batch = augmented(LiveSamples(buffer).batch(index, CPU), torch.Generator().manual_seed(0))
    assert batch.image.shape == (len(index), 1, 128, 128)
    assert 0 <= batch.image.min() < batch.image.max() <= 1


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_graphics_card_gives_the_same(buffer):
    device, index = torch.device("cuda"), torch.arange(0, VOLUMES * POSES, 10)
    here = LiveSamples(buffer).batch(index, CPU)
    there = LiveSamples(VolumeBuffer(patient_sampler().vertebrae, device, seed=1, size=VOLUMES)).batch(index, device)
    assert torch.equal(there.level.cpu(), here.level)
    for name in ("rotation", "position_mm", "shape"):
        assert torch.equal(getattr(there, name).cpu(), getattr(here, name))
    assert torch.allclose(there.image.cpu(), here.image, atol=2e-3)
