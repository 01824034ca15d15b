"""Training samples from a data set: what is stated of every image is what the image shows."""

import shutil

import pytest
import tiny
from log_lines import log_lines

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.build import build_dataset
from ReVertLib.dataset.layout import read_dataset, split_of
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_camera, crop_geometry
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.training import from_dataset as module
from ReVertLib.training.from_dataset import sample_folder
from ReVertLib.training.shards import Shard

TRAINING_NAME = next(f"person{i}" for i in range(100) if split_of(f"person{i}") == "train")
OTHER_NAME = next(f"person{i}" for i in range(100) if split_of(f"person{i}") == "test")


def dataset(folder, resources, name):
    """The clinical views of the sample case under a name of our choice."""
    case = folder / "cases" / name
    case.mkdir(parents=True)
    for file in ("ct.nii.gz", "segmentation.nii.gz"):
        (case / file).symlink_to(resources / "sample" / file)
    build_dataset(folder / "cases", folder / "dataset", "clinical", workers=1)
    return folder / "dataset"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, resources):
    return dataset(tmp_path_factory.mktemp("train"), resources, TRAINING_NAME)


@pytest.fixture(scope="module")
def samples(tmp_path_factory, folder):
    """The folder in which samples of the data set lie, and what was logged."""
    with log_lines() as lines:
        return sample_folder(folder, tmp_path_factory.mktemp("out"), Failures()), lines


@pytest.fixture(scope="module")
def shard(samples):
    return Shard.load(next(samples[0].iterdir()))


def test_the_stated_surface_is_the_true_one(folder, shard):
    item = read_dataset(folder)[0]
    truth = read_mesh(item.mesh)
    for index, (geometry, camera_from_lps) in enumerate(zip(item.geometries, item.camera_from_lps, strict=True)):
        _, camera_from_crop = crop_geometry(geometry)
        in_crop = shard.shapes[0].astype(float) @ shard.rotation[index].T + shard.position_mm[index]
        in_lps = camera_from_lps.inverse.apply(camera_from_crop.apply(in_crop))
        assert surface_metrics(Mesh(in_lps, load_template().faces), truth, samples=5_000).dice > 0.97


def test_the_images_show_the_stated_surface(shard):
    assert shard.images.shape == (5, CROP_SIZE_PX, CROP_SIZE_PX)
    for image, rotation, position in zip(shard.images, shard.rotation, shard.position_mm, strict=True):
        vertices = shard.shapes[0].astype(float) @ rotation.T + position
        stated = tiny.silhouette(vertices, crop_camera(float(position[2])))
        seen = image > 8
        assert (stated & seen).sum() / (stated | seen).sum() > 0.85


def test_training_takes_the_vertebrae_of_training_people(folder, samples, tmp_path, caplog):
    shards, lines = samples
    assert [p.name for p in shards.iterdir()] == [f"shard_{TRAINING_NAME}_segment_22.npz"]
    assert lines == [f"{TRAINING_NAME}_segment_22: 5 samples, 1 of 1 vertebrae"]
    caplog.set_level("INFO", "revert")
    assert sample_folder(folder, shards.parent, Failures()) == shards
    assert sample_folder(shards, tmp_path / "elsewhere", Failures()) == shards
    assert caplog.messages == []


def test_a_vertebra_that_cannot_be_used_is_left_out(folder, tmp_path, monkeypatch, caplog):
    """One without its surface, and one whose second image is found bad only when it is read; before its shape is
    worked out, which here is the mean."""
    fits = []
    monkeypatch.setattr(module, "fitted", lambda mean, mesh: fits.append(mesh) or mean)
    data, good = shutil.copytree(folder, tmp_path / "data"), f"{TRAINING_NAME}_segment_22"
    for label in (21, 23):
        shutil.copytree(data / "DRR" / good, data / "DRR" / f"{TRAINING_NAME}_segment_{label}")
    shutil.copy(data / "Mesh" / f"{good}.stl", data / "Mesh" / f"{TRAINING_NAME}_segment_23.stl")
    image = data / "DRR" / f"{TRAINING_NAME}_segment_23" / "rendering" / "01.png"
    image.write_bytes(image.read_bytes()[:-100])
    failures = Failures()
    shards = sample_folder(data, tmp_path, failures)
    assert [path.name for path in shards.iterdir()] == [f"shard_{good}.npz"]
    assert list(failures.reasons) == [f"{TRAINING_NAME}_segment_{label}" for label in (21, 23)]
    assert len(fits) == 1
    assert "expected Mesh/" in failures.reasons[f"{TRAINING_NAME}_segment_21"]
    assert "image 01.png: expected a whole PNG image" in failures.reasons[f"{TRAINING_NAME}_segment_23"]
    assert sum("is left out: " in line for line in caplog.messages) == 2
    (data / "DRR" / good / "rendering" / "00.png").write_bytes(image.read_bytes())
    with pytest.raises(InputError, match="data set: expected 2 training vertebrae, got none that can be used; not: "):
        sample_folder(data, tmp_path / "none", Failures())


def test_a_data_set_without_training_people_is_refused(tmp_path, resources):
    with pytest.raises(InputError, match="data set: expected vertebrae of training people, got none"):
        sample_folder(dataset(tmp_path, resources, OTHER_NAME), tmp_path, Failures())
