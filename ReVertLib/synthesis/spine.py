"""A synthetic lumbar spine: T11, T12, L1-L5 and a sacrum, stacked endplate on disc on endplate.

The vertebrae of one person resemble each other: each mixes one draw of shape that all share with one of its own. The
chain grows from the sacrum upward. The angle between the upper endplates of neighbours is the drawn lordosis times the
share of that level (of 50.5 +- 11.4 degrees L1-S1, n = 324: Scientific Reports 2022, 12, s41598-022-21840-x, table 2);
the disc takes what the wedge of the vertebral body leaves of it. Disc heights at the middle are 7.9 mm at L1/L2 to 12.0
at L4/L5 and 11.1 at L5/S1 (106 MRI, Nepal; 10.0 to 13.8 and 13.0 in another 14, Iran), degenerate ones less. A coronal
curve tilts the vertebrae to one side and back and turns their bodies to its convex side.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from ReVertLib.anatomy.landmarks import endplate_through
from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import HELD_OUT, find_cases, training_names
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_mesh
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, vertex_normals, volume_centroid
from ReVertLib.mesh.polydata import decimated
from ReVertLib.progress import progress
from ReVertLib.registration.correspondence import centred

from .contacts import slid_clear
from .shapes import VertebraSampler, sample_shape
from .vertebra import LABELS, S1, T11, T12, Bone, level_of, of_label, wedge

SHARED = 0.85
"""The correlation of the shapes of one person's vertebrae."""

DRAWN_AT = (2, 0, 2, 4)
"""The levels that shapes are drawn at, the shared one first."""

SEGMENT_SHARES = np.array([-0.06, -0.03, 0.023, 0.117, 0.181, 0.252, 0.427])
"""Of the lordosis L1-S1, from T11 above T12 to L5 above S1."""

DISC_MM = np.array([5.5, 6.5, 7.9, 9.3, 10.6, 12.0, 11.1])
DISCS = len(DISC_MM)
CURVE_SHARES = np.array([0.0, -0.15, -0.25, -0.35, -0.25, 0.25, 0.25])
"""Of the coronal curve: where the spine leans to its side and where back, so that T12 stands over the sacrum."""

TURN_SHARES = np.array([-0.3, -0.3, -0.3, 0.0, 0.3, 0.3, 0.0])
THORACIC_SIZE = {T11: 0.90, T12: 0.94}
SACRUM_VERTICES = 4000
HALF_DEPTH_MM = 17.0


def load_sacra(data: Path, held_out: Iterable[str] = HELD_OUT, scheme: str | None = None) -> tuple[Bone, ...]:
    """The sacrum of everyone below data who is not held out and whose label map has it under an L5, the middle of its
    endplate at LPS 0. scheme: whose numbers the label maps have. Raises InputError when there is none."""
    found, cases = [], find_cases(data, scheme)
    kept = training_names([case.name for case in cases], held_out)
    for case in progress([case for case in cases if case.name in kept], "sacra"):
        labels = read_vertebrae(case.labels, case.scheme)
        if {S1, VERSE_LABELS["L5"]} <= set(np.unique(labels.array)):
            coarse = Volume(labels.array[::2, ::2, ::2], labels.ijk_to_lps @ np.diag([2, 2, 2, 1]))
            sacrum = decimated(label_mesh(coarse, S1, 1.5), SACRUM_VERTICES)
            upper = _s1_endplate(sacrum, label_mesh(coarse, VERSE_LABELS["L5"]))
            to_endplate = RigidTransform.shift(-upper.translation_mm)
            shape = sacrum.moved(to_endplate)
            found.append(Bone(S1, shape, RigidTransform.identity(), to_endplate @ upper, None))
    if not found:
        raise InputError(f"sacrum: expected a label map with labels 24 and 26, got none in {data.name!r}")
    return tuple(found)


def _s1_endplate(sacrum: Mesh, l5: Mesh) -> RigidTransform:
    """`endplate_through` the part of a sacrum that looks up at the body of L5 a disc away."""
    distance, nearest = cKDTree(l5.vertices).query(sacrum.vertices)
    towards = (l5.vertices[nearest] - sacrum.vertices) / distance[:, None]
    facing = np.einsum("ij,ij->i", towards, vertex_normals(sacrum)) > 0.7
    off = sacrum.vertices - volume_centroid(l5)
    facing &= (distance < 16) & (off[:, 1] < 4) & (np.abs(off[:, 0]) < 20)
    points = sacrum.vertices[facing]
    for _ in range(5):
        plane = endplate_through(points)
        points = points[np.abs((points - plane.translation_mm) @ plane.rotation[:, 2]) < 2.5]
    return endplate_through(points)


