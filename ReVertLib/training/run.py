"""One linear training loop: samples in, weights out, resumable at any step.

Everything random follows from the seed and the step, so a run that was stopped and resumed takes the same steps. The
checkpoint is safetensors too: the network, its moving average and Adam's moments as tensors, the rest as text.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ReVertLib.errors import InputError
from ReVertLib.files import made_folder, whole_file, write_json
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX
from ReVertLib.network.joined_norm import join_norms, joined_mean
from ReVertLib.network.weights import Weights, build_network, load_weights, save_weights
from ReVertLib.progress import log, progress

from . import curve
from .augmentation import augmented
from .context import in_context
from .film_windows import FilmSamples
from .finder_losses import finder_losses
from .live import LiveSamples
from .loss_terms import has_fast_bfloat16, losses
from .options import TrainOptions, learning_rate_at
from .pace import Pace
from .ranks import ALONE, Ranks
from .samples import Samples

AVERAGE_DECAY = 0.998
ALONE_SHARE = 0.2
"""Of the augmented share, for vertebrae that are shown alone: as such they are seldom seen but on computed images."""
NETWORK_OPTIONS = {
    "sphere": {"encoder_widths": (16, 32, 64, 128), "points": 1024, "crop_size_px": CROP_SIZE_PX, "axes": "patient"}
}
"""Of the networks that training makes otherwise than they build themselves: a sphere whose step is cheap."""


class Run:
    """The state of a training run: network, moving average, optimiser, step. ranks: this process among those that train
    together; all have the same state after every step."""

    def __init__(self, options: TrainOptions, device: torch.device, ranks: Ranks = ALONE) -> None:
        ranks.check(options.batch)
        torch.manual_seed(options.seed)
        self.options, self.device, self.step, self.ranks, self.pace = options, device, 0, ranks, Pace()
        network_options = NETWORK_OPTIONS.get(options.architecture, {})
        self.network = build_network(options.architecture, network_options).to(device)
        self.average = build_network(options.architecture, network_options).to(device)
        self.average.load_state_dict(self.network.state_dict())
        if ranks.count > 1:
            join_norms(self.network)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), options.learning_rate, weight_decay=options.weight_decay
        )

    def begin(self, start: Weights) -> None:
        """Starts from finished weights, without what they think of themselves, of the same architecture or of another
        that the network can begin with. Raises InputError for any other."""
        own, kept = self.network.state_dict(), start.network.state_dict()
        if start.architecture in self.network.beginnings:
            kept = self.network.beginnings[start.architecture](kept, own)
        elif start.architecture != self.options.architecture:
            expected = " or ".join((self.options.architecture, *self.network.beginnings))
            raise InputError(f"start: expected weights of architecture {expected}, got {start.architecture}")
        kept = {name: tensor for name, tensor in kept.items() if name in own}
        _check_sizes(kept, own, "start")
        for network in (self.network, self.average):
            network.load_state_dict(kept, strict=False)

    def advance(self, samples: Samples | LiveSamples) -> dict[str, float]:
        """One step; returns the loss terms. Raises RuntimeError, weights untouched, when the loss or its
        gradient is not finite."""
        options, step = self.options, self.step
        random = torch.Generator().manual_seed(options.seed * 1_000_003 + step)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate_at(step, options)
        self.network.train()
        terms = self.terms(samples, random)
        total = sum(terms.values())
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self.ranks.average_gradients(self.network)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        if not torch.isfinite(total + norm):
            raise RuntimeError(f"training stopped: the loss or its gradient is not finite at step {step}")
        self.optimiser.step()
        self._follow()
        self.step += 1
        self.pace.stepped(options.batch)
        return dict(zip(terms, joined_mean(torch.stack(list(terms.values())).detach()).tolist(), strict=True))

    def terms(self, samples: Samples | LiveSamples, random: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of this process's part of a batch."""
        options = self.options
        index = torch.randint(len(samples), (options.batch,), generator=random)
        with self.pace.waiting():
            taken = samples.batch(index, self.device)
        clean, amid = in_context(taken.isolated() if options.architecture == "sphere" else taken, random)
        share = torch.where(amid, options.augmented_share, ALONE_SHARE * options.augmented_share)
        batch = augmented(clean, random, share if clean.bone is not None else options.augmented_share)
        part = self.ranks.part(options.batch)
        return losses(self.network, options.architecture, batch.part(part), clean.view[part])

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(AVERAGE_DECAY, (self.step + 1) / (self.step + 10))
        for mine, its in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(its, 1 - decay)
            else:
                mine.copy_(its)

    def save(self, path: Path) -> None:
        """Writes the whole state to path, whole or not at all."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{k}": v for k, v in state.items()}
        about = {"step": str(self.step), "options": json.dumps(asdict(self.options))}
        with whole_file(path) as temporary:
            temporary.write_bytes(save({k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}, about))

    def resume(self, path: Path) -> None:
        """Continues from a state written by `save`. Raises InputError when the run had other options."""
        with safe_open(path, "pt") as file:
            about = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if TrainOptions.from_json(about["options"]) != self.options:
            raise InputError(f"train: expected the options saved in {path.name}, got others; choose another folder")
        _check_sizes(_part(tensors, "network."), self.network.state_dict(), path.name)
        self.network.load_state_dict(_part(tensors, "network."))
        self.average.load_state_dict(_part(tensors, "average."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "adam.").items():
            index, key = name.split(".", 1)
            moments.setdefault(int(index), {})[key] = tensor
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        self.step = int(about["step"])


def _check_sizes(saved: dict[str, Tensor], own: dict[str, Tensor], what: str) -> None:
    """Raises InputError when tensors of a network differ from its own in size, as those of a wider sphere do."""
    for name, tensor in saved.items():
        if tensor.shape != own[name].shape:
            sizes = f"{name} of {tuple(own[name].shape)}, got {tuple(tensor.shape)}"
            raise InputError(f"{what}: expected a network of the size that is trained, {sizes}")


class FinderRun(Run):
    """The same of a network that finds vertebrae on films. Raises InputError when several processes train together."""

    def __init__(self, options: TrainOptions, device: torch.device, ranks: Ranks = ALONE) -> None:
        if ranks.count > 1:
            raise InputError(f"train: expected one process for a finder, got {ranks.count}")
        super().__init__(options, device, ranks)

    def terms(self, samples: FilmSamples, random: torch.Generator) -> dict[str, Tensor]:
        """The loss terms of a batch."""
        with self.pace.waiting():
            batch = samples.batch(self.options.batch, random, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            seen = self.network(batch.film)
        return finder_losses(seen.single(), batch)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def train(
    source: Path | LiveSamples | FilmSamples,
    out: Path,
    options: TrainOptions,
    device: torch.device,
    metadata: dict[str, str],
    start: Path | None = None,
    ranks: Ranks = ALONE,
) -> Path:
    """Trains on the shards of a folder, or on samples made on the fly, and writes OUT/model.safetensors with its hash,
    OUT/options.json, OUT/curve.csv and OUT/checkpoint.safetensors, from which a stopped run resumes. Returns the path
    of the weights.

    metadata: text for the weights (data, licence). start: finished weights to begin with instead of none. ranks: of
    several processes that train together each is called so, on the same source and out; the first one writes.
    """
    begin = start and load_weights(start)
    finds = options.architecture == "finder"
    samples = (FilmSamples if finds else Samples)(source) if isinstance(source, Path) else source
    run = (FinderRun if finds else Run)(options, device, ranks)
    made_folder(out)
    checkpoint = out / "checkpoint.safetensors"
    if checkpoint.exists():
        run.resume(checkpoint)
    elif begin:
        run.begin(begin)
        metadata = metadata | {"start": begin.sha256}
    ranks.wait()  # until all have read what the first one writes
    if ranks.leads:
        curve.cut(out / "curve.csv", run.step)
        write_json(out / "options.json", asdict(options))
        where = f"{ranks.count} x {device.type}" if ranks.count > 1 else device
        log.info(f"{options.architecture}: {len(samples)} samples, step {run.step} of {options.steps}, on {where}")
    if isinstance(samples, LiveSamples):
        samples.begin(run.step * options.batch)
    try:
        _loop(run, samples, checkpoint, out / "curve.csv")
    except KeyboardInterrupt:  # the steps so far are kept
        if ranks.leads:
            run.save(checkpoint)
        raise
    weights = out / "model.safetensors"
    if ranks.leads:
        run.save(checkpoint)
        save_weights(weights, run.average, options.architecture, metadata | {"train": json.dumps(asdict(options))})
    return weights


def _loop(run: Run, samples: Samples, checkpoint: Path, losses_file: Path) -> None:
    """Steps to the end. The first process logs a line of the mean losses and the pace every 50 steps, and writes them
    down, and a checkpoint as often as the options say."""
    started, first, seen = time.monotonic(), run.step, []
    steps = range(first, run.options.steps)
    run.pace.begin()
    if run.ranks.leads:
        steps = progress(steps, "steps", total=run.options.steps, done=first, beside=lambda: run.pace)
    for _ in steps:
        seen.append(run.advance(samples))
        if not run.ranks.leads:
            continue
        if run.step % 50 == 0:
            means = {k: sum(terms[k] for terms in seen) / len(seen) for k in seen[0]}
            left_s = (time.monotonic() - started) / (run.step - first) * (run.options.steps - run.step)
            text = "  ".join(f"{k} {v:.3f}" for k, v in means.items())
            log.info(f"step {run.step}/{run.options.steps}  {text}  {run.pace}  {left_s / 60:.0f} min left")
            row = {"step": run.step, "learning_rate": learning_rate_at(run.step, run.options)}
            curve.append(losses_file, row | means)
            seen = []
            run.pace.begin()
        if run.step % run.options.checkpoint_every == 0:
            run.save(checkpoint)
