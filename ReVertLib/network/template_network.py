"""The default network: a vertebra-shaped template placed, then bent, by what the image shows.

crop -> ResNet feature maps -> pose and rough shape of the level's vertebra -> its control points projected into the
image -> features there, and the grey values along each one's normal -> graph decoder -> displacements and a better
pose -> twice more -> all vertices -> the mean with what the mirror image shows. What leaves is a closed mesh in mm in
the crop camera's frame. Every head starts at zero, so an untrained network answers with the mean vertebra.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX
from ReVertLib.imaging.crop import Crop

from .context_answers import inputs
from .crop_answer import CropAnswer, crop_answer
from .edge_conv import EdgeConv
from .encoder import ResNet
from .lookup import PROFILE_COUNT, profiles, sampled
from .mirror import Mirror
from .posed_shape import PosedShape, rotation_vector
from .template_constants import UNKNOWN_LEVEL, template_constants
from .uncertainty_heads import ErrorHead, Features, MahalanobisScore


@dataclass(frozen=True)
class Read:
    """What is read from an encoder's features. maps: (B, c, H, W) of the stem and the first three stages, which are
    sampled at points. pooled, textures: of `Features`."""

    maps: list[Tensor]
    pooled: Tensor
    textures: Tensor


class TemplateNetwork(nn.Module):
    """Displaces the template of a level; see the module's text."""

    crop_size_px = CROP_SIZE_PX
    uses_level = True
    mirrored = True
    """Whether the answer is the mean with what the mirror image shows."""
    beginnings = MappingProxyType({})
    """By other architecture whose weights training can begin with: what makes its tensors into those of this one."""
    hint_count = 0
    """Of what tells how hard an image is."""
    sampled, profiles = staticmethod(sampled), staticmethod(profiles)
    """How features and grey values are looked up."""

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 128, 256),
        code: int = 256,
        sampled: int = 32,
        node_width: int = 64,
        node_layers: int = 2,
        neighbours: int = 6,
        refinements: int = 3,
        error_width: int = 0,
        error_parts: bool = False,
        in_channels: int = 1,
    ) -> None:
        """error_width: of the head that predicts the error of each vertex; 0 for a network without it. error_parts:
        whether it reads hints and says the parts of the error, and textures are scored, too; weights of before do not.
        in_channels: of the image."""
        super().__init__()
        self.options = {
            name: value for name, value in locals().items() if name not in ("self", "__class__", "in_channels")
        }
        for name, value in template_constants(neighbours).items():
            self.register_buffer(name, torch.as_tensor(value), persistent=False)
        self.mirror = Mirror(self.means) if self.mirrored else None
        self.encoder = ResNet(in_channels, widths)
        self.level_code = nn.Embedding(UNKNOWN_LEVEL + 1, code)
        self.to_code = nn.Sequential(
            nn.Conv2d(widths[-1], 64, 1),
            nn.Flatten(),
            nn.Linear(64 * (CROP_SIZE_PX // 32) ** 2, code),
            nn.ReLU(inplace=True),
        )
        self.to_pose = _zeroed(nn.Linear(code, 8))
        self.to_shape = nn.Sequential(nn.Linear(code, 32), _zeroed(nn.Linear(32, 3 * len(self.control_points))))
        seen = (widths[0], *widths[:3])
        self.to_sampled = nn.ModuleList(nn.Conv2d(width, sampled, 1) for width in seen)
        features = len(seen) * sampled + 9
        self.decoders = nn.ModuleList(
            _Decoder(features + (PROFILE_COUNT if i else 0), code, node_width, node_layers, len(self.control_points))
            for i in range(refinements)
        )
        self.error_head = self.familiarity = self.texture_score = None  # named as their tensors in weights files
        if error_width:
            self.familiarity = MahalanobisScore(sum(widths[2:]))
            if error_parts:
                self.texture_score = MahalanobisScore(2 * sum((widths[0], *widths[:2])))
            hints = self.hint_count if error_parts else None
            points, weights = load_template().interpolation_points, load_template().interpolation_weights
            self.error_head = ErrorHead(points, weights, refinements * node_width, code, error_width, hints)

    def reconstruct(self, crop: Crop, geometry: Geometry) -> CropAnswer:
        """The vertebra of a crop, which was cut from a radiograph by its geometry."""
        return self.reconstruct_all([crop], [geometry])[0]

    @torch.inference_mode()
    def reconstruct_all(
        self, crops: Sequence[Crop], geometries: Sequence[Geometry], draft: bool = False
    ) -> list[CropAnswer]:
        """The vertebrae of crops, each cut from a radiograph by its geometry, in one batch. draft: for networks that
        answer for two views, which this one does not."""
        found = self(*(torch.as_tensor(array, device=self.means.device) for array in inputs(crops, geometries))).judged
        return [crop_answer(found, i, crop) for i, crop in enumerate(crops)]

    def forward(self, image: Tensor, level: Tensor, sod_mm: Tensor, view: Tensor | None = None) -> PosedShape:
        """The best estimate, with its predicted error and out-of-distribution score.

        image: (B, 1, S, S) in 0..1. level: (B,) 0..4 for L1..L5, 5 unknown. sod_mm: (B,) depth of the vertebra's centre
        in the crop camera. view: for networks that ask for it, which this one does not.
        """
        return self.judged(*self.answer(image, level, sod_mm, view))

    def silhouettes(self, image: Tensor) -> Tensor | None:
        """(B, S, S) bool, what it takes for the vertebrae in crops (B, 1, S, S); None where it does not say."""
        return None

    def judged(self, surface: PosedShape, features: Features) -> PosedShape:
        """A surface with what the network says of it, as far as it does."""
        if self.error_head is None:
            return surface
        error_mm, parts = self.error_head(features), None
        bound_mm = self.error_head.bound_mm(error_mm[:, :1])
        if bound_mm is not None:
            parts = torch.cat([error_mm[:, 1:], bound_mm], 1)
        score = self.familiarity(features.pooled)
        if self.texture_score is not None:
            score = torch.maximum(score, self.texture_score(features.textures))
        return replace(surface, expected_error_mm=error_mm[:, 0], error_parts_mm=parts, out_of_distribution=score)

    def answer(
        self, image: Tensor, level: Tensor, sod_mm: Tensor, view: Tensor | None = None
    ) -> tuple[PosedShape, Features]:
        """The best estimate, whose shape is the mean of what the image and its mirror image show, and the features that
        its error is predicted from. view: as for `forward`."""
        count, levels = len(image), level.repeat(2)
        estimates, features = self.estimated(torch.cat([image, image.flip(3)]), levels, sod_mm.repeat(2))
        both = self.whole(estimates[-1], levels)
        shape = (both.shape[:count] + self.mirror(both.shape[count:], level)) / 2
        return PosedShape(both.rotation[:count], both.position_mm[:count], shape), features.only(slice(count))

    def estimated(self, image: Tensor, level: Tensor, sod_mm: Tensor) -> tuple[list[PosedShape], Features]:
        """The estimates from first to last, their shapes being those of the control points only, (B, c, 3); and the
        features."""
        features = self.encoder(image - 0.25)
        code = self.to_code(features[-1]) + self.level_code(level)
        return self.refined(self.read(features), code, image, level, sod_mm, self.ap.expand(len(image), 3, 3))

    def read(self, features: list[Tensor]) -> Read:
        """What is read from the encoder's features."""
        maps = [layer(f) for layer, f in zip(self.to_sampled, features, strict=False)]
        pooled = torch.cat([f.mean((2, 3)) for f in features[3:]], 1)
        low = [] if self.texture_score is None else features[:3]  # of no use in training
        textures = [value for f in low for value in (f.mean((2, 3)), f.std((2, 3)))]
        return Read(maps, pooled, torch.cat([pooled[:, :0], *textures], 1))

    def refined(
        self, read: Read, code: Tensor, bone: Tensor, level: Tensor, sod_mm: Tensor, view: Tensor
    ) -> tuple[list[PosedShape], Features]:
        """`estimated` from what was read from the encoder, the image's code (B, k), and the image of the bone (B, 1, S,
        S). view: (B, 3, 3) the rotation that the pose is a change of."""
        rotation, position = _placed(self.to_pose(code), sod_mm, view)
        rough = self.means[level][:, self.control_points] + self.to_shape(code).unflatten(1, (-1, 3))
        estimates, nodes = [PosedShape(rotation, position, rough)], []
        for decoder in self.decoders:
            inputs = self._node_features(estimates[-1], bone if nodes else None, read.maps, level)
            nodes.append(decoder(inputs, code, self.neighbours))
            estimates.append(_stepped(estimates[-1], *decoder.step(nodes[-1])))
        return estimates, Features(torch.cat(nodes, 2), code, read.pooled, read.textures, read.pooled[:, :0])

    def _node_features(self, last: PosedShape, image: Tensor | None, maps: list[Tensor], level: Tensor) -> Tensor:
        """(B, c, features) what is seen where the last estimate puts the control points, where that is, and, given the
        image, its grey values along their normals. The last estimate is taken as given, so that each stage learns its
        own step."""
        rotation, nodes, sod_mm = last.rotation.detach(), last.shape.detach(), last.position_mm[:, 2]
        rotated = nodes @ rotation.transpose(1, 2)
        normals = self.normals[level] @ rotation.transpose(1, 2)
        points = rotated + last.position_mm.detach()[:, None]
        parts = [self.sampled(maps, points, sod_mm), nodes / 30.0, rotated / 30.0, normals]
        if image is not None:
            parts.append(self.profiles(image, points, normals, sod_mm))
        return torch.cat(parts, 2)

    def whole(self, last: PosedShape, level: Tensor) -> PosedShape:
        """All vertices, (B, n, 3), of an estimate whose shape is that of the control points: each is displaced as the
        control points around it."""
        moved = last.shape - self.means[level][:, self.control_points]
        columns = moved.transpose(0, 1).flatten(1)  # one product for the whole batch
        displacement = (self.interpolation @ columns).unflatten(1, (-1, 3)).transpose(0, 1)
        return replace(last, shape=self.means[level] + displacement)


def _stepped(last: PosedShape, displacement: Tensor, turn: Tensor) -> PosedShape:
    """The next estimate: a displacement (B, c, 3) in camera axes and a turn (B, 5) added to the last one as given."""
    rotation, position = last.rotation.detach(), last.position_mm.detach()
    moved = rotation_vector(turn[:, :3]) @ rotation, position + F.pad(turn[:, 3:], (0, 1))
    return PosedShape(*moved, last.shape.detach() + displacement @ rotation)


class _Decoder(nn.Module):
    """Node features (B, c, f) and the image's code to what is known at the nodes, (B, c, width), and that to a step.
    Every node has a scale, a bias and a last layer of its own: what an edge beside it means depends on which it is."""

    def __init__(self, features: int, code: int, width: int, layers: int, nodes: int) -> None:
        super().__init__()
        self.enter = nn.Linear(features, width)
        self.enter_code = nn.Linear(code, width)
        self.gate = nn.Parameter(torch.zeros(nodes, width))
        self.bias = nn.Parameter(torch.zeros(nodes, width))
        self.layers = nn.ModuleList(EdgeConv(width, width) for _ in range(layers))
        self.to_displacement = _zeroed(nn.Linear(width, 3))
        self.own = nn.Parameter(torch.zeros(nodes, width, 3))
        self.to_turn = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(inplace=True), _zeroed(nn.Linear(width, 5)))

    def forward(self, nodes: Tensor, code: Tensor, neighbours: Tensor) -> Tensor:
        x = F.relu(self.enter(nodes) * (1 + self.gate) + self.bias + self.enter_code(code)[:, None])
        for layer in self.layers:
            x = x + layer(x, neighbours)
        return x

    def step(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Displacements (B, c, 3) in camera axes, mm, and a turn (B, 5): rotation vector in radians and shift across
        the beam in mm."""
        turn = self.to_turn(torch.cat([x.mean(1), x.amax(1)], 1))
        displacement = self.to_displacement(x) + (x.transpose(0, 1) @ self.own).transpose(0, 1)
        return displacement, turn * turn.new_tensor([0.1, 0.1, 0.1, 1.0, 1.0])


def _zeroed(layer: nn.Linear) -> nn.Linear:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _placed(pose: Tensor, sod_mm: Tensor, view: Tensor) -> tuple[Tensor, Tensor]:
    """Rotation (B, 3, 3) and position (B, 3) mm from 8 numbers: two columns, orthonormalised (Zhou et al., CVPR
    2019), as a change of the view (B, 3, 3), and a shift across the beam in units of 10 mm. Depth is the given
    distance."""
    a = pose[:, :3] + pose.new_tensor([1.0, 0.0, 0.0])
    b = pose[:, 3:6] + pose.new_tensor([0.0, 1.0, 0.0])
    a = F.normalize(a, dim=1)
    b = F.normalize(b - (a * b).sum(1, keepdim=True) * a, dim=1)
    change = torch.stack([a, b, torch.linalg.cross(a, b)], 2)
    position = torch.cat([10.0 * pose[:, 6:], sod_mm[:, None]], 1)
    return change @ view, position
