"""What a sampled vertebra is made of: a real CT warped into its shape, or bone drawn from the shape alone.

Either way the edge is not the bone's: the shape itself cuts it, so that every image shows exactly the shape it is
labelled with, however well the CT was registered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import Case
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_region
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.mesh import Mesh

from .bone_texture import drawn_hu
from .ct_scanner import isolated, scan_grid
from .warp import ThinPlateWarp

WARP_POINTS = 200
"""The first so many of the template's control points, which lie farthest apart, carry the warp of a CT."""
WARP_LATTICE_MM = 6.0
SHARPEST = 3.0
"""A CT is blurred by being sampled again, which has to be undone, too."""


@dataclass(frozen=True)
class CtSource:
    """A real vertebra with HU: its CT and mask around it, LPS, and its registered vertices in the same frame, of which
    x is negated when mirrored. Outside the mask the CT repeats what is nearest inside."""

    ct: Volume
    inside: np.ndarray
    vertices: np.ndarray
    mirrored: bool


def load_ct_source(case: Case, label: int, mirrored: bool, vertices: np.ndarray) -> CtSource:
    """The vertebra of a label of a case; vertices (n, 3) as in the shape library."""
    labels = read_vertebrae(case.labels, case.scheme)
    region = labels.cropped(*label_region(labels, label, 3.0))
    hu = read_ct(case.ct).resampled_to(region)
    inside = region.array == label
    if "bone" in case.ct.name:  # where marrow was cut away it holds 0; marrow is near 120 HU
        hu = np.where(hu == 0, 120.0, hu)
    nearest = ndimage.distance_transform_edt(~inside, region.spacing_mm[::-1], False, True)
    return CtSource(Volume(hu[tuple(nearest)].astype(np.float32), region.ijk_to_lps), inside, vertices, mirrored)


def warped_ct(source: CtSource, shape: Mesh, rng: np.random.Generator) -> Volume:
    """Attenuation of a real vertebra warped into the sampled shape, canonical frame, isolated."""
    grid, points = scan_grid(shape, rng), load_template().control_points[:WARP_POINTS]
    warp = ThinPlateWarp(shape.vertices[points], source.vertices[points], 0.1, source.mirrored)
    hu = warp.sampled(source.ct, grid, WARP_LATTICE_MM)
    return isolated(Volume(hu * rng.uniform(0.7, 1.4), grid.ijk_to_lps), shape, rng, SHARPEST)


def drawn_bone(shape: Mesh, rng: np.random.Generator) -> Volume:
    """Attenuation of a sampled shape filled with drawn bone, canonical frame, isolated."""
    return isolated(drawn_hu(shape, scan_grid(shape, rng), rng), shape, rng)


def voxelised(mesh: Mesh, grid: Volume) -> np.ndarray:
    """(k, j, i) bool: which voxel centres of an axis-aligned grid lie inside a closed mesh."""
    return inside_voxels(mesh, grid.ijk_to_lps[:3, 3], grid.spacing_mm, np.zeros(3, int), grid.size_ijk - 1)
