"""The default network: a vertebra-shaped template placed, then bent, by what the image shows.

crop -> ResNet feature maps -> pose of the level's mean vertebra -> its control points projected into the image ->
features there -> graph decoder -> displacements and a better pose -> once more. What leaves is a closed mesh in mm in
the crop camera's frame. Every head starts at zero, so an untrained or silent network answers with the mean vertebra.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .crop import CROP_FIELD_MM, CROP_SIZE_PX
from .encoder import ResNet
from .estimate import Surface, rotation_vector
from .geometry import LEVELS, camera_from_lps
from .graph import EdgeConv
from .template import load_template

UNKNOWN_LEVEL = len(LEVELS)


class TemplateNetwork(nn.Module):
    """Displaces the template of a level; see the module's text."""

    crop_size_px = CROP_SIZE_PX

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 128, 256),
        code: int = 256,
        sampled: int = 32,
        node_width: int = 64,
        node_layers: int = 2,
        neighbours: int = 6,
        refinements: int = 2,
        error_width: int = 0,
    ) -> None:
        """error_width: of the head that says what error to expect; 0 for a network that does not judge itself."""
        super().__init__()
        self.options = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        template = load_template()
        means = torch.as_tensor(template.means)
        self._constant("means", torch.cat([means, means[2:3]]))
        self._constant("controls", torch.as_tensor(template.controls).long())
        self._constant("neighbours", torch.as_tensor(template.neighbours[:, 1 : 1 + neighbours]).long())
        spread = torch.zeros(means.shape[1], len(template.controls))
        nearest, weights = torch.as_tensor(template.weight_controls).long(), torch.as_tensor(template.weights)
        spread.scatter_(1, nearest, weights)
        self._constant("spread", spread)
        self.encoder = ResNet(1, widths)
        self.level_code = nn.Embedding(UNKNOWN_LEVEL + 1, code)
        last = widths[-1]
        self.to_code = nn.Sequential(
            nn.Conv2d(last, 64, 1),
            nn.Flatten(),
            nn.Linear(64 * (CROP_SIZE_PX // 32) ** 2, code),
            nn.ReLU(inplace=True),
        )
        self.to_pose = _zeroed(nn.Linear(code, 8))
        self.to_sampled = nn.ModuleList(nn.Conv2d(w, sampled, 1) for w in widths[:3])
        self.decoders = nn.ModuleList(
            _Decoder(3 * sampled + 6, code, node_width, node_layers) for _ in range(refinements)
        )
        self.error_head = self.familiarity = None
        if error_width:
            self.familiarity = Familiarity(sum(widths[2:]))
            self.error_head = ErrorHead(nearest, weights, refinements * node_width, code, error_width)

    def _constant(self, name: str, value: Tensor) -> None:
        self.register_buffer(name, value, persistent=False)

    def forward(self, image: Tensor, level: Tensor, sod_mm: Tensor) -> list[Surface]:
        """Estimates from first to best, the best with what is to be thought of it. image: (B, 1, S, S) in 0..1. level:
        (B,) 0..4 for L1..L5, 5 unknown. sod_mm: (B,) depth of the vertebra's centre in the crop camera."""
        estimates, evidence = self.estimated(image, level, sod_mm)
        if self.error_head is not None:
            error_mm, strangeness = self.error_head(evidence), self.familiarity(evidence)
            estimates[-1] = replace(estimates[-1], expected_error_mm=error_mm, strangeness=strangeness)
        return estimates

    def estimated(self, image: Tensor, level: Tensor, sod_mm: Tensor) -> tuple[list[Surface], Evidence]:
        """The estimates, and what they are judged by."""
        features = self.encoder(image - 0.25)
        code = self.to_code(features[-1]) + self.level_code(level)
        rotation, position = _placed(self.to_pose(code), sod_mm)
        estimates, known = [Surface(rotation, position, self.means[level])], []
        maps = [layer(f) for layer, f in zip(self.to_sampled, features, strict=False)]
        for decoder in self.decoders:
            estimate, nodes = self._refined(decoder, estimates[-1], maps, code, sod_mm)
            estimates.append(estimate)
            known.append(nodes)
        pooled = torch.cat([f.mean((2, 3)) for f in features[2:]], 1)
        return estimates, Evidence(torch.cat(known, 2), code, pooled)

    def _refined(
        self, decoder: _Decoder, last: Surface, maps: list[Tensor], code: Tensor, sod_mm: Tensor
    ) -> tuple[Surface, Tensor]:
        """The next estimate, from features seen where the last one puts the controls, and what the decoder knew of
        them. The last place is taken as given, so that each stage learns its own step."""
        rotation, position = last.rotation.detach(), last.position_mm.detach()
        nodes = last.shape.detach()[:, self.controls]
        in_camera = nodes @ rotation.transpose(1, 2)
        seen = _sample(maps, in_camera + position[:, None], sod_mm)
        own = torch.cat([nodes, in_camera], 2) / 30.0
        known = decoder(torch.cat([seen, own], 2), code, self.neighbours)
        displacement, turn = decoder.step(known)
        columns = (displacement @ rotation).transpose(0, 1).flatten(1)  # one product for the whole batch
        shape = last.shape + (self.spread @ columns).unflatten(1, (-1, 3)).transpose(0, 1)
        step = F.pad(turn[:, 3:], (0, 1))
        return Surface(rotation_vector(turn[:, :3]) @ rotation, position + step, shape), known


@dataclass(frozen=True)
class Evidence:
    """What a network knew when it answered. nodes: (B, c, f) of every decoder, side by side, at the controls. code:
    (B, k) of the image. pooled: (B, p) means of the encoder's last two feature maps."""

    nodes: Tensor
    code: Tensor
    pooled: Tensor


class ErrorHead(nn.Module):
    """The distance of each vertex to the true surface to be expected: `usual_mm`, a map that no image changes, times
    what the evidence says. It starts at the map itself, all 1 mm until it is measured.

    nearest, weights: (n, k) the controls that move each vertex, and how much. nodes, code: widths of the evidence.
    """

    def __init__(self, nearest: Tensor, weights: Tensor, nodes: int, code: int, width: int) -> None:
        super().__init__()
        self.register_buffer("usual_mm", torch.ones(len(nearest)))
        self.register_buffer("nearest", nearest, persistent=False)
        # Displacements are spread with some negative weights; a mean that stays positive has none.
        self.register_buffer("shares", F.normalize(weights.clamp(min=0.0), p=1.0, dim=1), persistent=False)
        self.enter = nn.Linear(nodes, width)
        self.enter_image = nn.Linear(nodes + code, width)
        self.middle = nn.Linear(width, width)
        self.leave = _zeroed(nn.Linear(width, 1))

    def forward(self, evidence: Evidence) -> Tensor:
        """(B, n) mm: the map times a factor that stays within e^-2 and e^2, whatever the image."""
        whole = torch.cat([evidence.nodes.mean(1), evidence.code], 1)
        x = F.relu(self.enter(evidence.nodes) + self.enter_image(whole)[:, None])
        factor = torch.exp(2.0 * torch.tanh(self.leave(F.relu(self.middle(x)))[..., 0]))
        return self.usual_mm * (factor[:, self.nearest] * self.shares).sum(2)


class Familiarity(nn.Module):
    """How far an image is from those of the training: the Mahalanobis distance of its pooled features, scaled so that
    the limit is 1 (see `uncertainty.familiar`). Before it is measured nothing is strange."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.register_buffer("whitening", torch.zeros(features, features))

    def forward(self, evidence: Evidence) -> Tensor:
        """(B,) 0 for the mean of the training images, 1 at the limit."""
        return (((evidence.pooled - self.mean) / self.scale) @ self.whitening).norm(dim=1)


class _Decoder(nn.Module):
    """Node features (B, c, f) and the image's code to what is known at the nodes, (B, c, width), and that to a step."""

    def __init__(self, features: int, code: int, width: int, layers: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.enter_code = nn.Linear(code, width)
        self.layers = nn.ModuleList(EdgeConv(width, width) for _ in range(layers))
        self.to_displacement = _zeroed(nn.Linear(width, 3))
        self.to_turn = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(inplace=True), _zeroed(nn.Linear(width, 5)))

    def forward(self, nodes: Tensor, code: Tensor, neighbours: Tensor) -> Tensor:
        x = F.relu(self.enter(nodes) + self.enter_code(code)[:, None])
        for layer in self.layers:
            x = x + layer(x, neighbours)
        return x

    def step(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Displacements (B, c, 3) in camera axes, mm, and a turn (B, 5): rotation vector in radians and shift across
        the beam in mm."""
        turn = self.to_turn(torch.cat([x.mean(1), x.amax(1)], 1))
        return self.to_displacement(x), turn * turn.new_tensor([0.1, 0.1, 0.1, 1.0, 1.0])


def _zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _placed(pose: Tensor, sod_mm: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation (B, 3, 3) and position (B, 3) mm from 8 numbers: two columns, orthonormalised (Zhou et al., CVPR
    2019), as a change of the AP view, and a shift across the beam in units of 10 mm. Depth is the given distance."""
    a = pose[:, :3] + pose.new_tensor([1.0, 0.0, 0.0])
    b = pose[:, 3:6] + pose.new_tensor([0.0, 1.0, 0.0])
    a = F.normalize(a, dim=1)
    b = F.normalize(b - (a * b).sum(1, keepdim=True) * a, dim=1)
    change = torch.stack([a, b, torch.linalg.cross(a, b)], 2)
    position = torch.cat([10.0 * pose[:, 6:], sod_mm[:, None]], 1)
    return change @ pose.new_tensor(camera_from_lps()), position


def _sample(maps: list[Tensor], points: Tensor, sod_mm: Tensor) -> Tensor:
    """(B, c, channels) features where points (B, c, 3) of the crop camera fall on the feature maps."""
    place = points[..., :2] / points[..., 2:] * (2.0 / CROP_FIELD_MM * sod_mm[:, None, None])
    grid = place[:, :, None]
    found = [F.grid_sample(m, grid, align_corners=False, padding_mode="border")[..., 0] for m in maps]
    return torch.cat(found, 1).transpose(1, 2)
