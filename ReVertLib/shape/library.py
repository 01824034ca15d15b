"""Vertebrae in correspondence: building the template and laying it over every vertebra of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.symmetric_means import mended_means, mirror
from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import HELD_OUT, find_cases
from ReVertLib.files import whole_file
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS, VERSE_LABELS
from ReVertLib.imaging.labels import label_mesh, mesh_from_mask, read_label_map
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.polydata import inside_voxels
from ReVertLib.mesh.self_intersection import face_normals, flipped_faces, self_intersections
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.registration.correspondence import fitted, onto_mean
from ReVertLib.registration.untangle import untangled

FEW_DIRECTIONS, FILLED_GRID_MM = 100, 0.7
THORACIC = {18: "T11", 19: "T12"}
"""Labels that no radiograph is asked for: registered for the variety of their shapes only."""


def sources(root: Path) -> Iterator[tuple[str, int, Mesh]]:
    """(case, label, surface) of every usable vertebra T11-L5 below root, held-out people left out. Label maps are in
    LPS mm, `<case>/L1.ply`..`L5.ply` in their own frames."""
    for case in find_cases(root):
        if case.name in HELD_OUT:
            continue
        labels = read_label_map(case.labels)
        for label in sorted(set(np.unique(labels.array)) & {*THORACIC, *LEVEL_OF_LABEL}):
            yield case.name, int(label), label_mesh(labels, label)
    for path in sorted(root.glob("*/L[1-5].ply")):
        if path.parent.name not in (*HELD_OUT, "mean_of_87"):
            yield path.parent.name, VERSE_LABELS[path.stem], _without_steps(read_mesh(path))


def _without_steps(mesh: Mesh) -> Mesh:
    """A surface cut from a mask by marching cubes, which knows few directions, filled again and smoothed as a mask is;
    any other as it is."""
    normals = face_normals(mesh)
    directions = np.unique(np.round(normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12), 2), axis=0)
    if len(directions) > FEW_DIRECTIONS:
        return mesh
    grid = np.diag([*[FILLED_GRID_MM] * 3, 1.0])
    grid[:3, 3] = mesh.vertices.min(0) - FILLED_GRID_MM
    size = np.ceil(np.ptp(mesh.vertices, axis=0) / FILLED_GRID_MM).astype(int) + 2
    filled = inside_voxels(mesh, grid[:3, 3], np.full(3, FILLED_GRID_MM), np.zeros(3, int), size)
    return mesh_from_mask(filled, grid)


def build_library(root: Path, out: Path, say: Callable[[str], None]) -> None:
    """Registers every vertebra below root and its mirror image to the mended mean of its level and writes the library,
    OUT.npz: vertices (r, n, 3) float32 in the source's frame (x negated when mirrored), case, label, mirrored (r,)."""
    faces, means = load_template().faces, mended_means()
    starts = {label: Mesh(means[LEVELS.index(level)], faces) for label, level in LEVEL_OF_LABEL.items()}
    starts |= _thoracic_starts(root, Mesh(means[0], faces))
    rows = []
    for case, label, surface in sources(root):
        for mirrored in (False, True):
            wanted = mirror(surface) if mirrored else surface
            fit = fitted(starts[label], wanted)
            rows.append((fit.vertices.astype(np.float32), case, label, mirrored))
            name = f"{case} {(THORACIC | LEVEL_OF_LABEL)[label]}{' mirrored' * mirrored}"
            say(f"{name}: {_quality(fit, onto_mean(starts[label].vertices, fit.vertices), wanted)}")
    names = ("vertices", "case", "label", "mirrored")
    with whole_file(out) as temporary:
        np.savez_compressed(temporary, **{n: np.stack(c) for n, c in zip(names, zip(*rows, strict=True), strict=True)})


def _thoracic_starts(root: Path, l1: Mesh) -> dict[int, Mesh]:
    """By label, what T11 and T12 are registered from: the average of their own registrations from l1."""
    found: dict[int, list[np.ndarray]] = {}
    for _, label, surface in sources(root):
        if label in THORACIC:
            found.setdefault(label, []).append(onto_mean(fitted(l1, surface).vertices, l1.vertices))
    return {label: untangled(Mesh(np.mean(fits, axis=0), l1.faces), l1.vertices) for label, fits in found.items()}


def _quality(fit: Mesh, rest: np.ndarray, wanted: Mesh) -> str:
    """How well a fit meets the wanted surface, and whether it is still one; rest (n, 3) is the start laid over it."""
    metrics = surface_metrics(fit, wanted, samples=5_000)
    flipped, crossing = int(flipped_faces(fit, rest).sum()), len(self_intersections(fit))
    volume = metrics.volume_mm3 / metrics.target_volume_mm3
    overlap = f"Dice {metrics.dice:.3f}  HD95 {metrics.hd95_mm:.2f} mm  volume {volume:.3f}"
    return f"{overlap}  flipped {flipped}  crossing {crossing}"
