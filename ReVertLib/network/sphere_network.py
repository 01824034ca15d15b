"""The `sphere` network, 3D-ReVert as published: a radiograph's code moves the points of a sphere.

Its output is a shape in the unit ball, centred on the ball's centre: neither size nor place are predicted.
`place_in_box` takes both from the image's box and the given distance. The published data have one shape for all views
of a vertebra, so it lies along the patient's axes, and the view that is told turns it into the camera's; networks of
before answer along the camera's axes themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.nn import EdgeConv

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.crop import Crop
from ReVertLib.mesh.point_cloud import closed_surface

from .crop_answer import CropAnswer
from .edge_conv import edge_network, knn, maximum_over_edges
from .encoder import ResNet, global_code

SPHERE_RADIUS = 0.5
"""Of the sphere the network starts from, for targets scaled into the unit ball; as published."""

_NEGATIVE_SLOPE = 0.01
_VARIANCE_FLOOR = 1e-5
_PLACING_STEPS = 25
_FIRST_SCALE = 1e-3  # of sod_mm: small, so that the first projection is nearly parallel


def fibonacci_sphere(points: int, radius: float = SPHERE_RADIUS) -> Tensor:
    """(points, 3) float32 evenly spread on a sphere about the origin: equal steps along Z, golden angle about it."""
    number = torch.arange(points, dtype=torch.float64)
    z = 1 - (2 * number + 1) / points
    angle = number * torch.pi * (3 - 5**0.5)
    ring = (1 - z * z).sqrt()
    return (radius * torch.stack([ring * angle.cos(), ring * angle.sin(), z], 1)).float()


class AdaptivePointNorm(nn.Module):
    """Each channel brought to mean 0 and variance 1 over the points of its cloud, then scaled and shifted by a style
    at each point. The published code overwrites the normalised features with the raw ones; here they are used."""

    def __init__(self, channels: int, style_channels: int) -> None:
        super().__init__()
        self.scale = nn.Linear(style_channels, channels)
        self.shift = nn.Linear(style_channels, channels)
        nn.init.ones_(self.scale.bias)
        nn.init.zeros_(self.shift.bias)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """(B, N, channels) from x (B, N, channels) and style (B, N, style_channels)."""
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        normalised = (x - mean) * torch.rsqrt(variance + _VARIANCE_FLOOR)
        return torch.addcmul(self.shift(style), self.scale(style), normalised)


class SphereEdgeConv(EdgeConv):
    """torch-geometric's layer with its message passing replaced by a faster sum of the same value."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(edge_network(in_channels, out_channels), aggr="max")

    def forward(self, x: Tensor, neighbours: Tensor) -> Tensor:
        """(B, N, out) from x (B, N, in) and neighbours, (N, k) shared by the batch or (B, N, k) int64."""
        return self.propagate(neighbours, x=x)

    def propagate(self, edge_index: Tensor, x: Tensor) -> Tensor:
        """edge_index: the table of neighbours. A method of our own keeps torch-geometric from writing generated code
        into the temporary folder."""
        return maximum_over_edges(self.nn, x, edge_index)


