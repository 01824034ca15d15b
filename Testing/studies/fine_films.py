"""Whole films of new synthetic people, their pixels as small as a film's, for the studies of finding and of scale.

    python Testing/studies/fine_films.py DATA SHAPES.npz OUT [--model MODEL.npz] [--bones CASE] [--seed N] [--count N]

DATA and SHAPES.npz as for `revert simulate --films`; with --bones L1 to L5 are those of a case of DATA in each. Of each
person six films, in OUT/<number>_<view>.npz: AP, PA, both laterals, 40 degrees to either side, each some degrees off.
Pixels of PIXEL_MM at the detector; distances and the place of the spine vary. What a film shows is as sharp as the CTs
that bones are filled from, mostly of slices of 1 to 3 mm. A film that is there is not made again; about 1.5 s each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.template import load_template
from ReVertLib.files import whole_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.geometry.transform import RigidTransform, mapped
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.imaging.grey_values import quantised
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.registration.icp import best_motion
from ReVertLib.synthesis.films import THORACIC, film_marks, sample_film_patient
from ReVertLib.synthesis.patient import Patient, load_patient_sampler
from ReVertLib.synthesis.real_bones import bones_of, sample_patient_around

VIEWS = {"AP": 0.0, "PA": 180.0, "LL": -90.0, "RL": 90.0, "yaw 40": 40.0, "yaw -40": -40.0}
ANGLE_SD_DEG = 6.0, 5.0, 3.0
"""Of yaw, pitch and roll from film to film."""
PIXEL_MM, SIZE_PX = 0.45, (720, 960)
SOD_MM, BEHIND_MM = (700.0, 950.0), (200.0, 350.0)
"""Source to L3, and L3 to the detector."""
PLACE_SD_PX = 40.0, 50.0
L3 = 22


@dataclass(frozen=True)
class FineFilm:
    """pixels: (rows, columns) uint16, bone bright. geometry: sod_mm is the depth of L3's volume centroid, the view is
    the true one. labels: (k,), centres: (k, 2), boxes: (k, 4) px of all vertebrae, also beyond the film. depth_mm:
    (k,) of the centroids, size: (k,) against the mean of the level, both NaN but for L1 to L5. skin_mm: (2,) the depths
    at which the ray through the middle of L3 enters the body and leaves it."""

    name: str
    pixels: np.ndarray
    geometry: Geometry
    labels: np.ndarray
    centres: np.ndarray
    boxes: np.ndarray
    depth_mm: np.ndarray
    size: np.ndarray
    skin_mm: np.ndarray

    @property
    def view(self) -> str:
        """One of VIEWS."""
        return self.name.split("_", 1)[1]

    @property
    def pixel_mm(self) -> float:
        """Of a pixel at L3."""
        return self.pixel_at(self.geometry.sod_mm)

    def pixel_at(self, depth_mm: float) -> float:
        """The size of a pixel at a depth, mm."""
        return PIXEL_MM * depth_mm / self.geometry.sdd_mm

    def is_on_film(self, label: int, edge_px: float = 8.0) -> bool:
        """Whether a vertebra is there and its middle on the film."""
        at = self.centres[self.labels == label]
        return bool(len(at) and (at > edge_px).all() and (at < np.array(SIZE_PX) - 1 - edge_px).all())


def film_of(patient: Patient, name: str, view: str, rng: np.random.Generator) -> FineFilm:
    """The film of a patient from about a view."""
    yaw, pitch, roll = np.array([VIEWS[view], 0.0, 0.0]) + rng.normal(0.0, ANGLE_SD_DEG)
    sod_mm, place = float(rng.uniform(*SOD_MM)), rng.normal((np.array(SIZE_PX) - 1) / 2, PLACE_SD_PX)
    sdd_mm = sod_mm + float(rng.uniform(*BEHIND_MM))
    middle = next(volume_centroid(patient.surface_of(bone)) for bone in patient.bones if bone.label == L3)
    motion = camera_from_lps(view_rotation(yaw, pitch, roll), middle, sod_mm)
    camera = Geometry(sdd_mm, sod_mm, (PIXEL_MM,) * 2, tuple(place), view_deg=(yaw, pitch, roll))
    marks, pixels = film_marks(patient, motion, camera), quantised(patient.image(motion, camera, SIZE_PX), np.uint16)
    depths = np.array([_depth_and_size(patient, i, motion) for i in range(len(patient.bones))])
    skin_mm = _skin_mm(patient, motion, sod_mm)
    return FineFilm(f"{name}_{view}", pixels, camera, marks.labels, marks.centres, marks.boxes, *depths.T, skin_mm)


def _skin_mm(patient: Patient, motion: RigidTransform, sod_mm: float) -> np.ndarray:
    """(2,) depths of the skin along the ray through L3, which is the camera's axis."""
    depth_mm = np.arange(sod_mm - 350.0, sod_mm + 350.0)
    along = motion.inverse.apply(np.stack([0 * depth_mm, 0 * depth_mm, depth_mm], 1))
    body = patient.body
    index = np.rint(mapped(along, np.linalg.inv(body.ijk_to_lps))).astype(int)
    inside = ((index >= 0) & (index < body.array.shape[::-1])).all(1)
    i, j, k = index[inside].T
    return depth_mm[inside][body.array[k, j, i] > 0][[0, -1]]


def _depth_and_size(patient: Patient, index: int, motion: RigidTransform) -> tuple[float, float]:
    bone = patient.bones[index]
    if bone.label not in LEVEL_OF_LABEL:
        return np.nan, np.nan
    mean = load_template().mean(LEVEL_OF_LABEL[bone.label]).vertices
    size = best_motion(mean, bone.mesh_lps.vertices, "similarity").scale
    return float(volume_centroid(patient.surface_of(bone).moved(motion))[2]), size


def saved(film: FineFilm, path: Path) -> None:
    """Writes a film, whole or not at all."""
    camera = film.geometry
    lengths = [camera.sdd_mm, camera.sod_mm, *camera.principal_point_px, *camera.view_deg]
    arrays = {key: value for key, value in vars(film).items() if key not in ("name", "geometry")}
    with whole_file(path) as temporary:
        np.savez_compressed(temporary, lengths=lengths, **arrays)


def loaded(folder: Path) -> Iterator[FineFilm]:
    """The films of a folder, by name."""
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        sdd_mm, sod_mm, u, v, *view = arrays.pop("lengths").tolist()
        yield FineFilm(path.stem, geometry=Geometry(sdd_mm, sod_mm, (PIXEL_MM,) * 2, (u, v), view_deg=view), **arrays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("data", "shapes", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--bones", metavar="CASE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=8, help="of people")
    options = parser.parse_args()
    real = bones_of(options.data, options.bones, None)
    sampler = load_patient_sampler(options.data, options.shapes, options.model)
    options.out.mkdir(parents=True, exist_ok=True)
    for number in range(options.count):
        rng = np.random.default_rng([options.seed, number])
        patient = sample_patient_around(real, sampler, rng, THORACIC) if real else sample_film_patient(sampler, rng)
        for i, view in enumerate(VIEWS):
            path = options.out / f"{number:03d}_{view}.npz"
            if not path.exists():
                saved(film_of(patient, f"{number:03d}", view, np.random.default_rng([options.seed, number, i])), path)


if __name__ == "__main__":
    main()