def sample_vertebrae(sampler: VertebraSampler, rng: np.random.Generator) -> list[Mesh]:
    """T11 to L5 of one person, canonical frame: each differs from its mean by the same draw of shape, mixed with some
    of three others in shares of its own."""
    shared, *others = (sample_shape(sampler, level, rng).vertices - sampler.means[level] for level in DRAWN_AT)
    shapes = []
    for label in LABELS[:-1]:
        shares = rng.normal(size=len(others))
        own = np.tensordot(shares / np.linalg.norm(shares), others, 1)
        moved = sampler.means[level_of(label)] + np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
        mixed = Mesh(moved, load_template().faces)
        shapes.append(centred(_thoracic(mixed, label) if label in THORACIC_SIZE else mixed))
    return shapes


def _thoracic(l1: Mesh, label: int) -> Mesh:
    """T11 or T12 from an L1: smaller, the transverse processes mere stumps."""
    vertices = THORACIC_SIZE[label] * l1.vertices
    beyond = np.maximum(np.abs(vertices[:, 0]) - 18, 0)
    vertices[:, 0] -= np.sign(vertices[:, 0]) * 0.6 * beyond
    return Mesh(vertices, l1.faces)


def stacked(shapes: Sequence[Mesh], sacrum: Bone, rng: np.random.Generator) -> tuple[Bone, ...]:
    """The chain of T11..L5 on a sacrum, upright, L3's centroid at LPS 0; neighbours may still touch."""
    lordosis = float(np.clip(rng.normal(48, 12), 20, 78))
    cobb = float(np.clip(rng.normal(0, 6), -25, 25))
    angles = np.radians(lordosis * SEGMENT_SHARES + rng.normal(0, 1.5, DISCS))
    tilt = cobb * CURVE_SHARES + rng.normal(0, 0.7, DISCS)
    turn = cobb * TURN_SHARES + rng.normal(0, 0.7, DISCS)
    height, shift_mm = _disc_heights(rng), rng.normal(0, 0.7, (DISCS, 2))
    bones = [sacrum]
    for i in reversed(range(DISCS)):
        bone = of_label(LABELS[i], shapes[i])
        side, back = wedge(bone)
        angle = _disc_angle(angles[i] - back, height[i])
        rotation = rotation_about("z", turn[i]) @ rotation_about("y", tilt[i] - np.degrees(side))
        disc = RigidTransform(rotation @ rotation_about("x", -np.degrees(angle)), np.array([*shift_mm[i], height[i]]))
        bone = replace(bone, lps_from_shape=bones[-1].lps_from_upper @ disc @ bone.shape_from_lower.inverse)
        bones.append(slid_clear(bone, bones[-1]))
    return _upright(bones[::-1], rng)


def _disc_heights(rng: np.random.Generator) -> np.ndarray:
    """(7,) mm: some people have many degenerate discs, most of them low down."""
    height = DISC_MM * np.exp(rng.normal(0, 0.08)) * np.exp(rng.normal(0, 0.1, DISCS))
    worn = rng.random(DISCS) < rng.choice([0.05, 0.3]) * np.array([0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.4])
    return np.clip(np.where(worn, height * rng.uniform(0.35, 0.75, DISCS), height), 3.5, 15.0)


def _disc_angle(wanted: float, height_mm: float) -> float:
    """The angle of a disc, radians, so that its rim stays open."""
    most = np.arcsin(max(height_mm - 2.0, 0.0) / HALF_DEPTH_MM)
    return float(np.clip(wanted, -most / 2, most))


def _upright(bones: Sequence[Bone], rng: np.random.Generator) -> tuple[Bone, ...]:
    """The chain turned so that the line from sacrum to T12 stands nearly straight up, L3's centroid at LPS 0."""
    axis = bones[1].lps_from_upper.translation_mm - bones[-1].lps_from_upper.translation_mm
    back, side = np.arctan2(axis[1], axis[2]), np.arctan2(axis[0], axis[2])
    rotation = rotation_about("x", np.degrees(back) + rng.normal(0, 4))
    rotation = rotation_about("y", -np.degrees(side) + rng.normal(0, 1.5)) @ rotation
    upright = RigidTransform.about(bones[4].lps_from_shape.translation_mm, rotation, np.zeros(3))
    return tuple(bone.moved(upright) for bone in bones)
