"""Resolving contacts: neighbours of a spine that do not overlap.

Vertebrae sampled one by one do not fit as those of one person do, whose joints have grown together. So a bone first
slides on the one below until it fits as well as it can (`slid_clear`); what still overlaps is pushed back smoothly on
both sides (`contacts_resolved`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.overlap import shared_volume_mm3
from ReVertLib.registration.contact import Surface, pushed_apart

from .vertebra import S1, Bone

SLIDES, MOST_SLIDE_MM = 8, 4.0


def slid_clear(bone: Bone, below: Bone) -> Bone:
    """A bone moved, above all backward, until its joints lie on those of the one below and not inside them; by at most
    MOST_SLIDE_MM."""
    wall, start, slide = Surface(below.mesh_lps), bone.mesh_lps, np.zeros(3)
    for _ in range(SLIDES):
        _, push = Surface(start.moved(RigidTransform.shift(slide))).pushed_by(wall)
        if len(push) == 0:
            break
        slide = slide + push.mean(0)
        slide = slide * min(1, MOST_SLIDE_MM / np.linalg.norm(slide))
    return bone.moved(RigidTransform.shift(slide))


def contacts_resolved(bones: Sequence[Bone], rounds: int = 12) -> tuple[Bone, ...]:
    """The bones, their surfaces pushed back smoothly where they come nearer to a neighbour than a joint's gap. The
    sacrum stays as it is."""
    meshes = [bone.mesh_lps for bone in bones]
    still = {i for i, bone in enumerate(bones) if bone.label == S1}
    return tuple(
        bone if found is mesh else bone.with_vertices(found.vertices)
        for bone, mesh, found in zip(bones, meshes, pushed_apart(meshes, still, rounds), strict=True)
    )


def overlap_mm3(bones: Sequence[Bone]) -> float:
    """The largest volume that two neighbours share."""
    pairs = pairwise([bone.mesh_lps for bone in bones])
    return max((shared_volume_mm3(above, below) for above, below in pairs), default=0.0)
