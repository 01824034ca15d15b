"""How two views do on vertebrae that no training has seen: figures under `Errors and wrong pairs` in docs/two_views.md.

    revert simulate NEW ... (as docs/training.md has it, with seeds of its own)
    python Testing/studies/two_views_new.py NEW [--weights FILE]

NEW is a folder of `revert simulate`. Of each shape a pair of its images is taken whose beams are 60 to 90 degrees
apart, alone and in context, the crops as radiographs with their exact distance and the view to some degrees. A line for
each way: how far the centre of the volume is off, the mean distance of the vertices to the true surface, both as they
lie, and the share of them below the bound that nine in ten should be below. `known, 5 % off`: the distances told are 5
% too long. Then of how many pairs it is said that they disagree, their relative pose unknown: right ones, those of
which the second image is of another person's vertebra of that level, and those of which it is of a neighbouring level.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from new_samples import ALONE, CONTEXT, shown

from ReVertLib.anatomy.template import load_template
from ReVertLib.fusion.fuse import fused
from ReVertLib.fusion.pair import fused_pair
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.crop_camera import crop_camera
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_angles
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.inference.inputs import ReconstructionInput
from ReVertLib.inference.predictor import Predictor
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import DISAGREE
from ReVertLib.mesh.distance import signed_distances_mm
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.training.samples import Samples

APART_DEG, WRONG_BY = (60.0, 90.0), 1.05
WAYS = FIRST, SECOND, UNKNOWN, KNOWN, WRONG = "first", "second", "unknown", "known", "known, 5 % off"
RIGHT, PERSON, LEVEL = "right", "another person", "another level"


@dataclass(frozen=True)
class Image:
    """given: a crop as a radiograph. pose: its camera from the shape's canonical frame. truth: camera frame."""

    given: ReconstructionInput
    pose: RigidTransform
    truth: Mesh


def pairs(samples: Samples) -> Iterator[tuple[int, int]]:
    """Two images of each shape that has two so far apart, the first such two."""
    beams, of_shape = samples.rotation.numpy()[:, 2], samples.shape_index.numpy()
    for shape in np.unique(of_shape):
        for pair in combinations(np.nonzero(of_shape == shape)[0].tolist(), 2):
            angle = np.degrees(np.arccos(np.clip(beams[pair[0]] @ beams[pair[1]], -1, 1)))
            if APART_DEG[0] <= min(angle, 180 - angle) <= APART_DEG[1]:
                yield pair
                break


def image(samples: Samples, index: int, kind: str) -> Image:
    batch = shown(samples, torch.tensor([index]), kind)
    pixels, position = batch.image[0, 0].numpy(), batch.position_mm[0].double().numpy()
    side, rotation = len(pixels), batch.rotation[0].double().numpy()
    level, view = LEVELS[int(batch.level[0])], view_angles(batch.view[0].double().numpy())
    camera = replace(crop_camera(float(position[2]), level=level), box_px=(0.0, 0.0, side, side), view_deg=view)
    truth = Mesh(batch.vertices[0].double().numpy(), load_template().faces)
    given = ReconstructionInput(radiograph_from_array(pixels, name="crop", inverted=False), camera, {}, ())
    return Image(given, RigidTransform(rotation, position), truth)


def farther(given: ReconstructionInput) -> ReconstructionInput:
    geometry: Geometry = given.geometry
    return replace(given, geometry=replace(geometry, sod_mm=WRONG_BY * geometry.sod_mm))


def figures(found: Reconstruction, truth: Mesh) -> tuple[float, float, float]:
    off_mm = np.abs(signed_distances_mm(found.mesh.vertices, truth))
    place_mm = np.linalg.norm(volume_centroid(found.mesh) - volume_centroid(truth))
    return float(place_mm), float(off_mm.mean()), float((off_mm < found.error_parts.bound_mm).mean())


def disagree(first: Reconstruction, second: Reconstruction) -> bool:
    second = replace(second, geometry=replace(second.geometry, level=first.geometry.level))
    return any(line.startswith(DISAGREE) for line in fused(first, second).reconstruction.warnings)


def measured(predictor: Predictor, samples: Samples, kind: str) -> Iterator[str]:
    rows, alone = {way: [] for way in WAYS}, []
    for one, other in pairs(samples):
        first, second = image(samples, one, kind), image(samples, other, kind)
        given, pose = [first.given, second.given], second.pose @ first.pose.inverse
        found = {UNKNOWN: fused_pair(predictor, given, None), KNOWN: fused_pair(predictor, given, pose)}
        found[WRONG] = fused_pair(predictor, [farther(one) for one in given], pose)
        alone.append(found[UNKNOWN].alone)
        for way, answer, side in zip((FIRST, SECOND), alone[-1], (first, second), strict=True):
            rows[way].append(figures(answer, side.truth))
        for way, both in found.items():
            rows[way].append(figures(both.reconstruction, first.truth))
    for way, row in rows.items():
        yield "| {} | {} | {} | {:.2f} | {:.2f} | {:.0%} |".format(kind, way, len(row), *np.mean(row, axis=0))
    for what, told in wrong_pairs(alone).items():
        yield f"{kind}, {what}: {sum(told)} of {len(told)} told"


def wrong_pairs(alone: list[tuple[Reconstruction, Reconstruction]]) -> dict[str, list[bool]]:
    """Whether it is said of pairs that they disagree, by what they are."""
    told = {RIGHT: [disagree(*pair) for pair in alone], PERSON: [], LEVEL: []}
    levels = [LEVELS.index(first.geometry.level) for first, _ in alone]
    for i, (first, _) in enumerate(alone):
        following = [*range(i + 1, len(alone)), *range(i)]
        for what, apart in ((PERSON, 0), (LEVEL, 1)):
            other = next((k for k in following if abs(levels[k] - levels[i]) == apart), None)
            if other is not None:
                told[what].append(disagree(first, alone[other][1]))
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("new", type=Path)
    parser.add_argument("--weights", type=Path)
    options = parser.parse_args()
    samples, predictor = Samples(options.new), Predictor(options.weights)
    lines = [line for kind in (ALONE, CONTEXT) for line in measured(predictor, samples, kind)]
    head = "| shown | way | n | place, mm | surface, mm | below the bound |\n" + "|---" * 6 + "|"
    print(head, *sorted(lines, key=lambda line: not line.startswith("|")), sep="\n")


if __name__ == "__main__":
    main()
