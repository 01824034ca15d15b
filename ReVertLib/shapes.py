"""Vertebrae in correspondence: building the template and laying it over every vertebra of a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu

from .align import align, best_motion
from .cases import HELD_OUT, find_cases
from .crossings import crossing_faces, face_normals, flipped_faces
from .files import whole_file
from .geometry import LEVEL_OF_LABEL, LEVELS, VERSE_LABELS
from .means import mended_means, mirror
from .mesh import Mesh, decimated, inside_voxels, read_mesh, volume_centroid
from .metrics import surface_metrics
from .register import graph_laplacian, register
from .template import TEMPLATE_FILE, Template, load_template
from .untangle import untangled
from .volume import label_mesh, mesh_from_mask, read_label_map

VERTEX_COUNT = 3000
CONTROL_COUNT = 400
NEIGHBOUR_COUNT = 12
WEIGHT_COUNT = 16
FEW_DIRECTIONS, FILLED_GRID_MM = 100, 0.7
THORACIC = {18: "T11", 19: "T12"}
"""Labels that no radiograph is asked for: registered for the variety of their shapes only."""

_LPS_FROM_MEAN_OF_87 = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def centred(mesh: Mesh) -> Mesh:
    """The mesh with the centroid of its volume at the origin."""
    return mesh.moved(np.eye(3), -volume_centroid(mesh))


def fitted(template: Mesh, target: Mesh) -> Mesh:
    """The template laid over target and registered to it; both in canonical-like axes or any turn of them."""
    return Mesh(register(align(template, target, "similarity").apply(template), target), template.faces)


def onto_mean(vertices: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Vertices moved rigidly, by correspondence, onto a mean shape (n, 3)."""
    motion = best_motion(vertices, mean, "rigid")
    return vertices @ motion.rotation.T + motion.translation_mm


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


def build_template(root: Path) -> Template:
    """The template from the means of 87 below root/mean_of_87, and the training people's L1 beside their L2."""
    surfaces = [
        centred(read_mesh(root / "mean_of_87" / f"{level}.ply").moved(_LPS_FROM_MEAN_OF_87, np.zeros(3)))
        for level in LEVELS[1:]
    ]
    template = decimated(surfaces[1], VERTEX_COUNT)
    means = {level: centred(fitted(template, s)).vertices for level, s in zip(LEVELS[1:], surfaces, strict=True)}
    means["L1"] = means["L2"] + _l1_minus_l2(root, Mesh(means["L2"], template.faces))
    return _with_controls(template.faces, np.stack([means[level] for level in LEVELS]))


def _l1_minus_l2(root: Path, l2: Mesh) -> np.ndarray:
    """(n, 3) mean difference of L1 from L2 over the people who have both, mm, made left-right neutral by mirrors."""
    registered = {}
    for case, label, surface in sources(root):
        if label in (VERSE_LABELS["L1"], VERSE_LABELS["L2"]):
            for mirrored in (False, True):
                fit = fitted(l2, mirror(surface) if mirrored else surface)
                registered[case, label, mirrored] = onto_mean(fit.vertices, l2.vertices)
    pairs = [(v, registered.get((case, 21, m))) for (case, label, m), v in registered.items() if label == 20]
    return np.mean([one - two for one, two in pairs if two is not None], axis=0)


def _with_controls(faces: np.ndarray, means: np.ndarray) -> Template:
    """Spreads the controls over L3, joins each to its nearest along the surface, and spreads their displacement over
    the vertices by the smoothest (biharmonic) interpolation."""
    vertices = means[2]
    edges = np.unique(np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1), axis=0)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    graph = sparse.coo_matrix((lengths, edges.T), (len(vertices),) * 2).tocsr()
    distance = dijkstra(graph, directed=False)
    controls = [int(vertices[:, 1].argmax())]
    nearest = distance[controls[0]].copy()
    for _ in range(CONTROL_COUNT - 1):
        controls.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distance[controls[-1]])
    neighbours = distance[np.ix_(controls, controls)].argsort(1)[:, :NEIGHBOUR_COUNT]
    weights = _biharmonic_weights(faces, len(vertices), np.array(controls))
    strongest = np.argsort(-np.abs(weights), 1)[:, :WEIGHT_COUNT]
    kept = np.take_along_axis(weights, strongest, 1)
    return Template(
        faces.astype(np.int16),
        means.astype(np.float32),
        np.array(controls, np.int16),
        neighbours.astype(np.int16),
        (kept / kept.sum(1, keepdims=True)).astype(np.float16),
        strongest.astype(np.int16),
        sha256="",
    )


def _biharmonic_weights(faces: np.ndarray, count: int, controls: np.ndarray, hold: float = 1e3) -> np.ndarray:
    """(count, controls): the field of least squared Laplacian that is 1 at one control and 0 at the others."""
    laplacian = graph_laplacian(faces, count)
    pinned = sparse.coo_matrix((np.full(len(controls), hold), (controls, controls)), (count, count))
    right = np.zeros((count, len(controls)))
    right[controls, np.arange(len(controls))] = hold
    return splu((laplacian.T @ laplacian + pinned).tocsc()).solve(right)


def save_template(template: Template) -> None:
    """Puts a template in the place of the shipped one; weights trained on the old one no longer load."""
    arrays = {name: value for name, value in vars(template).items() if name != "sha256"}
    with whole_file(TEMPLATE_FILE) as temporary:
        np.savez_compressed(temporary, **arrays)
    load_template.cache_clear()


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
    flipped, crossing = int(flipped_faces(fit, rest).sum()), len(crossing_faces(fit))
    volume = metrics.volume_mm3 / metrics.target_volume_mm3
    overlap = f"Dice {metrics.dice:.3f}  HD95 {metrics.hd95_mm:.2f} mm  volume {volume:.3f}"
    return f"{overlap}  flipped {flipped}  crossing {crossing}"
