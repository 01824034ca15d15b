"""Real vertebrae set into synthetic patients: L1 to L5 of a person with CT and label map, each moved as a whole, with
the attenuation of its own CT; the other bones and the body around them are synthetic.

So a network is seen to read real bone amid soft tissue where no CT with both may be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import Case, case_named, find_cases
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_mesh, label_region, on_grid_of
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.registration.correspondence import centred, fitted, onto_mean
from ReVertLib.registration.icp import best_motion

from .patient import Patient, PatientSampler, filled, load_patient_sampler
from .soft_tissue import sampled_body
from .spine import sample_vertebrae, stacked
from .thorax import thorax_above
from .vertebra import LABELS, level_of, measured


@dataclass(frozen=True)
class RealVertebra:
    """surface: the true one, of the label map. registered: the template laid over it. mu: attenuation of the bone
    alone. All LPS of the CT."""

    surface: Mesh
    registered: Mesh
    mu: Volume


def real_vertebrae(case: Case) -> dict[int, RealVertebra]:
    """L1 to L5 of a case by VerSe's label. Raises InputError when a level or the CT is missing."""
    if case.ct is None:
        raise InputError(f"bones: expected a CT beside the label map of {case.name}, got none")
    ct = read_ct(case.ct)
    labels = on_grid_of(ct, read_vertebrae(case.labels, case.scheme))
    missing = sorted(set(VERSE_LABELS.values()) - set(np.unique(labels.array).tolist()))
    if missing:
        raise InputError(f"bones: expected L1 to L5 in the label map of {case.name}, got none with label {missing[0]}")
    found, means = {}, symmetric_means()
    for level, label in enumerate(VERSE_LABELS.values()):
        box = label_region(labels, label, 2.0)
        inside, surface = labels.cropped(*box).array == label, label_mesh(labels, label)
        registered = fitted(Mesh(means[level], load_template().faces), surface)
        found[label] = RealVertebra(surface, registered, attenuation(ct.cropped(*box), inside))
    return found


def bones_of(data: Path, name: str | None, scheme: str | None) -> dict[int, RealVertebra] | None:
    """`real_vertebrae` of the case of a name below data, None for no name. Raises InputError when it is not there."""
    return None if name is None else real_vertebrae(case_named(name, find_cases(data, scheme)))


def load_patient_sources(
    data: Path, shapes: Path, model: Path | None, held_out: tuple[str, ...], scheme: str | None, bones: str | None
) -> tuple[dict[int, RealVertebra] | None, PatientSampler]:
    """`bones_of` and `load_patient_sampler` of one folder."""
    return bones_of(data, bones, scheme), load_patient_sampler(data, shapes, model, held_out, scheme)


def sample_patient_around(
    vertebrae: dict[int, RealVertebra], patients: PatientSampler, rng: np.random.Generator, thoracic: int = 0
) -> Patient:
    """A synthetic patient with real vertebrae, by label, without findings or implants. thoracic: as `sample_patient`
    has it."""
    means, shapes = symmetric_means(), sample_vertebrae(patients.vertebrae, rng)
    for i, label in enumerate(LABELS[:-1]):
        if label in vertebrae:
            registered = vertebrae[label].registered
            shapes[i] = centred(Mesh(onto_mean(registered.vertices, means[level_of(label)]), registered.faces))
    sacrum = patients.sacra[rng.integers(len(patients.sacra))]
    bones = stacked(shapes, sacrum, rng)
    volumes, surfaces = list(filled(patients.vertebrae, bones, rng)), {}
    for i, bone in enumerate(bones):
        if bone.label in vertebrae:
            real = vertebrae[bone.label]
            motion = best_motion(real.registered.vertices, bone.mesh_lps.vertices, "rigid")
            volumes[i] = Volume(real.mu.array, motion.matrix @ real.mu.ijk_to_lps)
            surfaces[bone.label] = real.surface.moved(motion)
    thorax = thorax_above(bones[0], volumes[0], rng, thoracic)
    body, size = sampled_body(bones, patients.abdomen, rng, thorax.bones)
    metadata = measured(bones) | size
    return Patient((*thorax.bones, *bones), (*thorax.volumes, *volumes), body, (), metadata, surfaces)
