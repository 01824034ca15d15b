"""How right measurements are and how right their errors: the numbers of `measurement.errors`, the tables of
docs/measurements.md.

    python Testing/studies/measurement_errors.py fit NEW [--weights FILE]
    python Testing/studies/measurement_errors.py person DATASET [--weights FILE]
    python Testing/studies/measurement_errors.py films PATIENTS [--weights FILE]
    python Testing/studies/measurement_errors.py terms

`fit`: NEW is a folder of `revert simulate --context` that no training has seen; prints the numbers, each the 68th
percentile of what it stands for. `person`: DATASET is of `revert dataset`, of a person that no training has seen; the
truth is the template registered to the true surfaces. `films`: PATIENTS as for `whole_films.py`; what is measured
between vertebrae of whole films, true boxes, view and L3's distance given.

`terms` prints the definitions.

The columns: mean error of the answers; of a second registration to the true surface, from the mean of a neighbouring
level: what the definitions themselves leave; of the mean vertebra of 87 people laid rigidly over the true surface; the
mean of the expected standard deviations; the shares of errors within 1 and within 1.645 of them.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import whole_films
from scipy.spatial.transform import Rotation

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import baseline_mesh, load_template
from ReVertLib.dataset.cases import find_cases
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.evaluation.measure import images_of
from ReVertLib.geometry.levels import LEVELS, VERSE_LABELS
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.predictor import Predictor
from ReVertLib.measurement.errors import REACH_MM
from ReVertLib.measurement.measure import Measured, measure
from ReVertLib.measurement.records import (
    ANGLE,
    BEAM_TERMS,
    DIRECTION,
    DISC_TERMS,
    SPINE_TERMS,
    UNITS,
    VERTEBRA_TERMS,
    Measurement,
    Measurements,
)
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.projection.drr import DrrView, Scan
from ReVertLib.registration.correspondence import fitted
from ReVertLib.registration.icp import align, best_motion
from ReVertLib.spine.film import film_result
from ReVertLib.spine.measurements import film_measurements
from ReVertLib.training.context import in_context
from ReVertLib.training.samples import Samples

EVERY = 3
"""Of the samples, every third is taken."""
BATCH = 32
NINE_IN_TEN = 1.645
ANSWER, ALIGNED, AGAIN, MEAN = WAYS = ("answer", "aligned", "registered again", "mean vertebra")
Group = Mapping[str, Measurement]
Errors = dict[str, dict[str, list[float]]]
"""By name of what is measured, left and right, upper and lower taken together, and by way."""


def off(found: Measurement, true: Measurement) -> float:
    """How far a measurement is from the true one: mm, degrees, %."""
    apart = np.subtract(found.value, true.value)
    if found.kind == ANGLE:
        return float(abs((apart + 180) % 360 - 180))
    if found.kind == DIRECTION:
        return float(np.degrees(np.arccos(np.clip(np.dot(found.value, true.value), -1, 1))))
    return float(np.linalg.norm(apart))


def add(errors: Errors, way: str, found: Group, true: Group) -> None:
    """Notes what one group of measurements is off."""
    for name in true:
        together = name.removeprefix("left ").removeprefix("right ").removeprefix("upper ").removeprefix("lower ")
        errors[together][way].append(off(found[name], true[name]))
        if way == ANSWER:
            errors[together]["sd"].append(found[name].sd)


def table(errors: Errors, ways: Iterable[str]) -> str:
    """In Markdown."""
    ways = list(ways)
    lines = ["| | n | " + " | ".join(ways) + " | expected sd | within 1 sd | within 1.645 sd |"]
    lines.append("|---" * (len(ways) + 5) + "|")
    for name, columns in errors.items():
        ratio = np.array(columns[ANSWER]) / columns["sd"]
        means = " | ".join(f"{np.mean(columns[way]):.1f}" if columns[way] else "" for way in ways)
        shares = " | ".join(f"{np.mean(ratio < limit):.0%}" for limit in (1, NINE_IN_TEN))
        lines.append(f"| {name} | {len(ratio)} | {means} | {np.mean(columns['sd']):.1f} | {shares} |")
    return "\n".join(lines)


def of_one(level: str, mesh: Mesh) -> Group:
    """The measurements of a surface, without errors."""
    return measure({level: Measured(mesh.vertices)}, in_camera=True).levels[level]


def person(dataset: Path, weights: Path | None) -> None:
    """Prints the table of a data set, and that of pedicles by view."""
    predictor, errors, by_view = Predictor(weights), defaultdict(lambda: defaultdict(list)), defaultdict(dict)
    for item in read_dataset(dataset):
        surface = read_mesh(item.mesh)
        true, again = registered(item.level, surface), registered(_neighbour(item.level), surface)
        mean = baseline_mesh(item.level)
        mean = mean.moved(align(mean, surface, "rigid"))
        for image in images_of(item):
            to_camera, target = image.camera_from_lps, of_one(item.level, true.moved(image.camera_from_lps))
            found = predictor.reconstruct(read_radiograph(image.file).pixels, image.geometry)
            vertebra = Measured(found.mesh.vertices, found.expected_error_mm, found.error_parts)
            aligned = found.mesh.moved(align(found.mesh, image.truth, "rigid"))
            ways = {ANSWER: measure({item.level: vertebra}, in_camera=True).levels[item.level]}
            ways |= {ALIGNED: of_one(item.level, aligned), AGAIN: of_one(item.level, again.moved(to_camera))}
            ways[MEAN] = of_one(item.level, mean.moved(to_camera))
            one_view = by_view.setdefault(image.view, defaultdict(lambda: defaultdict(list)))
            for way, group in ways.items():
                add(errors, way, group, target)
                add(one_view, way, group, target)
    print(table(errors, WAYS), end="\n\n")
    for name in ("pedicle entry", "pedicle axis"):
        print(table({f"{name}, {view}": found[name] for view, found in by_view.items()}, WAYS), end="\n\n")


def registered(level: str, surface: Mesh) -> Mesh:
    """The template over a surface, from the mean of a level."""
    return fitted(Mesh(symmetric_means()[LEVELS.index(level)], load_template().faces), surface)


def _neighbour(level: str) -> str:
    return LEVELS[LEVELS.index(level) + (1 if level == LEVELS[0] else -1)]


def films(patients: Path, weights: Path | None) -> None:
    """Prints the table of what is measured between vertebrae."""
    predictor, errors = Predictor(weights), defaultdict(lambda: defaultdict(list))
    for case in find_cases(patients):
        labels = read_label_map(case.labels)
        bones = {level: label_mesh(labels, label) for level, label in VERSE_LABELS.items()}
        true = {level: registered(level, mesh) for level, mesh in bones.items()}
        again = {level: registered(_neighbour(level), mesh) for level, mesh in bones.items()}
        means = {level: baseline_mesh(level) for level in bones}
        means = {level: mean.moved(align(mean, bones[level], "rigid")) for level, mean in means.items()}
        scan = Scan(read_ct(case.ct), volume_centroid(bones["L3"]))
        for yaw_deg in whole_films.VIEWS.values():
            drr = scan.drr(DrrView(yaw_deg), whole_films.CAMERA, whole_films.SIZE_PX)
            seen = {level: mesh.moved(drr.camera_from_lps) for level, mesh in bones.items()}
            result = film_result(predictor, whole_films.asked_film(drr.pixels, drr.geometry, seen, None))
            ways = {ANSWER: film_measurements(result)}
            for way, surfaces in ((AGAIN, again), (MEAN, means)):
                ways[way] = _all({level: mesh.moved(drr.camera_from_lps) for level, mesh in surfaces.items()})
            target = _all({level: mesh.moved(drr.camera_from_lps) for level, mesh in true.items()})
            for way, found in ways.items():
                for disc, group in target.discs.items():
                    add(errors, way, found.discs[disc], group)
                add(errors, way, found.spine, target.spine)
    print(table(errors, (ANSWER, AGAIN, MEAN)))


def _all(surfaces: Mapping[str, Mesh]) -> Measurements:
    return measure({level: Measured(mesh.vertices) for level, mesh in surfaces.items()}, in_camera=True)


@torch.no_grad()
def answered(samples: Samples, predictor: Predictor) -> Iterator[tuple[np.ndarray, ...]]:
    """Of every sample that is taken: vertices as answered and true (n, 3), expected errors (n,), their parts (3, n)."""
    random = torch.Generator().manual_seed(5)
    for index in torch.arange(0, len(samples), EVERY).split(BATCH):
        batch, _ = in_context(samples.batch(index, torch.device("cpu")), random)
        asked = (tensor.numpy() for tensor in (batch.level, batch.position_mm[:, 2], batch.view))
        look = predictor.network.look(batch.image.numpy())
        found = predictor.network.surfaces(look, np.arange(len(batch.image)), *asked)
        columns = (found.vertices, batch.vertices.numpy(), found.expected_error_mm, found.error_parts_mm)
        yield from zip(*(column.astype(float) for column in columns), strict=True)


def fit(new: Path, weights: Path | None) -> None:
    """Prints the numbers of `measurement.errors`."""
    shared, local = [], []
    for found, true, expected_mm, parts_mm in answered(Samples(new), Predictor(weights)):
        centre = true.mean(0)
        motion = best_motion(true - centre, found - centre, "similarity")
        mean_mm, across_mm, along_mm = expected_mm.mean(), parts_mm[0], parts_mm[1]
        means_mm = [across_mm.mean(), across_mm.mean(), along_mm.mean()]
        turn_deg = Rotation.from_matrix(motion.rotation).as_rotvec(degrees=True)
        shared.append([*motion.translation_mm / means_mm, *turn_deg / mean_mm, np.log(motion.scale) / mean_mm])
        rest = found - centre - motion.apply(true - centre)
        local.append(rest / np.stack([across_mm, across_mm, along_mm], 1))
    columns, local = np.abs(shared).T, np.array(local)
    for name, rows in (("SHIFT_ACROSS", columns[:2]), ("SHIFT_ALONG", columns[2]), ("TURN_DEG", columns[3:5])):
        print(name, _usual(rows))
    print("TURN_ABOUT_BEAM_DEG", _usual(columns[5]), "\nGROWTH", _usual(columns[6]))
    print("LOCAL_ACROSS", _usual(np.abs(local[..., :2])), "\nLOCAL_ALONG", _usual(np.abs(local[..., 2])))
    print(f"REACH_MM {_reach_mm(local):.1f} (now {REACH_MM:g})")


def _usual(values: np.ndarray) -> str:
    return f"{np.percentile(values, 68.3):.3f}"


def _reach_mm(local: np.ndarray) -> float:
    """Where a Gaussian through the correlations (N, n, 3) of places 4 to 15 mm apart has its deviation."""
    mean, rng = load_template().mean("L3").vertices, np.random.default_rng(0)
    first, second = rng.integers(0, len(mean), (2, 40_000))
    apart_mm = np.linalg.norm(mean[first] - mean[second], axis=1)
    near = (apart_mm > 4) & (apart_mm < 15)
    a, b = local[:, first[near]], local[:, second[near]]
    alike = ((a * b).mean(0) / np.sqrt((a**2).mean(0) * (b**2).mean(0))).mean(1)
    return float(np.sqrt(-0.5 * (apart_mm[near] ** 2).sum() / np.log(np.maximum(alike, 0.05)).sum()))


def terms() -> str:
    """The definitions, in Markdown."""
    groups = {"vertebra": VERTEBRA_TERMS | BEAM_TERMS, "disc": DISC_TERMS, "spine": SPINE_TERMS}
    lines = ["| of a | | deviation in | |", "|---|---|---|---|"]
    for group, named in groups.items():
        for name, term in named.items():
            if not name.startswith(("right ", "lower ")):
                both = name.replace("left ", "left, right ").replace("upper ", "upper, lower ")
                lines.append(f"| {group} | {both} | {UNITS[term.kind]} | {term.text} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("fit", "person", "films", "terms"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    if options.what == "terms":
        print(terms())
        return
    {"fit": fit, "person": person, "films": films}[options.what](options.folder, options.weights)


if __name__ == "__main__":
    main()
