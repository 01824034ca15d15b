"""The sampler of vertebrae on a tiny folder: two people made from the template, one of them with a CT."""

import numpy as np
import pytest
from tiny import assert_vertebra, write_case
from tiny_patients import patient_sampler
from tiny_shape_library import FACES, folder, sampler  # noqa: F401

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3, volume_centroid
from ReVertLib.mesh.self_intersection import self_intersections
from ReVertLib.registration.nonrigid import gaussian
from ReVertLib.synthesis.shapes import load_vertebra_sampler, sample_shape


def test_what_a_sampler_holds(sampler):
    assert [source.mirrored for source in sampler.sources] == [False, True]
    assert sampler.differences.shape == (3, 3000, 3)
    l5_smaller = sampler.differences[2]
    assert np.abs(l5_smaller + 0.05 * sampler.means[4]).max() < 0.5
    source = sampler.sources[0]
    assert source.inside.shape == source.ct.array.shape
    assert source.inside.sum() == pytest.approx(mesh_volume_mm3(Mesh(source.vertices, FACES)), rel=0.03)
    assert source.ct.array[source.inside].min() >= 200.0


def test_thoracic_rows_of_a_library_are_left_out(folder, tmp_path, sampler):
    with np.load(folder / "shapes.npz") as file:
        library = {name: np.concatenate([file[name], file[name][:1]]) for name in file.files}
    library["label"][-1] = 19
    np.savez(tmp_path / "shapes.npz", **library)
    wider = load_vertebra_sampler(folder / "data", tmp_path / "shapes.npz")
    assert (len(wider.differences), len(wider.sources)) == (len(sampler.differences), len(sampler.sources))


def test_without_held_out_people(folder, sampler):
    found = load_vertebra_sampler(folder / "data", folder / "shapes.npz", held_out=("meshes",))
    assert np.array_equal(found.differences, sampler.differences[:2])
    with pytest.raises(InputError, match=r"samples: expected a CT of someone in shapes.npz, got none in"):
        load_vertebra_sampler(folder / "data", folder / "shapes.npz", held_out=("person",))


def test_a_folder_without_ct(folder, tmp_path):
    write_case(tmp_path / "person", load_template().mean("L3"), "L3", spacing_mm=4.0, ct=False)
    with pytest.raises(InputError, match=r"samples: expected a CT of someone in shapes.npz, got none in"):
        load_vertebra_sampler(tmp_path, folder / "shapes.npz")
    with pytest.raises(InputError, match=r"shapes gone.npz: expected an existing file, got none"):
        load_vertebra_sampler(tmp_path, tmp_path / "gone.npz")


def test_shapes_are_vertebrae_that_differ(sampler):
    rng = np.random.default_rng(0)
    shapes = [sample_shape(sampler, level, rng) for level in (0, 1, 2, 3, 4, 2)]
    for shape in shapes:
        assert_vertebra(shape)
        assert len(self_intersections(shape)) == 0
        assert volume_centroid(shape) == pytest.approx([0, 0, 0], abs=1e-6)
    assert not np.array_equal(shapes[2].vertices, shapes[5].vertices)


def test_shapes_differ_by_the_fields_the_scale_and_the_differences_that_are_drawn():
    """What no affine map explains of 40 samples: the two fields, by the trace of their kernels, and one difference,
    0.75 times on the mean, with a deviation of sqrt(0.9^2 / 12 + 0.4^2). Their size: by 5 % and by 3 % along each axis,
    0.16 in the logarithm of the volume, and a little by the fields."""
    vertebrae, means = patient_sampler().vertebrae, patient_sampler().vertebrae.means
    affine = np.column_stack([means[2], np.ones(3000)])
    explained = affine @ np.linalg.pinv(affine)
    (difference,) = vertebrae.differences - explained @ vertebrae.differences
    rng = np.random.default_rng(0)
    shapes = [sample_shape(vertebrae, 2, rng) for _ in range(40)]
    moved = np.stack([shape.vertices - means[2] for shape in shapes])
    moved -= explained @ moved
    times = np.einsum("snd,nd->s", moved, difference) / (difference**2).sum()
    assert times.mean() == pytest.approx(0.75, abs=0.25)
    assert times.std() == pytest.approx(0.48, abs=0.15)
    at = np.s_[::10]
    kernels = gaussian(means[2][at], means[2][at], 30.0) + 0.36 * gaussian(means[2][at], means[2][at], 14.0)
    explained = affine[at] @ np.linalg.pinv(affine[at])
    expected = 3 * np.trace(kernels - explained @ kernels) / len(kernels)
    rest = moved - times[:, None, None] * difference
    assert (rest**2).sum(2).mean() == pytest.approx(expected, rel=0.15)
    volume = [mesh_volume_mm3(shape) for shape in shapes]
    assert np.log(volume).std() == pytest.approx(0.18, abs=0.05)
