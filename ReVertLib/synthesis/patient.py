"""A whole person to be X-rayed: spine, what its bones are made of, the body around them, and at times metal.

Line integrals add up, so each bone, the body and each piece of metal is a volume or a cylinder of its own, and one view
gives the radiograph together with what belongs to whom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.projection.projector import Projector

from .bone import drawn_bone, warped_ct
from .contacts import apart, overlap_mm3
from .implants import Cylinder, cemented, needle, screws_and_rods
from .pathology import afflicted
from .real_abdomen import Abdomen, load_abdomen
from .shapes import World, load_world
from .soft_tissue import sampled_body
from .spine import load_sacra, sample_vertebrae, stacked
from .vertebra import S1, Bone, measured

SEEN = 1e-3
"""A ray that loses less than this in a bone misses it."""

MOST_OVERLAP_MM3 = 2.0
LOOSE_SACRUM = 0.8
WHITE = 1.15
"""Where a film is all white, as a share of the densest there is without metal."""


@dataclass(frozen=True)
class Population:
    """What scenes are drawn from: a world of vertebrae, sacra, and an abdomen if there is one."""

    world: World
    sacra: tuple[Bone, ...]
    abdomen: Abdomen | None = None


def load_population(data: Path, shapes: Path, model: Path | None = None) -> Population:
    """As `world.load_world`; raises InputError, too, when nobody in the data has a sacrum."""
    return Population(load_world(data, shapes, model), load_sacra(data), load_abdomen(data))


@dataclass(frozen=True)
class Seen:
    """One bone in a view. mask: (rows, columns) bool, where it is. box_px: as `geometry.Geometry`'s, None when it is
    not in the image. rotation (3, 3), position_mm (3,): camera point = rotation @ canonical + position. mesh: camera
    frame."""

    label: int
    mask: np.ndarray
    box_px: tuple[float, float, float, float] | None
    rotation: np.ndarray
    position_mm: np.ndarray
    mesh: Mesh


@dataclass(frozen=True)
class View:
    """image: (rows, columns), the integral of attenuation along each ray. bones: T11 to the sacrum."""

    image: np.ndarray
    bones: tuple[Seen, ...]


@dataclass(frozen=True)
class Scene:
    """bones: T11, T12, L1..L5, sacrum, and volumes, what each is made of, LPS. body: the rest of the person. metal: at
    times. about: what was drawn."""

    bones: tuple[Bone, ...]
    volumes: tuple[Volume, ...]
    body: Volume
    metal: tuple[Cylinder, ...]
    about: dict

    @property
    def vertebrae(self) -> tuple[Bone, ...]:
        """L1..L5."""
        return tuple(bone for bone in self.bones if bone.label in LEVEL_OF_LABEL)

    @cached_property
    def _projectors(self) -> tuple[Projector, ...]:
        return tuple(Projector(volume) for volume in self.volumes)

    @cached_property
    def _body_projector(self) -> Projector:
        return Projector(self.body)

    def image(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
        """(rows, columns) the radiograph of everything: the integral of attenuation along each ray. What metal adds
        ends where a film is all white."""
        alone = (projector.line_integrals(camera_from_lps, geometry, size_px) for projector in self._projectors)
        return self._with_metal(sum(alone, self._around(camera_from_lps, geometry, size_px)), camera_from_lps, geometry)

    def view(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> View:
        """The radiograph of everything, and where each bone of the spine is in it."""
        total, seen = self._around(camera_from_lps, geometry, size_px), []
        for bone, projector in zip(self.bones, self._projectors, strict=True):
            alone = projector.line_integrals(camera_from_lps, geometry, size_px)
            total = total + alone
            seen.append(_seen(bone, alone > SEEN, camera_from_lps))
        return View(self._with_metal(total, camera_from_lps, geometry), tuple(seen))

    def _around(self, camera_from_lps: RigidTransform, geometry: Geometry, size_px: tuple[int, int]) -> np.ndarray:
        return self._body_projector.line_integrals(camera_from_lps, geometry, size_px)

    def _with_metal(self, image: np.ndarray, camera_from_lps: RigidTransform, geometry: Geometry) -> np.ndarray:
        most = WHITE * image.max()
        for part in self.metal:
            image = image + part.line_integrals(camera_from_lps, geometry, image.shape[::-1])
        return np.minimum(image, most)


def _seen(bone: Bone, mask: np.ndarray, camera_from_lps: RigidTransform) -> Seen:
    rows, columns = (np.nonzero(mask.any(axis))[0] for axis in (1, 0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) if len(rows) else None
    matrix = camera_from_lps.matrix @ bone.matrix
    mesh = bone.shape.moved(RigidTransform.from_matrix(matrix))
    return Seen(bone.label, mask, box and tuple(map(float, box)), matrix[:3, :3], matrix[:3, 3], mesh)


def sample_scene(people: Population, rng: np.random.Generator) -> Scene:
    """A person nobody knows. A spine whose bones still run through each other after all is drawn anew."""
    bones, about = _sampled_bones(people, rng)
    while overlap_mm3(bones) > MOST_OVERLAP_MM3:
        bones, about = _sampled_bones(people, rng)
    volumes = _filled(people.world, bones, rng)
    body, person = sampled_body(bones, people.abdomen, rng)
    volumes, metal, implants = _operated(bones, volumes, rng)
    return Scene(bones, volumes, body, metal, measured(bones) | about | person | implants)


def _sampled_bones(people: Population, rng: np.random.Generator) -> tuple[tuple[Bone, ...], dict]:
    shapes, about = afflicted(sample_vertebrae(people.world, rng), rng)
    sacrum = people.sacra[rng.integers(len(people.sacra))]
    return apart(stacked(shapes, sacrum, rng)), about


def _filled(world: World, bones: tuple[Bone, ...], rng: np.random.Generator) -> tuple[Volume, ...]:
    """What the bones are made of, LPS: of one person, either all from one real CT or all drawn with the same state of
    the random numbers, so that they are equally dense."""
    real = rng.random() < 0.5
    source, seed = world.sources[rng.integers(len(world.sources))], int(rng.integers(2**32))
    volumes = []
    for bone in bones:
        own = np.random.default_rng(seed)
        filled = warped_ct(source, bone.shape, own) if real and bone.label != S1 else drawn_bone(bone.shape, own)
        mu = LOOSE_SACRUM * filled.array if bone.label == S1 else filled.array
        volumes.append(Volume(mu, bone.matrix @ filled.ijk_to_lps))
    return tuple(volumes)


def _operated(
    bones: tuple[Bone, ...], volumes: tuple[Volume, ...], rng: np.random.Generator
) -> tuple[tuple[Volume, ...], tuple[Cylinder, ...], dict]:
    """The volumes with cement in one or two vertebrae of one person of twenty, the metal, screws and rods in one of
    eight, needles in one of ten; and what there is."""
    metal, filled = [], list(volumes)
    about: dict = {"screws": [], "needles": 0, "cement": []}
    lumbar = [i for i, bone in enumerate(bones) if bone.label in LEVEL_OF_LABEL]
    if rng.random() < 0.05:
        for i in rng.choice(lumbar, rng.integers(1, 3), replace=False):
            filled[i] = cemented(filled[i], bones[i], rng)
            about["cement"].append(LEVEL_OF_LABEL[bones[i].label])
    if rng.random() < 0.12:
        first, count = int(rng.integers(0, 4)), int(rng.integers(2, 5))
        fixed = tuple(bones[i] for i in lumbar[first : first + count])
        metal += screws_and_rods(fixed, rng)
        about["screws"] = [LEVEL_OF_LABEL[bone.label] for bone in fixed]
    if rng.random() < 0.1:
        about["needles"] = int(rng.integers(1, 3))
        metal += [needle(bones[rng.choice(lumbar)], rng) for _ in range(about["needles"])]
    return tuple(filled), tuple(metal), about
