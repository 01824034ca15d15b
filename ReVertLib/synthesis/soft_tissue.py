"""Everything around a spine as attenuation per mm: fat, muscle, organs, gas, discs, ribs, hips, the calcified aorta.

Where the bones of the spine are the body is empty, so that integrals through it and through each bone add up to the
radiograph.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.spatial import ConvexHull

from ReVertLib.anatomy.landmarks import endplate_vertices
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh

from .real_abdomen import Abdomen
from .ribs_and_pelvis import Spheres, hips, ribs, tube
from .torso import BodySize, Torso, cover_of, covered
from .vertebra import Bone

FAT, ORGAN, MUSCLE, DISC, GAS, LUNG, CALCIUM = 0.0173, 0.0206, 0.0211, 0.0218, 0.0, 0.0045, 0.055
REAL_SHARE = 0.35
LAST_RIBS = {"usual": (0.3, 0.65), "stump": (0.08, 0.18), "none": (0.0, 0.0)}
"""How far the lowest ribs run around the chest, 1 to its side: of 85, 12 and 3 people in a hundred."""


def sampled_body(
    bones: tuple[Bone, ...], abdomen: Abdomen | None, rng: np.random.Generator, thorax: tuple[Bone, ...] = ()
) -> tuple[Volume, dict]:
    """The torso around a spine, zero where its bones are, and the sampled parameters, for the metadata. bones: T11 to
    the sacrum. abdomen: the real CT that is warped around the spine in a share REAL_SHARE of the patients, if there is
    one. thorax: vertebrae above, cranial first; the abdomen's CT does not reach so high, so it is not used then."""
    size, real = BodySize.sampled(rng), abdomen is not None and not thorax and rng.random() < REAL_SHARE
    torso, about = Torso(bones, size, rng, thorax), {}
    if real:
        torso.fill(1.0, abdomen.around(bones, torso.grid, (size.half_width_mm, size.front_mm), rng))
        _gas(torso)
    else:
        about = _draw(torso)
    _discs(torso)
    for bone in (*thorax, *bones):
        part, cover = covered(bone.mesh_lps, torso.grid)
        torso.mu[part] *= 1 - cover
    return torso.grid, {key: round(value, 2) for key, value in vars(size).items()} | {"real_abdomen": real} | about


def _draw(torso: Torso) -> dict:
    """A torso of drawn tissues only, without any real CT; and what is unusual in it, for the metadata."""
    torso.fill(cover_of(torso.depth), FAT)
    _abdomen(torso)
    _muscles(torso)
    _aorta(torso)
    _gas(torso)
    _chest(torso)
    about = _bones_around(torso)
    torso.mu[torso.depth < -1] = 0
    return about


def _abdomen(torso: Torso) -> None:
    """The muscular wall, and organs in fat within it; liver, spleen and kidneys."""
    fat, wall = torso.size.fat_mm, torso.rng.uniform(8, 18)
    torso.fill(cover_of(torso.depth - fat), MUSCLE)
    torso.fill(cover_of(torso.depth - fat - wall), FAT)
    share = np.quantile(organs := torso.field(34.0), torso.size.belly_fat)
    torso.fill(cover_of(torso.depth - fat - wall - 2) * np.clip((organs - share) * 4 + 0.5, 0, 1), ORGAN)
    x, top = torso.size.half_width_mm, torso.top
    y = float(torso.spine_y.mean())
    liver = Spheres(np.array([[-0.45 * x, y - 60, top - 10], [-0.3 * x, y - 75, top + 5]]), np.array([72.0, 70.0]))
    spleen = Spheres(np.array([[0.62 * x, y - 10, top - 30]]), np.array([34.0]))
    way = np.array([[52, 2, -88], [60, 4, -118], [70, 0, -148]])  # down and outward along the psoas
    kidneys = [tube(way * [side, 1, 1] + [0, y, top + torso.rng.normal(6.5 * side - 1.5, 8)], 26.0) for side in (1, -1)]
    torso.fill_spheres([liver, spleen, *kidneys], MUSCLE)


def _muscles(torso: Torso) -> None:
    """Psoas beside the bodies, the erector of the spine beside the processes, the seat below the crests."""
    bulk = torso.rng.uniform(0.75, 1.2)
    middles = np.stack([bone.lps_from_shape.translation_mm for bone in torso.bones])
    ends = np.stack([bone.lps_from_upper.translation_mm for bone in torso.bones])
    for side in (1, -1):
        out = np.array([26, 30, 34, 38, 44, 54])[:, None] * [side, 0, 0]
        psoas = ends[2:8] + out - np.array([0, 0, 0, 4, 12, 32])[:, None] * [0, 1, 0]
        low = psoas[-1] + [side * 28, -38, -85]
        torso.fill_spheres([tube(np.vstack([psoas, low]), bulk * np.array([6, 12, 17, 21, 23, 22, 20]))], MUSCLE)
        erector = middles + np.array([side * 27, 36, 0])
        outer = erector + np.array([side * 22, -6, 0])
        torso.fill_spheres([tube(erector[:7], bulk * 23.0), tube(outer[:7], bulk * 18.0)], MUSCLE)
        seat = ends[-1] + np.array([[side * 60, 62, -10], [side * 85, 60, -75], [side * 95, 45, -150]])
        torso.fill_spheres([tube(seat, [18, 36, 42])], MUSCLE)


