"""Films of synthetic patients who have the bones of the person whose CT is registered, and how far a pose is off on
them: what `ct_registration.py` measures with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.projection.drr import DrrView, Scan
from ReVertLib.projection.projector import line_integrals
from ReVertLib.registration.icp import align

CAMERA, SIZE_PX = Geometry(1150.0, 850.0, (0.55, 0.55), (359.5, 419.5)), (720, 840)
VIEWS = {
    "AP": (3.0, -4.0, 2.0),
    "LL": (-88.0, 3.0, -2.0),
    "RL": (91.0, -2.0, 3.0),
    "yaw 30": (28.0, 4.0, 1.0),
    "PA": (182.0, -3.0, 2.0),
    "yaw -30": (-31.0, 2.0, 0.0),
}
GAMMA, NOISE = 0.8, 0.01


@dataclass(frozen=True)
class Seen:
    """A film with its geometry, view told, and where the CT's bones truly are, by level."""

    name: str
    pixels: np.ndarray
    geometry: Geometry
    truth: Mapping[str, RigidTransform]


class Patient:
    """A synthetic patient with the bones of the person whose CT is registered."""

    def __init__(self, folder: Path, surfaces: Mapping[str, Mesh]) -> None:
        self.name, self.ct = folder.name, read_ct(folder / "ct.nii.gz")
        self.labels = read_label_map(folder / "seg.nii.gz")
        own = {level: label_mesh(self.labels, label) for level, label in VERSE_LABELS.items()}
        self._moved = {level: align(surfaces[level], mesh, "rigid") for level, mesh in own.items()}
        self._scan = Scan(self.ct, volume_centroid(own["L3"]))

    def film(self, view: str) -> Seen:
        """All of it from a side, with the noise of that side."""
        drr = self._scan.drr(DrrView(*VIEWS[view]), CAMERA, SIZE_PX)
        truth = {level: drr.camera_from_lps @ motion for level, motion in self._moved.items()}
        return Seen(f"{self.name} {view}", _noisy(drr.pixels, view), drr.geometry, truth)

    def alone(self, seen: Seen, level: str) -> np.ndarray:
        """(rows, columns) one vertebra of a film by itself."""
        mu = attenuation(self.ct, self.labels.array == VERSE_LABELS[level])
        return _noisy(line_integrals(mu, seen.truth[level] @ self._moved[level].inverse, CAMERA, SIZE_PX), level)


def _noisy(pixels: np.ndarray, seed: str) -> np.ndarray:
    shares = (pixels / float(pixels.max())).astype(np.float32) ** GAMMA
    noise = np.random.default_rng(list(seed.encode())).normal(0.0, NOISE, shares.shape)
    return np.clip(60_000 * (shares + noise), 0, 65_535).astype(np.float32)


def off_by(pose: RigidTransform, truth: RigidTransform, centre_lps: np.ndarray) -> dict[str, float]:
    """How far a pose is off: mm across and along the beam, degrees."""
    place, goal = (one.apply(centre_lps[None])[0] for one in (pose, truth))
    ray, apart = goal / np.linalg.norm(goal), place - goal
    along = float(apart @ ray)
    turned = RigidTransform(pose.rotation @ truth.rotation.T, np.zeros(3)).angle_deg
    return {"across_mm": float(np.linalg.norm(apart - along * ray)), "along_mm": along, "turned_deg": turned}


def moved_off(truth: RigidTransform, centre_lps: np.ndarray, size: float, seed: list[int]) -> RigidTransform:
    """The truth shifted by size mm and turned by size degrees about the bone's middle, both anyhow."""
    shift, turn = (axis / np.linalg.norm(axis) for axis in np.random.default_rng(seed).normal(size=(2, 3)))
    place = truth.apply(centre_lps[None])[0]
    rotation = Rotation.from_rotvec(size * turn, degrees=True).as_matrix()
    return RigidTransform.about(place, rotation, place + size * shift) @ truth
