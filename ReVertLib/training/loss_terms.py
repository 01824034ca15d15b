"""The terms of the loss that training minimises, by architecture."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from ReVertLib.network.losses import chamfer_distance
from ReVertLib.network.posed_shape import PosedShape

from .samples import Batch


def template_loss(estimates: list[PosedShape], truth: PosedShape) -> dict[str, Tensor]:
    """Mean distances of corresponding points, mm: of every estimate to the truth in the camera frame, in the camera
    frame across the beam only, where the image says most, and in the canonical frame. Distances, not their squares:
    where the image leaves two answers open, the likelier one wins over their meaningless mean, and a silent image
    leaves the mean vertebra alone."""
    terms = {}
    for i, estimate in enumerate(estimates):
        terms[f"place_{i}_mm"] = mean_distance(estimate.vertices, truth.vertices)
        terms[f"seen_{i}_mm"] = mean_distance(estimate.vertices[..., :2], truth.vertices[..., :2])
        terms[f"shape_{i}_mm"] = mean_distance(estimate.shape, truth.shape)
    return terms


def mean_distance(a: Tensor, b: Tensor) -> Tensor:
    """Of corresponding points (B, N, d)."""
    return ((a - b).square().sum(2) + 1e-4).sqrt().mean()


def sphere_loss(points: Tensor, batch: Batch) -> dict[str, Tensor]:
    """The published loss: squared Chamfer distance in the unit ball, to the truth centred and scaled by its radius."""
    vertices = batch.vertices
    middle = (vertices.amax(1, keepdim=True) + vertices.amin(1, keepdim=True)) / 2
    radius = (vertices - middle).norm(dim=2).amax(1)[:, None, None]
    return {"chamfer": chamfer_distance(points, (vertices - middle) / radius)}


def losses(network: nn.Module, architecture: str, batch: Batch) -> dict[str, Tensor]:
    """The terms whose sum is minimised, by name."""
    if architecture == "template":
        estimates, _ = network.estimated(batch.image, batch.level, batch.position_mm[:, 2])
        terms = template_loss(estimates, replace(batch, shape=batch.shape[:, network.control_points]))
        return terms | {"surface_mm": mean_distance(network.whole(estimates[-1], batch.level).shape, batch.shape)}
    size = network.crop_size_px
    image = nn.functional.interpolate(batch.image, (size, size), mode="bilinear", align_corners=False)
    return sphere_loss(network(image), batch)
