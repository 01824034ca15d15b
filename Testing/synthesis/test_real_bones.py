"""Real vertebrae in synthetic patients: they keep their shape and attenuation, and are where their surfaces say."""

import numpy as np
import pytest
from tiny import write_case
from tiny_patients import patient_sampler

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import Case, case_named, find_cases
from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS, VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3
from ReVertLib.metrics.surface import dice
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.synthesis import real_bones as module
from ReVertLib.synthesis.real_bones import RealVertebra, real_vertebrae, sample_patient_around


def block(mesh: Mesh) -> Volume:
    """Attenuation of bone of 700 HU all around a mesh, voxels of 2 mm."""
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = mesh.vertices.min(0) - 2
    size = np.ceil((np.ptp(mesh.vertices, axis=0) + 4) / 2).astype(int)[::-1]
    return attenuation(Volume(np.full(size, 700.0, np.float32), matrix))


@pytest.fixture(scope="module")
def vertebrae():
    """Means, 3 % larger, as if they were a person's, stacked far from the origin."""
    found = {}
    for i, level in enumerate(LEVELS):
        mean = load_template().mean(level)
        mesh = Mesh(1.03 * mean.vertices, mean.faces).moved(RigidTransform.shift([100.0, -50.0, 900.0 - 40 * i]))
        found[VERSE_LABELS[level]] = RealVertebra(mesh, mesh, block(mesh))
    return found


@pytest.fixture(scope="module")
def somebody(vertebrae):
    return sample_patient_around(vertebrae, patient_sampler(), np.random.default_rng(0))


def test_the_bones_are_those_of_the_person_moved_as_a_whole(vertebrae, somebody):
    assert [bone.label for bone in somebody.vertebrae] == list(vertebrae)
    for bone in somebody.vertebrae:
        real, surface = vertebrae[bone.label], somebody.surface_of(bone)
        assert mesh_volume_mm3(surface) == pytest.approx(mesh_volume_mm3(real.surface))
        assert np.abs(surface.vertices - bone.mesh_lps.vertices).max() < 0.1  # the bone is where its surface is
        volume = somebody.volume_of(bone)
        assert volume.array is real.mu.array
        centre = volume.centre_lps
        assert np.linalg.norm(centre - surface.vertices.mean(0)) < 15
    for bone in somebody.bones[:2]:
        assert somebody.surface_of(bone) is not None
        assert bone.label not in somebody.surfaces


def test_neighbours_are_stacked_without_running_through_each_other(somebody):
    first, second = (somebody.surface_of(bone) for bone in somebody.vertebrae[:2])
    assert first.vertices[:, 2].mean() > second.vertices[:, 2].mean() + 20
    assert dice(first, second) < 0.01


def test_a_case_without_all_levels_or_without_a_ct_is_refused(tmp_path):
    write_case(tmp_path / "person", load_template().mean("L2"), "L2")
    case = case_named("person", find_cases(tmp_path))
    with pytest.raises(InputError, match="bones: expected L1 to L5 in the label map of person, got none with label 20"):
        real_vertebrae(case)
    with pytest.raises(InputError, match="bones: expected a CT beside the label map of person, got none"):
        real_vertebrae(Case("person", case.labels, None))
    with pytest.raises(InputError, match="case: expected one of person, got 'nobody'"):
        case_named("nobody", find_cases(tmp_path))


def test_a_vertebra_of_a_ct_is_registered_and_its_bone_is_cut_out(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "VERSE_LABELS", {"L2": 21})
    monkeypatch.setattr(module, "symmetric_means", lambda: load_template().means[1:2].astype(float))
    mesh = load_template().mean("L2")
    write_case(tmp_path / "person", mesh, "L2")
    (real,) = real_vertebrae(find_cases(tmp_path)[0]).values()
    assert dice(real.surface, mesh) > 0.93
    assert dice(real.registered, real.surface) > 0.95
    assert real.mu.array.max() > 0.02
    assert (real.mu.array == 0).mean() > 0.3
