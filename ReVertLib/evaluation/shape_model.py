"""How good the shape model is, on people left out one at a time: what it can reach, what it needs, what it makes up.

Generalisation: the best fit to a vertebra of somebody left out. Compactness: the share of variance in the first modes.
Specificity: how far a sample lies from the nearest of the registered vertebrae (Davies 2002; here the root mean square
over corresponding vertices). Energy score: mean distance of samples to somebody left out, less half of the mean
distance between samples (Gneiting and Raftery 2007): smallest, on average, for the sampler that is most like people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import Case, is_held_out
from ReVertLib.failures import Failures
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import SurfaceMetrics
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.progress import log
from ReVertLib.registration.correspondence import onto_mean
from ReVertLib.registration.icp import align
from ReVertLib.shape.best_fit import best_fit
from ReVertLib.shape.library import Source
from ReVertLib.shape.model import ShapeLibrary, ShapeModel, left_out, modes_of
from ReVertLib.synthesis.shapes import VertebraSampler, sample_shape

MODE_COUNTS = (0, 5, 10, 16)
BASIS_COUNTS = (50, 150, 400)
SAMPLES_PER_FOLD = 100


@dataclass(frozen=True)
class Fit:
    """The best fit of one model to one vertebra."""

    case: str
    level: str
    model: str
    metrics: SurfaceMetrics


def bases(model: ShapeModel, all_modes: np.ndarray) -> dict[str, np.ndarray]:
    """What is compared: the plain modes, 0 to all of them, and the widened model by rank."""
    plain = np.moveaxis(all_modes, 0, 2)
    found = {f"{count} modes": plain[:, :, :count] for count in MODE_COUNTS} | {"all modes": plain}
    wide = model.basis(max(BASIS_COUNTS))
    return found | {f"wide {count}": wide[:, :, :count] for count in BASIS_COUNTS}


def generalisation(people: ShapeLibrary, model: ShapeModel, surfaces: Iterable[Source]) -> list[Fit]:
    """The fits to every training vertebra L1-L5 among surfaces, by the models without its person."""
    fits: list[Fit] = []
    surfaces = [source for source in surfaces if source.label in LEVEL_OF_LABEL]
    for person in people.lumbar_persons:
        others = modes_of(people.only(people.person != person).differences, len(people.person))
        models = bases(left_out(people, person, model), others)
        for source in surfaces:
            if is_held_out(source.case, [person]):
                fits += _fits(source.case, LEVEL_OF_LABEL[source.label], source.surface, model.means, models)
        log.info(f"without {person}: {_line(fits, people_of=person)}")
    return fits


def held_out_fits(
    cases: Iterable[Case], people: ShapeLibrary, model: ShapeModel, held_out: Iterable[str], failures: Failures
) -> list[Fit]:
    """The fits of the whole model to the lumbar vertebrae of the people who are held out. failures: where cases that
    cannot be used are noted."""
    models = bases(model, modes_of(people.differences, len(people.person)))
    fits = []
    for case in cases:
        if is_held_out(case.name, held_out):
            with failures.noted(case.name):
                labels = read_vertebrae(case.labels, case.scheme)
                for label in sorted(set(np.unique(labels.array).tolist()) & set(LEVEL_OF_LABEL)):
                    fits += _fits(case.name, LEVEL_OF_LABEL[label], label_mesh(labels, label), model.means, models)
    return fits


def _fits(case: str, level: str, surface: Mesh, means: np.ndarray, models: dict[str, np.ndarray]) -> list[Fit]:
    mean = Mesh(means[LEVELS.index(level)], load_template().faces)
    start = align(mean, surface, "rigid")
    return [
        Fit(case, level, name, surface_metrics(best_fit(mean, basis, surface, start), surface, samples=5_000))
        for name, basis in models.items()
    ]


def _line(fits: list[Fit], people_of: str) -> str:
    rows = [fit for fit in fits if is_held_out(fit.case, [people_of])]
    names = list(dict.fromkeys(fit.model for fit in rows))
    return "; ".join(f"{n} {np.mean([f.metrics.dice for f in rows if f.model == n]):.3f}" for n in names)


@dataclass(frozen=True)
class SamplerScore:
    """One sampler against the people it did not see, root mean square mm: distance of a sample to the nearest
    registered vertebra, of somebody left out to the nearest sample, and the energy score."""

    sampler: str
    specificity_mm: float
    nearest_mm: float
    energy_mm: float


def sampler_scores(people: ShapeLibrary, model: ShapeModel, seed: int = 0) -> list[SamplerScore]:
    """Samplers without each person in turn against that person's lumbar vertebrae and their mirror images; the row
    "people" is the distance of those to the nearest of somebody else."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for person in people.lumbar_persons:
        own = people.person == person
        truth = _flat(people.only(own & people.lumbar).differences)
        others = _flat(people.only(~own).differences)
        nearest = float(cdist(truth, others).min(1).mean())
        found.setdefault("people", []).append((nearest, np.nan, np.nan))
        for name, draw in _samplers(people.only(~own), left_out(people, person, model)).items():
            rng = np.random.default_rng([seed, len(found["people"])])
            drawn = _flat(np.stack([draw(i % len(LEVELS), rng) for i in range(SAMPLES_PER_FOLD)]))
            across, between = cdist(drawn, truth), cdist(drawn, drawn)
            energy = across.mean() - between.sum() / (len(drawn) * (len(drawn) - 1)) / 2
            found.setdefault(name, []).append(
                (float(cdist(drawn, others).min(1).mean()), float(across.min(0).mean()), float(energy))
            )
    return [SamplerScore(name, *np.mean(rows, axis=0).tolist()) for name, rows in found.items()]


def _flat(differences: np.ndarray) -> np.ndarray:
    """(r, 3 n), scaled so that the distance of two rows is the root mean square over the vertices, mm."""
    return differences.reshape(len(differences), -1) / np.sqrt(differences.shape[1])


def _samplers(people: ShapeLibrary, model: ShapeModel) -> dict[str, Callable]:
    """Displacements (n, 3) from the mean, mm, by each sampler, from (level, rng)."""
    world = VertebraSampler(model.means, people.only(people.lumbar).differences, ())
    modes = modes_of(people.differences, 16)

    def of_modes(_: int, rng: np.random.Generator) -> np.ndarray:
        return np.tensordot(rng.normal(size=len(modes)), modes, 1)

    def of(shape: Callable, means: np.ndarray) -> Callable:
        return lambda level, rng: onto_mean(shape(level, rng).vertices, means[level]) - means[level]

    return {
        "16 modes": of_modes,
        "mixed": of(lambda level, rng: sample_shape(world, level, rng), model.means),
        "wide": of(model.sample, model.means),
    }
