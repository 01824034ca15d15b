"""Several views at once, on any device, of arrays and of tensors."""

import numpy as np
import pytest
import torch
from projections import CAMERA, SIZE_PX, VIEWS, blob, centre_of, pose

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.projection.projector import Projector, line_integrals


def views_of(volume: Volume) -> list[tuple[RigidTransform, Geometry]]:
    middle = centre_of(volume, (7, 9, 11))
    cameras = (CAMERA, Geometry(900.0, 600.0, (0.5, 0.7), (18.0, 14.0)))
    return [(pose(angles, middle), camera) for angles in VIEWS for camera in cameras]


def test_a_batch_is_each_view_by_itself():
    volume = blob()
    images = Projector(volume).line_integrals_batch(views_of(volume), SIZE_PX)
    assert images.shape == (8, 33, 41) and images.dtype == torch.float32
    for image, (where, camera) in zip(images, views_of(volume), strict=True):
        assert np.array_equal(image.numpy(), line_integrals(volume, where, camera, SIZE_PX))


def test_a_tensor_gives_the_same_and_gets_gradients():
    volume = blob()
    tensor = torch.tensor(volume.array, requires_grad=True)
    images = Projector(Volume(tensor, volume.ijk_to_lps)).line_integrals_batch(views_of(volume), SIZE_PX)
    expected = Projector(volume).line_integrals_batch(views_of(volume), SIZE_PX)
    assert torch.allclose(images, expected, atol=1e-5)
    images.sum().backward()
    # The integrals are linear in the volume: the sum of gradient times value is the sum of the images.
    assert float((tensor.grad * tensor.detach()).sum()) == pytest.approx(float(expected.sum()), rel=1e-4)


def on(device: str, volume: Volume, views: list) -> torch.Tensor:
    """A batch of views of a tensor that is on a device already."""
    tensor = torch.as_tensor(volume.array, device=device)
    return Projector(Volume(tensor, volume.ijk_to_lps)).line_integrals_batch(views, SIZE_PX)


def test_nothing_is_read_back_from_the_device():
    """The meta device has shapes and no values: whatever would have to be read back fails there."""
    images = on("meta", blob(), views_of(blob()))
    assert images.device.type == "meta" and images.shape == (8, 33, 41)
    with pytest.raises(NotImplementedError, match="meta tensor; no data"):
        images.cpu()


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_graphics_card_gives_the_same():
    volume = blob()
    here = Projector(volume).line_integrals_batch(views_of(volume), SIZE_PX)
    assert torch.allclose(on("cuda", volume, views_of(volume)).cpu(), here, atol=1e-4)
    assert torch.allclose(
        Projector(volume, "cuda").line_integrals_batch(views_of(volume), SIZE_PX).cpu(), here, atol=1e-4
    )
