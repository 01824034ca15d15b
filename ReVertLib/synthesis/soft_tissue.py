"""Everything around a spine as attenuation per mm: fat, muscle, organs, gas, discs, ribs, hips, the calcified aorta.

Where the bones of the spine are the body is empty, so that integrals through it and through each bone add up to the
radiograph.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.spatial import ConvexHull

from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh

from .real_abdomen import Abdomen
from .ribs_and_pelvis import Balls, hips, ribs, tube
from .torso import Person, Trunk, cover_of, covered
from .vertebra import Bone, endplate_vertices

FAT, ORGAN, MUSCLE, DISC, GAS, LUNG, CALCIUM = 0.0173, 0.0206, 0.0211, 0.0218, 0.0, 0.0045, 0.055
REAL_SHARE = 0.35


def sampled_body(bones: tuple[Bone, ...], abdomen: Abdomen | None, rng: np.random.Generator) -> tuple[Volume, dict]:
    """A body around a spine, empty where its bones are, and what was drawn, for the record. abdomen: what is bent
    around the spine at times, if there is one."""
    person, real = Person.drawn(rng), abdomen is not None and rng.random() < REAL_SHARE
    trunk = Trunk(bones, person, rng)
    if real:
        trunk.fill(1.0, abdomen.around(bones, trunk.grid, (person.half_width_mm, person.front_mm), rng))
        _gas(trunk)
    else:
        _draw(trunk)
    _discs(trunk)
    for bone in bones:
        part, cover = covered(bone.mesh_lps, trunk.grid)
        trunk.mu[part] *= 1 - cover
    return trunk.grid, {key: round(value, 2) for key, value in vars(person).items()} | {"real_abdomen": real}


def _draw(trunk: Trunk) -> None:
    """The body of somebody nobody knows."""
    trunk.fill(cover_of(trunk.depth), FAT)
    _abdomen(trunk)
    _muscles(trunk)
    _aorta(trunk)
    _gas(trunk)
    _chest(trunk)
    _bones_around(trunk)
    trunk.mu[trunk.depth < -1] = 0


def _abdomen(trunk: Trunk) -> None:
    """The muscular wall, and organs in fat within it; liver, spleen and kidneys."""
    fat, wall = trunk.person.fat_mm, trunk.rng.uniform(8, 18)
    trunk.fill(cover_of(trunk.depth - fat), MUSCLE)
    trunk.fill(cover_of(trunk.depth - fat - wall), FAT)
    share = np.quantile(organs := trunk.field(34.0), trunk.person.belly_fat)
    trunk.fill(cover_of(trunk.depth - fat - wall - 2) * np.clip((organs - share) * 4 + 0.5, 0, 1), ORGAN)
    x, top = trunk.person.half_width_mm, float(trunk.z.max())
    y = float(trunk.spine_y.mean())
    liver = Balls(np.array([[-0.45 * x, y - 60, top - 10], [-0.3 * x, y - 75, top + 5]]), np.array([72.0, 70.0]))
    spleen = Balls(np.array([[0.62 * x, y - 10, top - 30]]), np.array([34.0]))
    way = np.array([[52, 2, -88], [60, 4, -118], [70, 0, -148]])  # down and outward along the psoas
    kidneys = [tube(way * [side, 1, 1] + [0, y, top + trunk.rng.normal(6.5 * side - 1.5, 8)], 26.0) for side in (1, -1)]
    trunk.fill_balls([liver, spleen, *kidneys], MUSCLE)


def _muscles(trunk: Trunk) -> None:
    """Psoas beside the bodies, the erector of the spine beside the processes, the seat below the crests."""
    bulk = trunk.rng.uniform(0.75, 1.2)
    middles = np.stack([bone.matrix[:3, 3] for bone in trunk.bones])
    ends = np.stack([bone.upper_lps[:3, 3] for bone in trunk.bones])
    for side in (1, -1):
        out = np.array([26, 30, 34, 38, 44, 54])[:, None] * [side, 0, 0]
        psoas = ends[2:8] + out - np.array([0, 0, 0, 4, 12, 32])[:, None] * [0, 1, 0]
        low = psoas[-1] + [side * 28, -38, -85]
        trunk.fill_balls([tube(np.vstack([psoas, low]), bulk * np.array([6, 12, 17, 21, 23, 22, 20]))], MUSCLE)
        erector = middles + np.array([side * 27, 36, 0])
        outer = erector + np.array([side * 22, -6, 0])
        trunk.fill_balls([tube(erector[:7], bulk * 23.0), tube(outer[:7], bulk * 18.0)], MUSCLE)
        seat = ends[-1] + np.array([[side * 60, 62, -10], [side * 85, 60, -75], [side * 95, 45, -150]])
        trunk.fill_balls([tube(seat, [18, 36, 42])], MUSCLE)


def _aorta(trunk: Trunk) -> None:
    """The aorta before the spine, a little to the left, to its fork at L4; at times plaques in its wall."""
    bodies = np.stack([(bone.upper_lps[:3, 3] + bone.matrix[:3, 3]) / 2 for bone in trunk.bones[:6]])
    radius = trunk.rng.uniform(8, 12)
    path = bodies + np.array([trunk.rng.uniform(4, 14), -24 - radius, 0])
    part, depth = tube(path, radius).depth_on(trunk.grid)
    trunk.fill(cover_of(depth), ORGAN, part)
    if trunk.rng.random() < 0.3:
        plaque = trunk.field(9.0)[part] > trunk.rng.uniform(0.3, 1.4)
        trunk.fill((np.abs(depth - 1.0) < 1.3) * plaque, trunk.rng.uniform(0.6, 1.0) * CALCIUM, part)


def _gas(trunk: Trunk) -> None:
    """Loops of bowel: some with gas, some with stool, which is both."""
    rng, person = trunk.rng, trunk.person
    stool, folds = np.where(trunk.field(5.0) > 0.6, 0.008, ORGAN), np.minimum(5.0 * trunk.field(14.0), 2.0)
    inside = cover_of(trunk.depth - person.fat_mm - 14)
    for _ in range(int(rng.integers(3, 14))):
        low, high = float(trunk.z.min()) + 70, float(trunk.z.max()) - 50
        start = np.array(
            [
                rng.uniform(-0.75, 0.75) * person.half_width_mm,
                float(trunk.spine_y.mean()) - 45 - rng.uniform(0.1, 0.9) * person.front_mm,
                rng.uniform(low, high),
            ]
        )
        walk = start + np.cumsum(rng.normal(0, 1, (int(rng.integers(2, 9)), 3)) * [16, 7, 14], axis=0)
        part, depth = tube(np.vstack([start, walk]), rng.uniform(5, 17, len(walk) + 1)).depth_on(trunk.grid)
        cover = cover_of(depth + folds[part]) * inside[part]
        trunk.fill(cover, GAS if rng.random() < 0.65 else stool[part], part)


def _chest(trunk: Trunk) -> None:
    """The lungs' lower ends behind and beside the domes of the diaphragm."""
    chest = np.clip((trunk.depth - trunk.person.fat_mm - 16) / 4, 0, 1)
    floor = float(trunk.z.max()) - trunk.rng.uniform(25, 110)
    dome = floor + 85 * np.exp(-(((np.abs(trunk.x) - 60) / 55) ** 2) - ((trunk.y - trunk.spine_y + 55) / 75) ** 2)
    lung = np.clip((trunk.z - dome) / 4, 0, 1) * chest * (np.hypot(trunk.x, trunk.y - trunk.spine_y) > 42)
    trunk.fill(lung, LUNG)


