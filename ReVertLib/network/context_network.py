"""The network for every image, film or isolated vertebra, from any side: it isolates the vertebra first, and starts
from the view as far as that is known.

crop -> the vertebra alone (`isolation`) -> what `template_network` does, with the crop itself beside it. The pose
starts from the coarse view in place of AP. Where no view is known the network says how likely each is, seen from the
image alone, and answers for the likeliest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.crop import Crop

from .context_answers import YAWS_DEG, Look, reconstructed
from .crop_answer import CropAnswer, Judged
from .hints import HINTS, hints
from .isolation import Isolated, IsolationNet
from .posed_shape import PosedShape
from .template_network import Read, TemplateNetwork
from .uncertainty_heads import Features


@dataclass(frozen=True)
class Sight:
    """What is seen in a batch of crops image (B, 1, S, S), whatever the view. isolated: the vertebrae alone. features:
    of the encoder. code: (B, k). yaw: (B, views) logits of YAWS_DEG."""

    image: Tensor
    isolated: Isolated
    features: list[Tensor]
    code: Tensor
    yaw: Tensor

    def single(self) -> Sight:
        """In single precision."""
        isolated = Isolated(self.isolated.bone.float(), self.isolated.inside.float())
        features = [feature.float() for feature in self.features]
        return Sight(self.image.float(), isolated, features, self.code.float(), self.yaw.float())

    def repeated(self, index: Tensor) -> Sight:
        """Of the crops at index (n,)."""
        isolated = Isolated(self.isolated.bone[index], self.isolated.inside[index])
        features = [feature[index] for feature in self.features]
        return Sight(self.image[index], isolated, features, self.code[index], self.yaw[index])


def from_template(template: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a template network as those of a network in context: its image is that of the vertebra alone, and
    what the others show has no say yet. The pose is learned anew, since it is a change of another view."""
    stem = "encoder.stem.0.weight"
    kept = {name: tensor for name, tensor in template.items() if not name.startswith("to_pose.")}
    return kept | {stem: torch.cat([template[stem], torch.zeros_like(own[stem][:, 1:])], 1)}


class ContextNetwork(TemplateNetwork):
    """See the module's text. isolation: widths of its U-Net; the other options are `TemplateNetwork`'s."""

    mirrored = False
    beginnings = MappingProxyType({"template": from_template})
    hint_count = len(HINTS)

    def __init__(self, isolation: tuple[int, ...] = (16, 32, 64, 128, 192), **options: object) -> None:
        super().__init__(**options, in_channels=3)
        self.options["isolation"] = isolation
        code = self.options["code"]
        self.isolation = IsolationNet(tuple(isolation))
        self.view_code = nn.Linear(9, code)
        self.to_yaw = nn.Sequential(nn.Linear(code, 64), nn.ReLU(inplace=True), nn.Linear(64, len(YAWS_DEG)))
        views = torch.stack([torch.as_tensor(view_rotation(yaw), dtype=torch.float32) for yaw in YAWS_DEG])
        self.register_buffer("views", views, persistent=False)

    def sight(self, image: Tensor) -> Sight:
        """What is seen in crops (B, 1, S, S), 0..1."""
        isolated = self.isolation(image)
        features = self.encoder(torch.cat([isolated.bone, image, torch.sigmoid(isolated.inside)], 1) - 0.25)
        code = self.to_code(features[-1])
        return Sight(image, isolated, features, code, self.to_yaw(code))

    def answers(self, sight: Sight, level: Tensor, sod_mm: Tensor, view: Tensor) -> tuple[list[PosedShape], Features]:
        """The estimates from first to last, as `TemplateNetwork.estimated`, for coarse views (B, 3, 3) of the crop
        camera from LPS."""
        return self._refined(self.read(sight.features), sight, level, sod_mm, view)

    def _refined(
        self, read: Read, sight: Sight, level: Tensor, sod_mm: Tensor, view: Tensor
    ) -> tuple[list[PosedShape], Features]:
        code = sight.code + self.level_code(level) + self.view_code(view.flatten(1))
        return self.refined(read, code, sight.isolated.bone, level, sod_mm, view)

    def forward(self, image: Tensor, level: Tensor, sod_mm: Tensor, view: Tensor) -> PosedShape:
        """The best estimate, with its predicted error and out-of-distribution score; arguments as for `answers`."""
        return self.judged(*self.answer(image, level, sod_mm, view))

    def answer(self, image: Tensor, level: Tensor, sod_mm: Tensor, view: Tensor) -> tuple[PosedShape, Features]:
        """The best estimate, and the features that its error is predicted from."""
        return self.answer_to(self.sight(image), level, sod_mm, view)

    def answer_to(self, sight: Sight, level: Tensor, sod_mm: Tensor, view: Tensor) -> tuple[PosedShape, Features]:
        """`answer` from what was seen."""
        return self.answer_from(self.read(sight.features), sight, level, sod_mm, view)

    def answer_from(
        self, read: Read, sight: Sight, level: Tensor, sod_mm: Tensor, view: Tensor
    ) -> tuple[PosedShape, Features]:
        """`answer_to` from what was read of the sight's features."""
        estimates, features = self._refined(read, sight, level, sod_mm, view)
        surface = self.whole(estimates[-1], level)
        return surface, replace(features, hints=hints(sight.image, sight.isolated, surface.vertices, sod_mm))

    def silhouettes(self, image: Tensor) -> Tensor:
        """(B, S, S) bool, what it takes for the vertebrae in crops (B, 1, S, S)."""
        return self.isolation(image).inside[:, 0] > 0

    def reconstruct_all(
        self, crops: Sequence[Crop], geometries: Sequence[Geometry], draft: bool = False
    ) -> list[CropAnswer]:
        """`context_answers.reconstructed`."""
        return reconstructed(self, crops, geometries, draft)

    @torch.inference_mode()
    def look(self, image: np.ndarray) -> Look:
        """As `TwoSteps` says."""
        sight = self.sight(torch.as_tensor(image, device=self.means.device))
        return Look(sight.isolated.inside[:, 0].cpu().numpy(), sight.yaw.cpu().numpy(), sight)

    @torch.inference_mode()
    def surfaces(
        self, look: Look, index: np.ndarray, level: np.ndarray, sod_mm: np.ndarray, view: np.ndarray
    ) -> Judged:
        """As `TwoSteps` says."""
        index, *asked = (torch.as_tensor(array, device=self.means.device) for array in (index, level, sod_mm, view))
        return self.judged(*self.answer_to(look.kept.repeated(index), *asked)).judged
