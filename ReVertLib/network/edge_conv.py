"""Graphs over points: nearest neighbours and the edge convolution of DGCNN (Wang et al. 2019, arXiv:1801.07829).

Everything works on dense batches, (B, N, C) features and (N, k) or (B, N, k) neighbour tables, so no compiled
extension is needed. The layer computes what torch-geometric's EdgeConv does, faster, and its parameters have the same
names; it needs no torch-geometric, whose import takes longer than a reconstruction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .joined_norm import joined_statistics, processes

NEGATIVE_SLOPE = 0.2
"""Of the leaky ReLU that ends an edge convolution, as in DGCNN."""

_GROUPS = 128


@torch.no_grad()
def knn(points: Tensor, k: int) -> Tensor:
    """(B, N, k) int64 indices of the k nearest other points of each point of (B, N, C), nearest first; N > k.

    The point itself is left out, as in 3D-ReVert, which drops the first column of its sort (DGCNN keeps it). Of
    |x_i - x_j|^2 only |x_j|^2 - 2 x_i.x_j is computed, since |x_i|^2 does not change the order within a row: one
    (N, N) matrix at a time, which a processor's cache holds.
    """
    points = points - points.mean(1, keepdim=True)  # far from the origin the squares would lose the differences
    return torch.stack([_lowest(_order(cloud), k) for cloud in points])


def _order(points: Tensor) -> Tensor:
    """(N, N) in each row what is the smaller the nearer another point of (N, C) is; infinite for the point itself."""
    order = torch.addmm(points.square().sum(1), points, points.T, alpha=-2)
    order.fill_diagonal_(torch.inf)
    return order


def _lowest(values: Tensor, k: int) -> Tensor:
    """(R, k) columns of the k lowest of each row of (R, N), lowest first.

    Every _GROUPS-th column belongs to one group. The k lowest lie in the k groups whose minima are lowest: each of
    these holds a value at most as high as the highest of the minima, and all other groups only higher ones. So few
    columns are left to be sorted.
    """
    members = values.shape[1] // _GROUPS
    if k > _GROUPS or members < 2 or values.shape[1] % _GROUPS:
        return values.topk(k, dim=1, largest=False).indices
    groups = values.view(-1, members, _GROUPS).amin(1).topk(k, dim=1, largest=False, sorted=False).indices
    columns = groups[:, :, None] + _GROUPS * torch.arange(members, device=values.device)
    columns = columns.flatten(1)
    return columns.gather(1, values.gather(1, columns).topk(k, dim=1, largest=False).indices)


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
    activation, commutes with the maximum. In training the statistics over edges follow from second moments of the
    points (`_statistics`).
    """
    linear, norm, activation = network
    edge_index = _flat(neighbours, len(x))
    own, other = linear.weight.chunk(2, dim=1)
    rows = x.flatten(0, 1)
    products = rows @ (own - other).T, rows @ other.T
    centre, neighbour = (product.to(norm.weight.dtype) for product in products)  # single again under autocast
    with torch.autocast(x.device.type, enabled=False):
        mean, variance = _statistics(norm, rows, own - other, other, edge_index)
    scale = norm.weight * torch.rsqrt(variance + norm.eps)
    centre = torch.addcmul(norm.bias, centre - mean, scale)
    highest = _HighestNeighbour.apply(neighbour * scale, edge_index)
    return activation(centre + highest).unflatten(0, x.shape[:2])


def _statistics(norm: nn.BatchNorm1d, x: Tensor, own: Tensor, other: Tensor, edge_index: Tensor) -> tuple[Tensor, ...]:
    """Mean and variance (out,) over the edges of own x_i + other x_j, x (R, in), own and other (out, in): in training
    of this batch, with those of other processes, and the running ones follow as BatchNorm1d's do; otherwise the
    running ones.

    The variance is a sum of quadratic forms of own and other over the covariances (in, in) of x_i and x_j, so that
    only the fewer channels that come in are summed over the edges.
    """
    if not norm.training:
        return norm.running_mean, norm.running_var
    edges = edge_index.numel()
    share = torch.bincount(edge_index.flatten(), minlength=len(x)).to(x)[:, None] / edges
    mean_i, mean_j = x.mean(0), (share * x).sum(0)
    at_i, at_j = x - mean_i, x - mean_j
    around_i = nn.functional.embedding_bag(edge_index, at_j, mode="sum")
    forms = ((own, at_i.T @ at_i / len(x), own), (other, at_j.T @ (share * at_j), other))
    forms += ((own, 2 / edges * (at_i.T @ around_i), other),)
    variance = sum((left @ covariance * right).sum(1) for left, covariance, right in forms)
    mean, variance = joined_statistics(own @ mean_i + other @ mean_j, variance)
    edges *= processes()
    with torch.no_grad():
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * edges / (edges - 1), norm.momentum)
        norm.num_batches_tracked += 1
    return mean, variance


class _HighestNeighbour(torch.autograd.Function):
    """(R, C) channel-wise maximum over each point's rows: values (R, C), edge_index (R, k) row numbers.

    The neighbours of the points are the pixels of an image of k columns, which max pooling is made for. Without
    gradients, a column at a time: then the (R, k, C) tensor of all edges is never held. Where several neighbours
    share the maximum, the first takes the gradient.
    """

    @staticmethod
    def forward(context, values: Tensor, edge_index: Tensor) -> Tensor:
        if not context.needs_input_grad[0]:
            return _highest(values, edge_index)
        edges = values.index_select(0, edge_index.flatten()).view(1, *edge_index.shape, -1)
        image = edges.permute(0, 3, 1, 2)  # channels last
        highest, place = nn.functional.max_pool2d(image, (1, edge_index.shape[1]), return_indices=True)
        context.save_for_backward(values, edge_index, place[0, :, :, 0].T)
        return highest[0, :, :, 0].T

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        values, edge_index, place = context.saved_tensors
        winner = edge_index.flatten()[place]
        return torch.zeros_like(values).scatter_add_(0, winner, gradient), None


def _highest(values: Tensor, edge_index: Tensor) -> Tensor:
    first, *others = edge_index.unbind(1)
    highest = values.index_select(0, first)
    for column in others:
        torch.maximum(highest, values.index_select(0, column), out=highest)
    return highest


def _flat(neighbours: Tensor, batch: int) -> Tensor:
    """(B * N, k) row numbers of the batch's flattened points, from (N, k) or (B, N, k) indices within a sample."""
    points, k = neighbours.shape[-2:]
    first = torch.arange(batch, device=neighbours.device)[:, None, None] * points
    return (neighbours + first).reshape(batch * points, k)
