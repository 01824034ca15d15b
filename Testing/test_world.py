"""The training world on a tiny folder: two people made from the template, one of them with a CT."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from tiny import assert_vertebra, crop_camera, deformed, silhouette, write_case

from ReVertLib import world as module
from ReVertLib.errors import InputError
from ReVertLib.mesh import Mesh, mesh_volume_mm3, volume_centroid
from ReVertLib.shapes import fitted, mirror
from ReVertLib.template import load_template
from ReVertLib.world import build_world, load_world, make_shard, sample_shape

FACES = load_template().faces
OFFSET_MM = np.array([60.0, -30.0, 250.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """data/person with CT and label map of a bent L3, and a library in which it stands twice, beside one L5."""
    root = tmp_path_factory.mktemp("world")
    person = deformed(load_template().mean("L3")).moved(np.eye(3), OFFSET_MM)
    write_case(root / "data" / "person", person, "L3", spacing_mm=1.0)
    mirrored = fitted(load_template().mean("L3"), mirror(person))
    rows = [person.vertices, mirrored.vertices, 0.95 * load_template().means[4]]
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


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(module, "VOLUMES_PER_SHARD", 2)
    monkeypatch.setattr(module, "VIEWS_PER_VOLUME", 2)


def test_what_a_world_holds(world):
    assert [source.mirrored for source in world.sources] == [False, True]
    assert world.differences.shape == (3, 3000, 3)
    l5_smaller = world.differences[2]
    assert np.abs(l5_smaller + 0.05 * load_template().means[4]).max() < 0.5
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
        assert volume_centroid(shape) == pytest.approx([0, 0, 0], abs=1e-6)
    distance = np.linalg.norm(shapes[2].vertices - shapes[5].vertices, axis=1).mean()
    assert 1.0 < distance < 12.0


def test_views_are_rotations_and_mostly_near_ap_and_lateral():
    rng = np.random.default_rng(0)
    views = np.stack([module.sample_view(rng) for _ in range(400)])
    assert np.abs(views @ views.transpose(0, 2, 1) - np.eye(3)).max() < 1e-12
    assert np.linalg.det(views) == pytest.approx(np.ones(400))
    upright = views[:, 1, 2] < -np.cos(np.radians(35))  # image rows run to the patient's feet
    assert 0.8 < upright.mean() < 0.97


def test_positions_centre_the_image_to_within_a_hand_drawn_box():
    rng = np.random.default_rng(0)
    camera = module.crop_camera(600.0)
    vertices = load_template().means[2].astype(float) @ module.sample_view(rng).T
    off = []
    for _ in range(200):
        seen = camera.project(vertices + module.sample_position(vertices, 600.0, camera, rng))
        off.append((seen.min(0) + seen.max(0)) / 2 - 63.5)
    assert np.abs(np.mean(off, 0)).max() < 0.6
    assert np.std(off, 0) == pytest.approx([2.5, 2.5], rel=0.15)


def test_the_camera_is_that_of_every_crop():
    for sod_mm in (450.0, 700.0):
        assert np.allclose(module.crop_camera(sod_mm).matrix, crop_camera(sod_mm).matrix)


def test_a_shard_depends_on_seed_and_number_alone(world, small):
    first = make_shard(world, 5, 7)
    torch.manual_seed(99), np.random.seed(99)
    again = make_shard(world, 5, 7)
    assert {name: (a.shape, a.dtype.name) for name, a in first.items()} == {
        "images": ((4, 128, 128), "uint8"),
        "level": ((4,), "int64"),
        "shape_index": ((4,), "int64"),
        "rotation": ((4, 3, 3), "float32"),
        "position_mm": ((4, 3), "float32"),
        "shapes": ((2, 3000, 3), "float16"),
    }
    for name in first:
        assert np.array_equal(first[name], again[name])
    for other in (make_shard(world, 5, 8), make_shard(world, 6, 7)):
        assert not np.array_equal(first["shapes"], other["shapes"])
        assert not np.array_equal(first["images"], other["images"])


def test_images_show_what_the_labels_say(world, monkeypatch):
    made = []
    for name in ("warped_ct", "drawn_bone"):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, name=name, real=real: made.append(name) or real(*a))
    monkeypatch.setattr(module, "VOLUMES_PER_SHARD", 6)
    monkeypatch.setattr(module, "VIEWS_PER_VOLUME", 2)
    shard = make_shard(world, 0, 0)
    assert set(made) == {"warped_ct", "drawn_bone"}
    assert shard["shape_index"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    for shape in shard["shapes"]:
        assert_vertebra(Mesh(shape, FACES))
    for i, image in enumerate(shard["images"]):
        rotation, position = shard["rotation"][i].astype(float), shard["position_mm"][i].astype(float)
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-6
        vertices = shard["shapes"][shard["shape_index"][i]].astype(float) @ rotation.T + position
        seen = silhouette(vertices, crop_camera(float(position[2])))
        assert (seen & (image > 0)).sum() / (seen | (image > 0)).sum() > 0.85, made[i // 2]
        assert image.max() == 255


def test_the_silhouette_tells_a_wrong_pose(world, small):
    """The test above can fail: two turns of 180 degrees, and the image taken in a mirror, are told apart."""
    shard = make_shard(world, 0, 0)
    for image, rotation, position, index in zip(
        *(shard[n] for n in ("images", "rotation", "position_mm", "shape_index")), strict=True
    ):
        shape, camera = shard["shapes"][index].astype(float), crop_camera(float(position[2]))
        for wrong in (Rotation.from_euler("x", 180, degrees=True).as_matrix(), np.diag([1.0, -1.0, 1.0])):
            seen = silhouette(shape @ wrong.T @ rotation.T + position, camera)
            assert (seen & (image > 0)).sum() / (seen | (image > 0)).sum() < 0.85


def test_a_stopped_build_goes_on_and_whole_shards_stay(folder, tmp_path, small, monkeypatch):
    lines, numbers, real = [], [], make_shard

    def stopping(world, seed, number):
        if number == 2 and not numbers.count(2):
            numbers.append(number)
            raise KeyboardInterrupt
        numbers.append(number)
        return real(world, seed, number)

    monkeypatch.setattr(module, "make_shard", stopping)
    arguments = (folder / "data", folder / "shapes.npz", tmp_path / "out" / "shards", range(4), 0, lines.append)
    with pytest.raises(KeyboardInterrupt):
        build_world(*arguments)
    names = [f"shard_0000{i}.npz" for i in range(4)]
    assert sorted(p.name for p in (tmp_path / "out" / "shards").iterdir()) == names[:2]
    build_world(*arguments)
    assert numbers == [0, 1, 2, 2, 3]
    assert sorted(p.name for p in (tmp_path / "out" / "shards").iterdir()) == names
    assert [line.split(":")[0] for line in lines] == names
    assert lines[0].endswith("samples/s")


def test_a_place_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="output: expected a folder that can be made, got"):
        build_world(folder / "data", folder / "shapes.npz", tmp_path / "file", range(1), 0, print)
