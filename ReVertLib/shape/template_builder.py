"""Building the template: fixed faces, a mean per level, and the control points that move it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu

from ReVertLib.anatomy.symmetric_means import mirror
from ReVertLib.anatomy.template import KEYS, TEMPLATE_FILE, Template, load_template
from ReVertLib.dataset.cases import HELD_OUT
from ReVertLib.files import whole_file
from ReVertLib.geometry.levels import LEVELS, VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.polydata import decimated
from ReVertLib.progress import progress
from ReVertLib.registration.correspondence import centred, fitted, onto_mean
from ReVertLib.registration.nonrigid import graph_laplacian

from .library import MEAN_SHAPE, Source, sources

VERTEX_COUNT = 3000

CONTROL_COUNT = 400

NEIGHBOUR_COUNT = 12

WEIGHT_COUNT = 16

_LPS_FROM_MEAN_OF_87 = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def build_template(root: Path, held_out: Iterable[str] = HELD_OUT) -> Template:
    """The template from the means of 87 below root/mean_of_87, and the training people's L1 beside their L2."""
    surfaces = [
        centred(read_mesh(root / MEAN_SHAPE / f"{level}.ply").moved(RigidTransform.turn(_LPS_FROM_MEAN_OF_87)))
        for level in LEVELS[1:]
    ]
    template = decimated(surfaces[1], VERTEX_COUNT)
    means = {level: centred(fitted(template, s)).vertices for level, s in zip(LEVELS[1:], surfaces, strict=True)}
    means["L1"] = means["L2"] + _l1_minus_l2(sources(root, held_out), Mesh(means["L2"], template.faces))
    return _with_control_points(template.faces, np.stack([means[level] for level in LEVELS]))


def _l1_minus_l2(surfaces: Sequence[Source], l2: Mesh) -> np.ndarray:
    """(n, 3) mean difference of L1 from L2 over the people who have both, mm, made left-right neutral by mirrors."""
    registered = {}
    upper = [source for source in surfaces if source.label in (VERSE_LABELS["L1"], VERSE_LABELS["L2"])]
    for source in progress(upper, "L1 and L2"):
        for mirrored in (False, True):
            fit = fitted(l2, mirror(source.surface) if mirrored else source.surface)
            registered[source.case, source.label, mirrored] = onto_mean(fit.vertices, l2.vertices)
    pairs = [(v, registered.get((case, 21, m))) for (case, label, m), v in registered.items() if label == 20]
    return np.mean([one - two for one, two in pairs if two is not None], axis=0)


def _with_control_points(faces: np.ndarray, means: np.ndarray) -> Template:
    """Chooses the control points by farthest-point sampling along the surface of L3, joins each to its nearest, and
    interpolates their displacements over the vertices in the smoothest (biharmonic) way."""
    vertices = means[2]
    edges = np.unique(np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1), axis=0)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    graph = sparse.coo_matrix((lengths, edges.T), (len(vertices),) * 2).tocsr()
    distance = dijkstra(graph, directed=False)
    points = [int(vertices[:, 1].argmax())]
    nearest = distance[points[0]].copy()
    for _ in range(CONTROL_COUNT - 1):
        points.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, distance[points[-1]])
    neighbours = distance[np.ix_(points, points)].argsort(1)[:, :NEIGHBOUR_COUNT]
    weights = _biharmonic_weights(faces, len(vertices), np.array(points))
    strongest = np.argsort(-np.abs(weights), 1)[:, :WEIGHT_COUNT]
    kept = np.take_along_axis(weights, strongest, 1)
    return Template(
        faces.astype(np.int16),
        means.astype(np.float32),
        np.array(points, np.int16),
        neighbours.astype(np.int16),
        (kept / kept.sum(1, keepdims=True)).astype(np.float16),
        strongest.astype(np.int16),
        sha256="",
    )


def _biharmonic_weights(faces: np.ndarray, count: int, points: np.ndarray, hold: float = 1e3) -> np.ndarray:
    """(count, c): the field of least squared Laplacian that is 1 at one control point and 0 at the others."""
    laplacian = graph_laplacian(faces, count)
    pinned = sparse.coo_matrix((np.full(len(points), hold), (points, points)), (count, count))
    right = np.zeros((count, len(points)))
    right[points, np.arange(len(points))] = hold
    return splu((laplacian.T @ laplacian + pinned).tocsc()).solve(right)


def save_template(template: Template) -> None:
    """Puts a template in the place of the shipped one; weights trained on the old one no longer load."""
    arrays = {key: getattr(template, field) for field, key in KEYS.items()}
    with whole_file(TEMPLATE_FILE) as temporary:
        np.savez_compressed(temporary, **arrays)
    load_template.cache_clear()