def _aorta(torso: Torso) -> None:
    """The aorta before the spine, a little to the left, to its fork at L4; at times plaques in its wall."""
    parts = ((bone.lps_from_upper, bone.lps_from_shape) for bone in torso.bones[:6])
    bodies = np.stack([(upper.translation_mm + centre.translation_mm) / 2 for upper, centre in parts])
    radius = torso.rng.uniform(8, 12)
    path = bodies + np.array([torso.rng.uniform(4, 14), -24 - radius, 0])
    part, depth = tube(path, radius).depth_on(torso.grid)
    torso.fill(cover_of(depth), ORGAN, part)
    if torso.rng.random() < 0.3:
        plaque = torso.field(9.0)[part] > torso.rng.uniform(0.3, 1.4)
        torso.fill((np.abs(depth - 1.0) < 1.3) * plaque, torso.rng.uniform(0.6, 1.0) * CALCIUM, part)


def _gas(torso: Torso) -> None:
    """Loops of bowel: some with gas, some with stool, which is both."""
    rng, size = torso.rng, torso.size
    stool, folds = np.where(torso.field(5.0) > 0.6, 0.008, ORGAN), np.minimum(5.0 * torso.field(14.0), 2.0)
    inside = cover_of(torso.depth - size.fat_mm - 14)
    for _ in range(int(rng.integers(3, 14))):
        low, high = float(torso.z.min()) + 70, torso.top - 50
        start = np.array(
            [
                rng.uniform(-0.75, 0.75) * size.half_width_mm,
                float(torso.spine_y.mean()) - 45 - rng.uniform(0.1, 0.9) * size.front_mm,
                rng.uniform(low, high),
            ]
        )
        walk = start + np.cumsum(rng.normal(0, 1, (int(rng.integers(2, 9)), 3)) * [16, 7, 14], axis=0)
        part, depth = tube(np.vstack([start, walk]), rng.uniform(5, 17, len(walk) + 1)).depth_on(torso.grid)
        cover = cover_of(depth + folds[part]) * inside[part]
        torso.fill(cover, GAS if rng.random() < 0.65 else stool[part], part)


def _chest(torso: Torso) -> None:
    """The lungs' lower ends behind and beside the domes of the diaphragm."""
    chest = np.clip((torso.depth - torso.size.fat_mm - 16) / 4, 0, 1)
    floor = torso.top - torso.rng.uniform(25, 110)
    dome = floor + 85 * np.exp(-(((np.abs(torso.x) - 60) / 55) ** 2) - ((torso.y - torso.spine_y + 55) / 75) ** 2)
    lung = np.clip((torso.z - dome) / 4, 0, 1) * chest * (np.hypot(torso.x, torso.y - torso.spine_y) > 42)
    torso.fill(lung, LUNG)
    if torso.thorax:
        x, y = 0.5 * torso.size.half_width_mm, float(torso.spine_y.mean())
        way = np.array([[0.5 * x, -70, 62], [0.15 * x, -62, 110], [0, -55, 170]])
        heart = tube(way + np.array([0, y, floor]), torso.rng.uniform(0.85, 1.2) * np.array([48.0, 46.0, 26.0]))
        torso.fill_spheres([heart], ORGAN)


def _bones_around(torso: Torso) -> dict:
    """Ribs, of each vertebra that is there and of two above, and the hip bones; where the torso has a thorax, the
    lowest pair may be short or missing. Returns "last_ribs" then, which of "usual", "stump" and "none"."""
    rng, body = torso.rng, torso.size
    width, depth = body.half_width_mm - body.fat_mm - 8, body.front_mm + 60
    size, density = rng.uniform(0.93, 1.07), rng.uniform(0.75, 1.15)
    t11, t12 = (bone.lps_from_upper for bone in torso.bones[:2])
    kind = _last_ribs(rng) if torso.thorax else "usual"
    reach, found = rng.uniform(*LAST_RIBS[kind]), []
    if kind != "none":
        found += ribs(t12, width, depth, reach, rng.uniform(60, 95) * min(reach / 0.3, 1))
    found += ribs(t11, width, depth, rng.uniform(0.7, 1.0), rng.uniform(100, 140))
    highest = torso.thorax[0].lps_from_upper if torso.thorax else t11
    above = [bone.lps_from_upper for bone in torso.thorax]
    for frame in (*above, *(highest @ RigidTransform.shift([0.0, 0.0, up]) for up in (26.0, 52.0))):
        found += ribs(frame, width, depth, 1.1, rng.uniform(120, 160))
    torso.fill_bones(found, density)
    torso.fill_bones(hips(torso.bones[-1].lps_from_upper, size, rng.normal(1, 1)), density)
    return {"last_ribs": kind} if torso.thorax else {}


def _last_ribs(rng: np.random.Generator) -> str:
    return str(rng.choice(list(LAST_RIBS), p=(0.85, 0.12, 0.03)))


def _discs(torso: Torso) -> None:
    """What lies between facing endplates."""
    upper, lower = endplate_vertices()
    for above, below in pairwise(torso.bones):
        floor = above.mesh_lps.vertices[lower]
        roof = below.mesh_lps.vertices[upper] if below.shape_from_lower else _shadow(floor, below.lps_from_upper)
        hull = ConvexHull(points := np.vstack([floor, roof]))
        faces = _outward(points, hull.simplices)
        part, cover = covered(Mesh(points, faces), torso.grid)
        torso.fill(cover, DISC, part)


def _shadow(points: np.ndarray, plane: RigidTransform) -> np.ndarray:
    """points (n, 3) dropped on the plane of an endplate."""
    up = plane.rotation[:, 2]
    return points - ((points - plane.translation_mm) @ up)[:, None] * up


def _outward(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """The triangles of a convex hull, all wound outward."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), a - points.mean(0)) < 0
    return np.where(inward[:, None], faces[:, ::-1], faces)
