"""What decides a training run, and how its learning rate goes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from ReVertLib.errors import InputError

from .augmentation import AUGMENTED_SHARE

WARM_UP_STEPS = 100


@dataclass(frozen=True)
class TrainOptions:
    """What decides a run; saved beside the weights as `options.json`. augmented_share: of the images
    that go through the steps of `augmentation`."""

    architecture: str = "template"
    steps: int = 20_000
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    seed: int = 0
    augmented_share: float = AUGMENTED_SHARE
    checkpoint_every: int = 250

    def __post_init__(self) -> None:
        """Raises InputError for what no run can have."""
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise InputError(f"learning rate: expected a number above 0, got {self.learning_rate}")
        if not 0 <= self.augmented_share <= 1:
            raise InputError(f"augmented: expected a share from 0 to 1, got {self.augmented_share}")

    @classmethod
    def from_json(cls, text: str) -> TrainOptions:
        """The options of a run as saved, also by versions that called augmented_share "filmed"."""
        saved = json.loads(text)
        if "filmed" in saved:
            saved["augmented_share"] = saved.pop("filmed")
        return cls(**saved)


def learning_rate_at(step: int, options: TrainOptions) -> float:
    """A linear rise over WARM_UP_STEPS, then half a cosine down to zero at the last step."""
    rise = min(1.0, (step + 1) / WARM_UP_STEPS)
    return options.learning_rate * rise * 0.5 * (1.0 + math.cos(math.pi * step / options.steps))
