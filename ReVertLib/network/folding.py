"""A network as it answers: what evaluation mode makes constant is multiplied out once, when it is loaded.

A batch norm with given statistics is a scale and a shift of each channel, which the layer before it takes over. So the
answers stay the same but for rounding, and the network can no longer be trained, nor saved as weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .edge_conv import NEGATIVE_SLOPE, EdgeConv


def folded(network: nn.Module) -> nn.Module:
    """The network itself, in evaluation mode, its convolutions and edge convolutions with their batch norms in them; on
    a processor its images lie in memory channel by channel of each pixel, as its convolutions are fastest."""
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, EdgeConv):
                setattr(parent, name, _FoldedEdgeConv(child))
            elif isinstance(parent, nn.Sequential) and isinstance(child, nn.BatchNorm2d):
                before = str(int(name) - 1)
                parent._modules[before] = fuse_conv_bn_eval(parent._modules[before], child)
                parent._modules[name] = nn.Identity()
    if all(tensor.device.type == "cpu" for tensor in network.parameters()):
        network = network.to(memory_format=torch.channels_last)
    return network.requires_grad_(False)


class _FoldedEdgeConv(nn.Module):
    """What `edge_conv.maximum_over_edges` computes with given statistics, with one product of all points."""

    def __init__(self, layer: EdgeConv) -> None:
        super().__init__()
        linear, norm, _ = layer.nn
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        own, other = linear.weight.chunk(2, dim=1)
        self.products = nn.Linear(own.shape[1], 2 * len(own))
        self.products.weight.data = torch.cat([(own - other) * scale[:, None], other * scale[:, None]]).detach()
        shift = norm.bias - norm.running_mean * scale
        self.products.bias.data = torch.cat([shift, torch.zeros_like(shift)]).detach()

    def forward(self, x: Tensor, neighbours: Tensor) -> Tensor:
        """(B, N, out) from x (B, N, in) and neighbours (N, k), shared by the batch."""
        centre, neighbour = self.products(x).chunk(2, dim=2)
        first, *others = neighbours.unbind(1)
        highest = neighbour.index_select(1, first)
        for column in others:
            highest = torch.maximum(highest, neighbour.index_select(1, column))
        return F.leaky_relu(centre + highest, NEGATIVE_SLOPE)
