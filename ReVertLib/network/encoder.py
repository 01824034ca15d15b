"""ResNet (He et al. 2016, arXiv:1512.03385) with basic blocks, in plain torch: an image to feature maps."""

from __future__ import annotations

from torch import Tensor, nn


class ResNet(nn.Module):
    """ResNet-18 without its classifier; narrower or shallower when told. One feature map of the stem, one per stage.

    in_channels: of the image. widths: channels of each stage. blocks: basic blocks of each stage.
    """

    def __init__(
        self,
        in_channels: int = 1,
        widths: tuple[int, ...] = (64, 128, 256, 512),
        blocks: tuple[int, ...] = (2, 2, 2, 2),
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, widths[0], 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = (widths[0], *widths)
        self.stages = nn.ModuleList(
            _stage(channels[i], width, count, stride=1 if i == 0 else 2)
            for i, (width, count) in enumerate(zip(widths, blocks, strict=True))
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> list[Tensor]:
        """Feature maps of image (B, in_channels, H, W): (B, widths[0], H / 2, W / 2), then (B, widths[i], H / s, W / s)
        with strides s = 4, 8, 16, 32."""
        features = [self.stem(image)]
        x = self.pool(features[0])
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


def global_code(features: list[Tensor]) -> Tensor:
    """(B, C) average over all pixels of the last feature map."""
    return features[-1].mean((2, 3))


class _BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where shapes differ."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            convolution = nn.Conv2d(in_channels, out_channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(out_channels))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.body(x) + self.shortcut(x))


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    """blocks basic blocks; the first changes the number of channels and the resolution."""
    first = _BasicBlock(in_channels, out_channels, stride)
    return nn.Sequential(first, *(_BasicBlock(out_channels, out_channels, 1) for _ in range(blocks - 1)))