class SphereNetwork(nn.Module):
    """Radiograph -> ResNet-18 -> code -> three dynamic edge convolutions on a Fibonacci sphere -> displaced points.

    Before each block the graph of k nearest neighbours is rebuilt in feature space; the first is that of the sphere
    and never changes. After each block the code is injected by adaptive point norm, the style at a point being an MLP
    of its place on the sphere and the code. Besides that norm, three things differ from the published code: the image
    has one channel; two linear layers in a row between ResNet and code are one; the edges of a point are joined by
    EdgeConv's maximum instead of softmax weights and a 1 x k convolution. `options` rebuild the network.

    crop_size_px: of the images. axes: "patient", LPS, as published, or "camera", of what it answers.
    """

    uses_level = False
    beginnings = MappingProxyType({})
    """As in `TemplateNetwork`: no other architecture."""

    def __init__(
        self,
        points: int = 2048,
        k: int = 10,
        widths: tuple[int, ...] = (32, 64, 128),
        code_width: int = 128,
        encoder_widths: tuple[int, ...] = (64, 128, 256, 512),
        crop_size_px: int = 224,
        axes: str = "camera",
    ) -> None:
        super().__init__()
        self.crop_size_px, self.axes = crop_size_px, axes
        self.options = {
            "points": points,
            "k": k,
            "widths": tuple(widths),
            "code_width": code_width,
            "encoder_widths": tuple(encoder_widths),
            "crop_size_px": crop_size_px,
            "axes": axes,
        }
        self.encoder = ResNet(in_channels=1, widths=encoder_widths)
        self.to_code = nn.Linear(encoder_widths[-1], code_width)
        self.style_of_code = nn.Linear(code_width, code_width)
        self.style_of_point = nn.Linear(3, code_width, bias=False)
        self.style = nn.Sequential(
            nn.LeakyReLU(_NEGATIVE_SLOPE), nn.Linear(code_width, code_width), nn.LeakyReLU(_NEGATIVE_SLOPE)
        )
        self.blocks = nn.ModuleList(SphereEdgeConv(*pair) for pair in zip((3, *widths[:-1]), widths, strict=True))
        self.norms = nn.ModuleList(AdaptivePointNorm(width, code_width) for width in widths)
        self.head = nn.Sequential(
            nn.Linear(widths[-1], 64),
            nn.LeakyReLU(_NEGATIVE_SLOPE),
            nn.Linear(64, 32),
            nn.LeakyReLU(_NEGATIVE_SLOPE),
            nn.Linear(32, 3),
            nn.Tanh(),
        )
        sphere = fibonacci_sphere(points)
        self.register_buffer("sphere", sphere, persistent=False)
        self.register_buffer("sphere_neighbours", knn(sphere[None], k)[0], persistent=False)

    @torch.inference_mode()
    def reconstruct(self, crop: Crop, geometry: Geometry) -> CropAnswer:
        """The vertebra of a crop, which was cut from a radiograph by its geometry. Raises InputError without the view
        where it answers along the patient's axes."""
        image = torch.as_tensor(crop.pixels, device=self.sphere.device)[None, None]
        points = self(image)[0].cpu().double().numpy()
        if self.axes == "camera":
            points = crop.camera_from_crop.apply(points)
        elif geometry.view_deg is None:
            raise InputError("view: expected the view, which the network sphere does not find by itself, got none")
        else:
            points = points @ view_rotation(*geometry.view_deg).T
        return CropAnswer(closed_surface(place_in_box(points, geometry)))

    def reconstruct_all(
        self, crops: Sequence[Crop], geometries: Sequence[Geometry], draft: bool = False
    ) -> list[CropAnswer]:
        """The vertebrae of crops, each cut from a radiograph by its geometry. draft: for networks that answer for two
        views, which this one does not."""
        return [self.reconstruct(crop, geometry) for crop, geometry in zip(crops, geometries, strict=True)]

    def forward(self, image: Tensor) -> Tensor:
        """Points (B, N, 3) of a shape in the unit ball of normalised image (B, 1, H, W), published at 224 x 224."""
        return self.shape(self.code(image))

    def code(self, image: Tensor) -> Tensor:
        """(B, code_width) what is known of image (B, 1, H, W)."""
        return self.to_code(global_code(self.encoder(image)))

    def shape(self, code: Tensor) -> Tensor:
        """Points (B, N, 3) in the unit ball of code (B, code_width)."""
        style = self.style(self.style_of_point(self.sphere) + self.style_of_code(code)[:, None])
        x = self.sphere.expand(len(code), -1, -1)
        neighbours = self.sphere_neighbours
        for i, (block, norm) in enumerate(zip(self.blocks, self.norms, strict=True)):
            if i > 0:
                neighbours = knn(x, self.options["k"])
            x = norm(block(x, neighbours), style)
        return self.sphere + self.head(x)


def place_in_box(points: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Points (n, 3) in mm, camera frame, of points (n, 3) in the unit ball along the camera's axes: the ball's centre
    comes to depth sod_mm, and scale and place are such that the projection's bounding box has the centre and the area
    of box_px, so that it is box_px when the shape's proportions are right.

    Uses the image's box and the given distance only. Scale and shift of a parallel projection follow in closed form;
    repeating that on the perspective one converges by a factor of about size / sod_mm a step. Raises InputError
    without a box, for points without extent, or when the box asks for a shape that reaches the source.
    """
    if geometry.box_px is None:
        raise InputError("box_px: expected the vertebra's box in the image, got none")
    points = np.asarray(points, float)
    if not np.ptp(points[:, :2], axis=0).all():
        raise InputError("points: expected a cloud with extent along X and Y, got a flat one")
    corners = np.reshape(geometry.box_px, (2, 2)) - 0.5  # a pixel's area begins half a pixel before its centre
    box_px, middle_px = np.diff(corners, axis=0), corners.mean(0)
    shift = geometry.backproject(middle_px[None], geometry.sod_mm)[0]
    scale = _FIRST_SCALE * geometry.sod_mm
    for _ in range(_PLACING_STEPS):
        seen = geometry.project(scale * points + shift)
        shift[:2] += (middle_px - (seen.min(0) + seen.max(0)) / 2) * geometry.sod_mm / geometry.focal_px
        scale *= np.sqrt(np.prod(box_px) / np.prod(np.ptp(seen, axis=0)))
        if (scale * points[:, 2] + geometry.sod_mm).min() <= 0:
            raise InputError(f"box_px: expected a box that fits sod_mm = {geometry.sod_mm:g}, got one too large for it")
    return scale * points + shift
