"""The terms of the loss that training minimises, by architecture."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ReVertLib.network.context_answers import YAWS_DEG
from ReVertLib.network.isolation import Isolated
from ReVertLib.network.joined_norm import joined_mean, processes
from ReVertLib.network.losses import chamfer_distance
from ReVertLib.network.posed_shape import PosedShape

from .samples import Batch

SEEN = 0.02
"""The grey value from which on a vertebra alone is seen."""


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


def sphere_loss(points: Tensor, vertices: Tensor) -> dict[str, Tensor]:
    """The published loss: squared Chamfer distance in the unit ball, to the truth (B, n, 3) in mm, centred and scaled
    by its radius."""
    middle = (vertices.amax(1, keepdim=True) + vertices.amin(1, keepdim=True)) / 2
    radius = (vertices - middle).norm(dim=2).amax(1)[:, None, None]
    return {"chamfer": chamfer_distance(points, (vertices - middle) / radius)}


def isolation_loss(isolated: Isolated, alone: Tensor) -> dict[str, Tensor]:
    """Of the vertebra alone, grey values and silhouette, weighed against the other terms, which are mm."""
    inside = (alone > SEEN).float()
    return {
        "alone": 15.0 * (isolated.bone - alone).abs().mean(),
        "inside": 4.0 * F.binary_cross_entropy_with_logits(isolated.inside, inside),
    }


def yaw_loss(yaw: Tensor, view: Tensor) -> dict[str, Tensor]:
    """Cross entropy of the logits (B, views) of YAWS_DEG, shared by the two beside the true view (B, 3, 3), the crop
    camera from LPS. Views along the spine or upside down are none of these and do not count."""
    beam, down = view[:, 2], view[:, 1]
    counts = (beam[:, 2].abs() < 0.7) & (down[:, 2] < -0.5)
    place = torch.rad2deg(torch.atan2(-beam[:, 0], beam[:, 1])) - YAWS_DEG[0]
    place = place / (YAWS_DEG[1] - YAWS_DEG[0]) % len(YAWS_DEG)
    low, share = place.floor().long() % len(YAWS_DEG), place.frac()[:, None]
    one_hot = torch.eye(len(YAWS_DEG), device=view.device)
    target = (1 - share) * one_hot[low] + share * one_hot[(low + 1) % len(YAWS_DEG)]
    entropy = -(target * F.log_softmax(yaw, 1)).sum(1)
    counted = joined_mean(counts.sum().float()).clamp(min=1 / processes())
    return {"yaw": 0.5 * (entropy * counts).sum() / counted}


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether convolutions in half as many bits take less time there, as they do by AMX on a CPU, and on any GPU of the
    last years."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return device.type == "cpu" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def losses(network: nn.Module, architecture: str, batch: Batch, true_view: Tensor) -> dict[str, Tensor]:
    """The terms whose sum is minimised, by name. true_view: (B, 3, 3), of which the batch's is roughly known."""
    device = batch.image.device
    half = torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device))
    if architecture == "sphere":
        size = network.crop_size_px
        with half:
            code = network.code(F.interpolate(batch.image, (size, size), mode="bilinear"))
        vertices = batch.vertices @ true_view if network.axes == "patient" else batch.vertices
        return sphere_loss(network.shape(code.float()), vertices)
    sod_mm, extra = batch.position_mm[:, 2], {}
    if architecture == "context":
        with half:
            sight = network.sight(batch.image)
        sight = sight.single()
        estimates, _ = network.answers(sight, batch.level, sod_mm, batch.view)
        extra = yaw_loss(sight.yaw, true_view)
        if batch.alone is not None:
            extra |= isolation_loss(sight.isolated, batch.alone)
    else:
        estimates, _ = network.estimated(batch.image, batch.level, sod_mm)
    terms = template_loss(estimates, replace(batch, shape=batch.shape[:, network.control_points]))
    surface = mean_distance(network.whole(estimates[-1], batch.level).shape, batch.shape)
    return terms | {"surface_mm": surface} | extra
