"""How two views do together, against each alone: the tables of docs/two_views.md.

    python Testing/studies/two_views.py DATASET OUT.csv [--pairs ap+left_lateral ...]
    python Testing/studies/two_views.py DATASET --wrong-pairs

DATASET is one of `revert dataset`. Each pair of views of each vertebra is fused, the relative pose known and not. A
line of OUT.csv for each vertebra, pair and way; lines that are there already are not measured again. `first`,
`second`: the two answers alone. `mean of both`: of their vertices, laid over each other. `unknown`, `known`: by whether
the relative pose is told. `known, 5 % off`: told, the distances 5 % too long. `mean`: the mean vertebra of 87, no image
used. Place: how far the centre of the volume is off in the first camera's frame, mm. Dice, HD95 and ASSD after rigid
alignment, from 3000 points on each surface.

With --wrong-pairs, of how many AP and left lateral views it is said that they disagree: of right pairs, of pairs of
which one image is mirrored, and of those whose second image is of the next level.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
from row_by_row import Rows

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.dataset.layout import read_dataset
from ReVertLib.evaluation.measure import EvaluatedImage, images_of
from ReVertLib.fusion.fuse import fused
from ReVertLib.fusion.pair import fused_pair
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.inference.inputs import ReconstructionInput, reconstructed
from ReVertLib.inference.predictor import Predictor
from ReVertLib.inference.verdict import DISAGREE
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.registration.icp import align, best_motion

WAYS = FIRST, SECOND, AVERAGE, UNKNOWN, KNOWN, WRONG, MEAN = (
    "first",
    "second",
    "mean of both",
    "unknown",
    "known",
    "known, 5 % off",
    "mean",
)
PAIRS = ("ap+left_lateral", "ap+right_lateral", "ap+oblique_+25", "left_lateral+oblique_+25")
FIGURES = ("place_mm", "dice", "hd95_mm", "assd_mm", "expected_mm")
KEYS = ("vertebra", "pair", "way")
SAMPLES, WRONG_BY = 3000, 1.05


def measured(dataset: Path, pairs: list[str], done: set) -> Iterator[list]:
    """The lines that are not done yet."""
    predictor = Predictor()
    for item in read_dataset(dataset):
        images = {image.view: image for image in images_of(item)}
        for pair in pairs:
            names = pair.split("+", 1)
            if (item.vertebra, pair, MEAN) not in done and images.keys() >= set(names):
                for way, row in _rows(predictor, *(images[name] for name in names)):
                    yield [item.vertebra, pair, way, *row]


def _rows(predictor: Predictor, first: EvaluatedImage, second: EvaluatedImage) -> Iterator[tuple[str, list[float]]]:
    given = [ReconstructionInput(read_radiograph(one.file), one.geometry, {}, ()) for one in (first, second)]
    pose, truth = second.camera_from_lps @ first.camera_from_lps.inverse, first.truth
    wrong = [replace(one, geometry=replace(one.geometry, sod_mm=WRONG_BY * one.geometry.sod_mm)) for one in given]
    found = {UNKNOWN: fused_pair(predictor, given, None), KNOWN: fused_pair(predictor, given, pose)}
    found[WRONG] = fused_pair(predictor, wrong, pose)
    alone = found[UNKNOWN].alone
    for way, one, target in ((FIRST, alone[0], truth), (SECOND, alone[1], second.truth)):
        yield way, _figures(one.mesh, target, one.expected_error_mm)
    laid = best_motion(alone[1].mesh.vertices, alone[0].mesh.vertices, "rigid").apply(alone[1].mesh.vertices)
    yield AVERAGE, _figures(Mesh((laid + alone[0].mesh.vertices) / 2, alone[0].mesh.faces), truth)
    for way, both in found.items():
        yield way, _figures(both.reconstruction.mesh, truth, both.reconstruction.expected_error_mm)
    yield MEAN, ["", *_figures(baseline_mesh(first.level), truth)[1:]]


def disagreements(dataset: Path) -> Iterator[str]:
    """A line for each kind of pair."""
    predictor, said = Predictor(), {}
    for _, found in groupby(read_dataset(dataset), lambda item: item.case):
        vertebrae = [{image.view: image for image in images_of(item)} for item in found]
        for i, images in enumerate(vertebrae):
            first, second = images["ap"], images["left_lateral"]
            other = vertebrae[i + 1 if i + 1 < len(vertebrae) else i - 1]["left_lateral"]
            kinds = {
                "right": (_asked(first), _asked(second), second),
                "first mirrored": (_mirrored(_asked(first)), _asked(second), second),
                "second mirrored": (_asked(first), _mirrored(_asked(second)), second),
                "another level": (_asked(first), _asked(other, first.level), other),
            }
            for kind, (*given, seen_by) in kinds.items():
                pose = seen_by.camera_from_lps @ first.camera_from_lps.inverse
                for way, known in ((UNKNOWN, None), (KNOWN, pose)):
                    lines = fused(*(reconstructed(predictor, one) for one in given), known).reconstruction.warnings
                    told = any(line.startswith(DISAGREE) for line in lines)
                    said.setdefault(f"{kind}, pose {way}", []).append(told)
    for kind, told in said.items():
        yield f"{kind}: {sum(told)} of {len(told)}"


def _asked(image: EvaluatedImage, level: str | None = None) -> ReconstructionInput:
    geometry = replace(image.geometry, level=level or image.level)
    return ReconstructionInput(read_radiograph(image.file), geometry, {}, ())


def _mirrored(given: ReconstructionInput) -> ReconstructionInput:
    """With left and right exchanged and the view told as before."""
    pixels, geometry = given.radiograph.pixels[:, ::-1].copy(), given.geometry
    width, (cu, cv) = pixels.shape[1], geometry.principal_point_px
    u0, v0, u1, v1 = geometry.box_px
    geometry = replace(geometry, principal_point_px=(width - 1 - cu, cv), box_px=(width - u1, v0, width - u0, v1))
    return replace(given, radiograph=replace(given.radiograph, pixels=pixels), geometry=geometry)


def _figures(mesh: Mesh, target: Mesh, expected_mm: np.ndarray | None = None) -> list:
    place_mm = np.linalg.norm(volume_centroid(mesh) - volume_centroid(target))
    found = surface_metrics(mesh.moved(align(mesh, target, "rigid")), target, samples=SAMPLES)
    figures = [place_mm, found.dice, found.hd95_mm, found.assd_mm]
    return [*map(float, figures), "" if expected_mm is None else float(np.mean(expected_mm))]


def table(rows: list[dict], pair: str) -> str:
    """In Markdown the means over all vertebrae of a pair, by way."""
    lines = [f"| {pair} | n | place, mm | Dice | HD95 | ASSD | expected, mm |\n|---|---|---|---|---|---|---|"]
    for way in WAYS:
        found = [row for row in rows if row["pair"] == pair and row["way"] == way]
        if found:
            columns = ([float(row[name]) for row in found if row[name]] for name in FIGURES)
            texts = (_text(name, column) for name, column in zip(FIGURES, columns, strict=True))
            lines.append(f"| {way} | {len(found)} | {' | '.join(texts)} |")
    return "\n".join(lines)


def _text(name: str, values: list[float]) -> str:
    if not values:
        return ""
    return f"{np.mean(values):.3f}" if name == "dice" else f"{np.mean(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--pairs", nargs="+", default=PAIRS)
    parser.add_argument("--wrong-pairs", action="store_true")
    options = parser.parse_args()
    if options.wrong_pairs:
        print("\n".join(disagreements(options.dataset)))
        return
    if options.out is None:
        parser.error("OUT.csv is missing")
    rows = Rows(options.out, KEYS)
    for line in measured(options.dataset, list(options.pairs), rows.done):
        rows.add(dict(zip((*KEYS, *FIGURES), line, strict=True)))
    lines = rows.lines
    for pair in dict.fromkeys(line["pair"] for line in lines):
        print(table(lines, pair) + "\n")


if __name__ == "__main__":
    main()
