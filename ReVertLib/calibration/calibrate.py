"""From finished weights to weights that judge themselves: `revert calibrate`.

What to expect is learnt on samples of the training world (see `uncertainty`), and kept only if it is better there, on
other shapes, than the mean error of each vertex. The world is not the clinic: so the whole expectation is then
multiplied by one number, the actual over the expected error on a data set of real bone. The surfaces do not change.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ReVertLib.dataset.layout import DatasetItem, read_dataset
from ReVertLib.errors import InputError
from ReVertLib.evaluation.measure import judgement, shots_of
from ReVertLib.files import check_writable
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.plausibility import range_metadata, training_range
from ReVertLib.inference.predictor import Predictor
from ReVertLib.metrics.reliability import Reliability, reliability, reliability_table
from ReVertLib.network.template_network import TemplateNetwork
from ReVertLib.network.weights import Weights, build_network, load_weights, save_weights
from ReVertLib.training.samples import Samples

from .error_head import CalibrationOptions, Experience, expected, experience, familiar, fit

Say = Callable[[str], None]

CHECKED_SHARE = 0.15


@dataclass(frozen=True)
class Learnt:
    """How the expectation does on shapes of the world that it was not learnt from, beside the constant map, its
    baseline. kept: "image" or "map", whichever was better."""

    image: Reliability
    map: Reliability

    @property
    def kept(self) -> str:
        return "image" if self.image.deviance < self.map.deviance else "map"


@dataclass(frozen=True)
class Real:
    """Expected and actual errors (images, n), mm, of real bone. vertebrae: of each image, by name."""

    expected_mm: np.ndarray
    actual_mm: np.ndarray
    vertebrae: tuple[str, ...]

    @property
    def factor(self) -> float:
        """Actual over expected error."""
        return float(self.actual_mm.mean() / self.expected_mm.mean())

    def without(self, vertebra: str) -> Real:
        """Of the other vertebrae."""
        others = np.array([name != vertebra for name in self.vertebrae])
        return Real(self.expected_mm[others], self.actual_mm[others], tuple(np.array(self.vertebrae)[others]))


def calibrate(
    world: Path, dataset: Path, weights: Path | None, out: Path, options: CalibrationOptions, say: Say
) -> str:
    """Writes OUT: the weights (default: the shipped ones) with a judgement of their own, learnt on the shards of world
    and scaled to a data set of real bone. Returns its hash. Raises InputError for files that cannot be used."""
    if out.suffix != ".safetensors":
        raise InputError(f"output: expected a .safetensors file, got {out.name!r}")
    check_writable(out)
    loaded, samples, items = load_weights(weights), Samples(world), read_dataset(dataset)
    network = judging(loaded, options)
    known = experience(network, samples, options.seed, say)
    learnt = learn(network, known, options, say)
    about = loaded.metadata | range_metadata(training_range(known.looks))
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / out.name
        save_weights(draft, network, loaded.architecture, about)
        real = answered(Predictor(draft, "cpu"), items)
    network.error_head.usual_mm.mul_(real.factor)
    figures = _figures(learnt, real, options, Path(dataset).resolve().name)
    say(reliability_table(reliability(real.factor * real.expected_mm, real.actual_mm)))
    return save_weights(out, network, loaded.architecture, about | {"judgement": json.dumps(figures)})


def judging(loaded: Weights, options: CalibrationOptions) -> TemplateNetwork:
    """The network of the weights with an untaught judgement; one it has is forgotten."""
    if loaded.architecture != "template":
        raise InputError(f"weights: expected architecture template, got {loaded.architecture}")
    torch.manual_seed(options.seed)
    network = build_network("template", loaded.network.options | {"error_width": options.width})
    own = {k: v for k, v in loaded.network.state_dict().items() if k.split(".")[0] not in ("error_head", "familiarity")}
    network.load_state_dict(own, strict=False)
    return network.eval()


def learn(network: TemplateNetwork, known: Experience, options: CalibrationOptions, say: Say) -> Learnt:
    """Teaches the network's judgement on the first samples, and checks it on the last CHECKED_SHARE, which are other
    shapes; where the constant map is as good, the head goes back to it."""
    first = round(len(known) * (1 - CHECKED_SHARE))
    taught, checked = known.section(slice(first)), known.section(slice(first, None))
    fit(network.error_head, taught, options, say)
    familiar(network.familiarity, taught.evidence.pooled.float(), checked.evidence.pooled.float())
    actual = checked.error_mm.numpy()
    constant = np.broadcast_to(network.error_head.usual_mm.numpy(), actual.shape)
    learnt = Learnt(reliability(expected(network.error_head, checked), actual), reliability(constant, actual))
    say(f"deviance {learnt.image.deviance:.3f}, of the constant map {learnt.map.deviance:.3f}")
    if learnt.kept == "map":
        torch.nn.init.zeros_(network.error_head.leave.weight)
        torch.nn.init.zeros_(network.error_head.leave.bias)
    return learnt


def answered(predictor: Predictor, items: list[DatasetItem]) -> Real:
    """What the predictor expects of every image of a data set, and what is so."""
    shots = [shot for item in items for shot in shots_of(item)]
    judgements = [
        judgement(predictor.reconstruct(read_radiograph(shot.image).pixels, shot.geometry), shot.truth)
        for shot in shots
    ]
    columns = (np.stack([getattr(one, name) for one in judgements]) for name in ("expected_mm", "actual_mm"))
    return Real(*columns, tuple(shot.vertebra for shot in shots))


def _figures(learnt: Learnt, real: Real, options: CalibrationOptions, dataset: str) -> dict:
    """What a reader of the weights should know of their judgement."""
    names = sorted(set(real.vertebrae))
    left_out = [real.without(name).factor for name in names] if len(names) > 1 else []
    return {
        "options": asdict(options),
        "kept": learnt.kept,
        "deviance": learnt.image.deviance,
        "deviance_of_constant_map": learnt.map.deviance,
        "scaled_to": f"{dataset}: {len(real.vertebrae)} images of {', '.join(names)}",
        "factor": real.factor,
        "factors_without_one_vertebra": left_out,
    }
