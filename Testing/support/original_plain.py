"""3D-ReVert's network written plainly, as its published code computes it: the baseline of `bench.py`.

Every graph by a full distance matrix and a full sort, every edge a column of a (B, 2 C, N, k) tensor that is convolved
1 x 1, the style of all points from a concatenation. `PlainNetwork` means the same function as `SphereNetwork`, and
`load` gives it the same weights. With weighted_edges it joins a point's edges as the published code does, by softmax
weights from a second branch and a 1 x k convolution, which costs more: the figure to hold beside the original's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ReVertLib.network.encoder import ResNet, global_code
from ReVertLib.network.sphere_network import SphereNetwork, fibonacci_sphere


def sorted_neighbours(x: Tensor, k: int) -> Tensor:
    """(B, N, k) indices by sorting all squared distances of x (B, C, N); the first, the point itself, is dropped."""
    squares = x.square().sum(1)
    distances = squares[:, :, None] - 2 * x.transpose(1, 2) @ x + squares[:, None, :]
    return distances.sort(dim=2).indices[:, :, 1 : k + 1]


def edge_features(x: Tensor, k: int) -> Tensor:
    """(B, 2 C, N, k): x_i and x_j - x_i for each edge of x (B, C, N)."""
    neighbours = sorted_neighbours(x, k)
    others = torch.stack([sample[:, index] for sample, index in zip(x, neighbours, strict=True)])
    centre = x[..., None].repeat(1, 1, 1, k)
    return torch.cat([centre, others - centre], 1)


def _convolved(in_channels: int, out_channels: int, slope: float, bias: bool) -> nn.Sequential:
    convolution = nn.Conv2d(in_channels, out_channels, 1, bias=bias)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.LeakyReLU(slope))


class MaximumEdges(nn.Module):
    """DGCNN's edge convolution: the maximum over the edges."""

    def __init__(self, in_channels: int, out_channels: int, k: int) -> None:
        super().__init__()
        self.k = k
        self.convolution = _convolved(2 * in_channels, out_channels, 0.2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(edge_features(x, self.k)).max(3).values


class WeightedEdges(nn.Module):
    """The published block: edges weighted by a softmax over the point's edges, joined by a 1 x k convolution."""

    def __init__(self, in_channels: int, out_channels: int, k: int) -> None:
        super().__init__()
        self.k = k
        self.weights = nn.Sequential(
            *_convolved(in_channels, out_channels // 2, 0.01, bias=True),
            *_convolved(out_channels // 2, out_channels, 0.01, bias=True),
        )
        self.convolution = _convolved(2 * in_channels, out_channels, 0.01, bias=True)
        self.join = nn.Conv2d(out_channels, out_channels, (1, k))
        self.activation = nn.LeakyReLU(0.2)

    def forward(self, x: Tensor) -> Tensor:
        edges = edge_features(x, self.k)
        weights = self.weights(edges[:, x.shape[1] :]).softmax(3)
        return self.activation(self.join(self.convolution(edges) * weights).squeeze(3))


class PlainNorm(nn.Module):
    """Instance norm, then one 1 x 1 convolution of the style to scale and shift."""

    def __init__(self, channels: int, style_channels: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm1d(channels)
        self.style = nn.Conv1d(style_channels, 2 * channels, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift = self.style(style).chunk(2, 1)
        return scale * self.norm(x) + shift


class PlainNetwork(nn.Module):
    """Image (B, 1, H, W) to points (B, N, 3)."""

    def __init__(
        self,
        points: int = 2048,
        k: int = 10,
        widths: tuple[int, ...] = (32, 64, 128),
        code_width: int = 128,
        encoder_widths: tuple[int, ...] = (64, 128, 256, 512),
        *,
        weighted_edges: bool = False,
    ) -> None:
        super().__init__()
        block = WeightedEdges if weighted_edges else MaximumEdges
        self.encoder = ResNet(in_channels=1, widths=encoder_widths)
        self.to_code = nn.Linear(encoder_widths[-1], code_width)
        self.style = nn.Sequential(
            nn.Conv1d(3 + code_width, code_width, 1),
            nn.LeakyReLU(0.01),
            nn.Conv1d(code_width, code_width, 1),
            nn.LeakyReLU(0.01),
        )
        self.blocks = nn.ModuleList(block(*pair, k) for pair in zip((3, *widths[:-1]), widths, strict=True))
        self.norms = nn.ModuleList(PlainNorm(width, code_width) for width in widths)
        self.head = nn.Sequential(
            nn.Conv1d(widths[-1], 64, 1),
            nn.LeakyReLU(0.01),
            nn.Conv1d(64, 32, 1),
            nn.LeakyReLU(0.01),
            nn.Conv1d(32, 3, 1),
            nn.Tanh(),
        )
        self.register_buffer("sphere", fibonacci_sphere(points).T.contiguous())

    def forward(self, image: Tensor) -> Tensor:
        code = self.to_code(global_code(self.encoder(image)))
        sphere = self.sphere[None].repeat(len(image), 1, 1)
        style = self.style(torch.cat([sphere, code[:, :, None].repeat(1, 1, sphere.shape[2])], 1))
        x = sphere
        for block, norm in zip(self.blocks, self.norms, strict=True):
            x = norm(block(x), style)
        return (sphere + self.head(x)).transpose(1, 2)


@torch.no_grad()
def load(plain: PlainNetwork, network: SphereNetwork) -> None:
    """Gives plain, which joins edges by their maximum, the weights of network, so that both are the same function."""
    plain.encoder.load_state_dict(network.encoder.state_dict())
    plain.to_code.load_state_dict(network.to_code.state_dict())
    plain.style[0].weight.copy_(torch.cat([network.style_of_point.weight, network.style_of_code.weight], 1)[..., None])
    plain.style[0].bias.copy_(network.style_of_code.bias)
    _copy(network.style[1], plain.style[2])
    for ours, theirs in zip(network.blocks, plain.blocks, strict=True):
        theirs.convolution[0].weight.copy_(ours.nn[0].weight[:, :, None, None])
        theirs.convolution[1].load_state_dict(ours.nn[1].state_dict())
    for ours, theirs in zip(network.norms, plain.norms, strict=True):
        theirs.style.weight.copy_(torch.cat([ours.scale.weight, ours.shift.weight])[..., None])
        theirs.style.bias.copy_(torch.cat([ours.scale.bias, ours.shift.bias]))
    for i in (0, 2, 4):
        _copy(network.head[i], plain.head[i])


def _copy(linear: nn.Linear, convolution: nn.Conv1d) -> None:
    convolution.weight.copy_(linear.weight[..., None])
    convolution.bias.copy_(linear.bias)