def _bones_around(trunk: Trunk) -> None:
    """Ribs 9 to 12 and the hip bones."""
    rng, person = trunk.rng, trunk.person
    width, depth = person.half_width_mm - person.fat_mm - 8, person.front_mm + 60
    size, density = rng.uniform(0.93, 1.07), rng.uniform(0.75, 1.15)
    t11, t12 = (bone.upper_lps for bone in trunk.bones[:2])
    higher = np.eye(4)
    found = ribs(t12, width, depth, rng.uniform(0.3, 0.65), rng.uniform(60, 95))
    found += ribs(t11, width, depth, rng.uniform(0.7, 1.0), rng.uniform(100, 140))
    for up in (26.0, 52.0):
        higher[2, 3] = up
        found += ribs(t11 @ higher, width, depth, 1.1, rng.uniform(120, 160))
    trunk.bone_balls(found, density)
    trunk.bone_balls(hips(trunk.bones[-1].upper_lps, size, rng.normal(1, 1)), density)


def _discs(trunk: Trunk) -> None:
    """What lies between facing endplates."""
    upper, lower = endplate_vertices()
    for above, below in pairwise(trunk.bones):
        floor = above.mesh_lps.vertices[lower]
        roof = below.mesh_lps.vertices[upper] if below.lower else _shadow(floor, below.upper_lps)
        hull = ConvexHull(points := np.vstack([floor, roof]))
        faces = _outward(points, hull.simplices)
        part, cover = covered(Mesh(points, faces), trunk.grid)
        trunk.fill(cover, DISC, part)


def _shadow(points: np.ndarray, plane_lps: np.ndarray) -> np.ndarray:
    """points (n, 3) dropped on a plane (4, 4)."""
    up = plane_lps[:3, 2]
    return points - ((points - plane_lps[:3, 3]) @ up)[:, None] * up


def _outward(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The triangles of a convex hull, all wound outward."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a - points.mean(0)) < 0
    return np.where(inward[:, None], faces[:, ::-1], faces)
