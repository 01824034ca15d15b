"""The training world on a tiny folder: two people made from the template, one of them with a CT."""

import numpy as np
import pytest
from tiny import assert_vertebra, deformed, write_case

from ReVertLib.crossings import crossing_faces
from ReVertLib.errors import InputError
from ReVertLib.means import mended_means
from ReVertLib.mesh import Mesh, mesh_volume_mm3, volume_centroid
from ReVertLib.shapes import fitted, mirror
from ReVertLib.template import load_template
from ReVertLib.world import load_world, sample_shape

FACES = load_template().faces
OFFSET_MM = np.array([60.0, -30.0, 250.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """data/person with CT and label map of a bent L3, and a library in which it stands twice, beside one L5."""
    root = tmp_path_factory.mktemp("world")
    person = deformed(load_template().mean("L3")).moved(np.eye(3), OFFSET_MM)
    write_case(root / "data" / "person", person, "L3", spacing_mm=1.0)
    mirrored = fitted(load_template().mean("L3"), mirror(person))
    rows = [person.vertices, mirrored.vertices, 0.95 * mended_means()[4]]
    np.savez(
        root / "shapes.npz",
        vertices=np.array(rows, np.float32),
        case=np.array(["person", "person", "meshes"]),
        label=np.array([22, 22, 24]),
        mirrored=np.array([False, True, False]),
    )
    return root


@pytest.fixture(scope="module")
def world(folder):
    return load_world(folder / "data", folder / "shapes.npz")


def test_what_a_world_holds(world):
    assert [source.mirrored for source in world.sources] == [False, True]
    assert world.differences.shape == (3, 3000, 3)
    l5_smaller = world.differences[2]
    assert np.abs(l5_smaller + 0.05 * world.means[4]).max() < 0.5
    source = world.sources[0]
    assert source.inside.shape == source.ct.array.shape
    assert source.inside.sum() == pytest.approx(mesh_volume_mm3(Mesh(source.vertices, FACES)), rel=0.03)
    assert source.ct.array[source.inside].min() >= 200.0


def test_thoracic_rows_of_a_library_are_left_out(folder, tmp_path, world):
    with np.load(folder / "shapes.npz") as file:
        library = {name: np.concatenate([file[name], file[name][:1]]) for name in file.files}
    library["label"][-1] = 19
    np.savez(tmp_path / "shapes.npz", **library)
    wider = load_world(folder / "data", tmp_path / "shapes.npz")
    assert (len(wider.differences), len(wider.sources)) == (len(world.differences), len(world.sources))


def test_a_folder_without_ct(folder, tmp_path):
    write_case(tmp_path / "person", load_template().mean("L3"), "L3", spacing_mm=4.0, ct=False)
    with pytest.raises(InputError, match=r"world: expected a CT of someone in shapes.npz, got none in"):
        load_world(tmp_path, folder / "shapes.npz")
    with pytest.raises(InputError, match=r"shapes gone.npz: expected an existing file, got none"):
        load_world(tmp_path, tmp_path / "gone.npz")


def test_shapes_are_vertebrae_that_differ(world):
    rng = np.random.default_rng(0)
    shapes = [sample_shape(world, level, rng) for level in (0, 1, 2, 3, 4, 2)]
    for shape in shapes:
        assert_vertebra(shape)
        assert len(crossing_faces(shape)) == 0
        assert volume_centroid(shape) == pytest.approx([0, 0, 0], abs=1e-6)
    distance = np.linalg.norm(shapes[2].vertices - shapes[5].vertices, axis=1).mean()
    assert 1.0 < distance < 12.0
