"""Files that are written whole or not at all, whoever writes them and whatever room there is."""

import json
import os
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import tiny
from full_disk import full_disk

from ReVertLib.anatomy.template import baseline_mesh
from ReVertLib.errors import InputError
from ReVertLib.files import utf8_name, whole_file, write_json
from ReVertLib.imaging.image_file import write_image
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.imaging.volume import read_volume
from ReVertLib.mesh.io import read_mesh, write_mesh
from ReVertLib.network.weights import save_weights
from ReVertLib.shape.model import ShapeModel, Widths, save_model


def noise(*shape):
    return sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 60_000, shape).astype(np.uint16))


def picture(path):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure((3, 3))
    FigureCanvasAgg(figure)
    figure.add_axes((0, 0, 1, 1)).imshow(np.random.default_rng(0).random((300, 300)))
    with whole_file(path) as temporary:
        figure.savefig(temporary)


def model(path):
    random = np.random.default_rng(0)
    save_model(ShapeModel(random.random((5, 900, 3)), random.random((9, 900, 3)), Widths(1.0, 1.0, 1.0, 1.0)), path)


CHECKSUM_BYTES = 8
"""Of gzip; without it alone, NRRD is read as ever."""

WRITERS = {
    **{f"a{suffix}": lambda path: write_mesh(baseline_mesh("L3"), path) for suffix in (".stl", ".ply", ".obj", ".vtp")},
    **{name: lambda path: write_image(noise(300, 300), path) for name in ("a.png", "a.tif", "a.nrrd", "a.mha")},
    "a.nii.gz": lambda path: write_image(noise(9, 100, 100), path),
    "a.json": lambda path: write_json(path, list(range(9999))),
    "a.npz": model,
    "a.safetensors": lambda path: save_weights(path, tiny.network(), "template", {}),
    "figure.png": picture,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_the_old_file_and_is_said_in_one_line(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    size = path.stat().st_size
    path.with_name(f"{name}.sha256").unlink(missing_ok=True)
    path.write_text("old")
    for room in (size - 1 - CHECKSUM_BYTES * (name == "a.nrrd"), size // 2, 0):
        with pytest.raises(InputError, match=f"output {name}: expected to be written, got ") as caught, full_disk(room):
            WRITERS[name](path)
        assert "\n" not in str(caught.value)
        assert str(tmp_path) not in str(caught.value)
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == [name]
    with full_disk(size):
        WRITERS[name](path)
    assert path.stat().st_size == size


def test_json_is_read_back(tmp_path):
    write_json(tmp_path / "a.json", {"a": [1, None, "é"]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1, None, "é"]}


def test_an_empty_file_takes_no_place(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    with (
        pytest.raises(InputError, match=r"output a.csv: expected to be written, got an empty file"),
        whole_file(tmp_path / "a.csv") as temporary,
    ):
        temporary.touch()
    assert (tmp_path / "a.csv").read_text() == "old"


def test_a_surface_of_nothing_is_written_and_refused_when_read(tmp_path):
    mesh = baseline_mesh("L3")
    for suffix in (".stl", ".ply", ".obj", ".vtp"):
        write_mesh(type(mesh)(mesh.vertices, mesh.faces[:0]), tmp_path / f"a{suffix}")
        with pytest.raises(InputError, match="expected a surface with triangles, got none"):
            read_mesh(tmp_path / f"a{suffix}")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("suffix", [".png", ".nii.gz"])
def test_images_are_written_and_read_under_names_that_are_not_utf8(tmp_path, suffix):
    path = tmp_path / os.fsdecode(b"w\xe4rbel" + suffix.encode())
    image = noise(9, 50, 50) if suffix == ".nii.gz" else noise(50, 50)
    write_image(image, path)
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(path.name)]
    read = read_volume(path).array if suffix == ".nii.gz" else read_radiograph(path).pixels
    assert np.array_equal(read, sitk.GetArrayFromImage(image))


def test_a_name_in_utf8_stays(tmp_path):
    assert utf8_name(tmp_path / "腰.png") == str(tmp_path / "腰.png")
