"""Graphs over points: nearest neighbours and the edge convolution of DGCNN (Wang et al. 2019, arXiv:1801.07829).

Everything works on dense batches, (B, N, C) features and (N, k) or (B, N, k) neighbour tables, so no compiled
extension is needed. The layer computes what torch-geometric's EdgeConv does, faster, and its parameters have the same
names; it needs no torch-geometric, whose import takes longer than a reconstruction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

NEGATIVE_SLOPE = 0.2
"""Of the leaky ReLU that ends an edge convolution, as in DGCNN."""


@torch.no_grad()
def knn(points: Tensor, k: int) -> Tensor:
    """(B, N, k) int64 indices of the k nearest other points of each point of (B, N, C), nearest first; N > k.

    The point itself is left out, as in 3D-ReVert, which drops the first column of its sort (DGCNN keeps it). Of
    |x_i - x_j|^2 only |x_j|^2 - 2 x_i.x_j is computed, since |x_i|^2 does not change the order within a row: one
    (B, N, N) tensor in all.
    """
    points = points - points.mean(1, keepdim=True)  # far from the origin the squares would lose the differences
    order = torch.baddbmm(points.square().sum(2)[:, None], points, points.transpose(1, 2), alpha=-2)
    order.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return order.topk(k, dim=2, largest=False).indices


class EdgeConv(nn.Module):
    """DGCNN's edge convolution: out_i = max over neighbours j of leaky(norm(W [x_i, x_j - x_i]))."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.nn = edge_network(in_channels, out_channels)

    def forward(self, x: Tensor, neighbours: Tensor) -> Tensor:
        """(B, N, out) from x (B, N, in) and neighbours, (N, k) shared by the batch or (B, N, k) int64."""
        return maximum_over_edges(self.nn, x, neighbours)


def edge_network(in_channels: int, out_channels: int) -> nn.Sequential:
    """What an edge convolution computes of each edge, (E, 2 * in_channels) to (E, out_channels)."""
    linear = nn.Linear(2 * in_channels, out_channels, bias=False)
    return nn.Sequential(linear, nn.BatchNorm1d(out_channels), nn.LeakyReLU(NEGATIVE_SLOPE))


def maximum_over_edges(network: nn.Sequential, x: Tensor, neighbours: Tensor) -> Tensor:
    """(B, N, out), at each point of x (B, N, in) the channel-wise maximum of an edge network over the edges
    [x_i, x_j - x_i] to its neighbours, (N, k) shared by the batch or (B, N, k) int64.

    With W = [A, B] the product is (A - B) x_i + B x_j: two products per point instead of one per edge. The norm is a
    batch norm over all edges, so for given statistics it scales each channel by some s and shifts it. Scaling B x_j
    by s before the maximum is taken keeps it exact for either sign of s, and what remains, a shift and an increasing
    activation, commutes with the maximum. In training the statistics over edges are summed from the points.
    """
    linear, norm, activation = network
    edge_index = _flat(neighbours, len(x))
    own, other = linear.weight.chunk(2, dim=1)
    rows = x.flatten(0, 1)
    products = rows @ (own - other).T, rows @ other.T
    centre, neighbour = (product.to(norm.weight.dtype) for product in products)  # single again under autocast
    mean, variance = _statistics(norm, centre, neighbour, edge_index)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    centre = torch.addcmul(norm.bias, centre - mean, scale)
    highest = _HighestNeighbour.apply(neighbour * scale, edge_index)
    return activation(centre + highest).unflatten(0, x.shape[:2])


def _statistics(norm: nn.BatchNorm1d, centre: Tensor, neighbour: Tensor, edge_index: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (out,) over the edges of centre_i + neighbour_j: in training of this batch, and the running
    ones follow as BatchNorm1d's do; otherwise the running ones."""
    if not norm.training:
        return norm.running_mean, norm.running_var
    edges = edge_index.numel()
    share = torch.bincount(edge_index.flatten(), minlength=len(neighbour)).to(neighbour)[:, None] / edges
    mean_centre, mean_neighbour = centre.mean(0), (share * neighbour).sum(0)
    centre, neighbour = centre - mean_centre, neighbour - mean_neighbour
    met = nn.functional.embedding_bag(edge_index, neighbour, mode="sum")
    variance = centre.square().mean(0) + (share * neighbour.square()).sum(0) + 2 / edges * (centre * met).sum(0)
    mean = mean_centre + mean_neighbour
    with torch.no_grad():
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * edges / (edges - 1), norm.momentum)
        norm.num_batches_tracked += 1
    return mean, variance


class _HighestNeighbour(torch.autograd.Function):
    """(R, C) channel-wise maximum over each point's rows: values (R, C), edge_index (R, k) row numbers.

    A column of neighbours at a time, so the (R, k, C) tensor of all edges is never held, forward or backward. Where
    several neighbours share the maximum, the last takes the gradient.
    """

    @staticmethod
    def forward(context, values: Tensor, edge_index: Tensor) -> Tensor:
        first, *others = edge_index.unbind(1)
        highest = values.index_select(0, first)
        for column in others:
            torch.maximum(highest, values.index_select(0, column), out=highest)
        context.save_for_backward(values, edge_index, highest)
        return highest

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        values, edge_index, highest = context.saved_tensors
        place = torch.zeros_like(highest)
        for k, column in enumerate(edge_index.unbind(1)[1:], 1):
            is_highest = values.index_select(0, column).sub_(highest).sign_().add_(1)  # faster than comparing
            torch.maximum(place, is_highest.mul_(k), out=place)
        winner = edge_index.gather(1, place.long())
        return torch.zeros_like(values).scatter_add_(0, winner, gradient), None


def _flat(neighbours: Tensor, batch: int) -> Tensor:
    """(B * N, k) row numbers of the batch's flattened points, from (N, k) or (B, N, k) indices within a sample."""
    points, k = neighbours.shape[-2:]
    first = torch.arange(batch, device=neighbours.device)[:, None, None] * points
    return (neighbours + first).reshape(batch * points, k)
