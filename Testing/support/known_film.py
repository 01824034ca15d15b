"""A film whose vertebrae are known: a network that reads each rightly at whatever distance it is told."""

from dataclasses import replace

import numpy as np
from straight_spine import SOD_MM, seen_at

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.inference.results import Reconstruction
from ReVertLib.spine.records import Asked
from ReVertLib.spine.scale import GIVEN, Scale

FILM = Geometry(1150.0, SOD_MM, (0.9, 0.9), (255.5, 255.5), view_deg=(0.0, 0.0, 0.0))
EXACT = Scale(GIVEN, 0.0, 0.0, "distances and spacing")
PIXELS = np.zeros((512, 512), np.float32)


class Reader:
    """Answers with the true vertebrae of a spine, by level, as they look at the distance that it is told, from
    view_deg."""

    def __init__(self, spine):
        self.spine, self.asked, self.drafts, self.view_deg = spine, [], [], (0.0, 0.0, 0.0)

    def reconstruct_all(self, pixels, geometries, draft=False):
        self.asked.append(geometries)
        self.drafts.append(draft)
        error_mm = np.full(3000, 1.0)
        meshes = [seen_at(self.spine[geometry.level], geometry.sod_mm) for geometry in geometries]
        seen = [replace(geometry, view_deg=self.view_deg) for geometry in geometries]
        return [Reconstruction(mesh, g, 0.1, (), error_mm) for mesh, g in zip(meshes, seen, strict=True)]


def asked_for(spine, levels=LEVELS, film=FILM):
    found = {}
    for level in levels:
        seen = film.project(spine[level].vertices)
        box = (*seen.min(0).tolist(), *seen.max(0).tolist())
        found[level] = Asked(replace(film, level=level, box_px=box), film.view_deg is not None)
    return found
