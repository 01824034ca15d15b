"""What U-Nets are made of."""

from __future__ import annotations

from torch import Tensor, nn


class Level(nn.Module):
    """Half as fine: a convolution of stride 2, and one beside a shortcut."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self.shrink, self.stay = convolution(low, high, stride=2), convolution(high, high)

    def forward(self, x: Tensor) -> Tensor:
        x = self.shrink(x)
        return x + self.stay(x)


def convolution(low: int, high: int, stride: int = 1) -> nn.Sequential:
    """Of 3 x 3 pixels, batch-normalised and rectified."""
    return nn.Sequential(
        nn.Conv2d(low, high, 3, stride, padding=1, bias=False), nn.BatchNorm2d(high), nn.ReLU(inplace=True)
    )
