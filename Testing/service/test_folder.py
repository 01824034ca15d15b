"""A folder of radiographs: numbered results, a table, and no name in any of them."""

import csv
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import DISTANCES, dicom
from tiny import CUBE

from ReVertLib.errors import InputError
from ReVertLib.geometry.transform import SimilarityTransform
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.io import read_mesh
from ReVertLib.service.service import Service

SIDECAR = {"sdd_mm": 1000, "sod_mm": 500, "pixel_spacing_mm": [1, 1], "level": "L2", "box_px": [10, 10, 90, 90]}


class OneCube:
    """A predictor that answers with a cube of 10 mm at a depth of 500 mm."""

    weights_sha256, architecture, device = "1" * 64, "template", "cpu"

    def reconstruct(self, pixels, geometry):
        return Reconstruction(CUBE.moved(SimilarityTransform(np.eye(3), [0, 0, 500], 10.0)), geometry, 0.1, ())


@pytest.fixture
def films(tmp_path):
    """A picture with a sidecar, a DICOM image that lacks its depth, one cut off, and what is no image."""
    folder = tmp_path / "films"
    folder.mkdir()
    pixels = np.arange(100 * 120, dtype=np.uint16).reshape(100, 120)
    for name in ("DOE_A.png", "DOE_C.png"):
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(folder / name))
        (folder / name).with_suffix(".json").write_text(json.dumps(SIDECAR))
    (folder / "DOE_C.png").write_bytes((folder / "DOE_C.png").read_bytes()[:200])
    dicom(folder / "DOE_B", Modality="CR", ImagerPixelSpacing=[0.4, 0.4], **DISTANCES)
    (folder / "notes.txt").write_text("DOE")
    return folder


def run(films, output, progress=lambda *_: None, predictor=None):
    service = Service(predictor=predictor or OneCube())
    content = {"folder": str(films), "output": str(output), "unfinished": str(output / "unfinished")}
    return service.answer("folder", content, progress)


def table(output):
    with (output / "table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_image_costs_only_itself_and_is_numbered(films, tmp_path):
    stages, output = [], tmp_path / "out"
    found = run(films, output, lambda *stage: stages.append(stage))
    assert found["done"] == 1
    assert list(found["failed"]) == ["DOE_B", "DOE_C.png"]
    assert sorted(path.name for path in output.iterdir()) == ["0001.html", "0001.stl", "table.csv"]
    assert stages == [(f"Radiograph {number} of 3", number - 1, 3) for number in (1, 2, 3)]
    assert read_mesh(output / "0001.stl").vertices[:, 2].min() == pytest.approx(500)
    first, second, third = table(output)
    assert first["image_sha256"] == hashlib.sha256((films / "DOE_A.png").read_bytes()).hexdigest()[:12]
    assert (first["level"], first["verdict"], first["volume_mm3"], first["sod_mm"]) == ("L2", "check", "1000", "500")
    assert (second["number"], second["verdict"]) == ("2", "not reconstructed")
    assert second["reason"].startswith("geometry: expected sod_mm from a sidecar or DICOM, got none")
    assert third["reason"].startswith("image ...: expected a whole PNG image")


def test_nobody_is_named_in_any_file(films, tmp_path):
    run(films, tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        text = re.sub("base64,[^']*", "", path.read_bytes().decode("latin1"))  # may hold any letters
        assert not any(secret in text + path.name for secret in ("DOE", "Secret", "Anna", "4711", str(tmp_path)))


def test_what_was_finished_when_the_process_was_stopped_is_whole(films, tmp_path):
    """The next image never ends: what there is then stays, and all else is in the folder for unfinished files."""

    class StopsAtTheSecond(OneCube):
        begun = 0

        def reconstruct(self, pixels, geometry):
            self.begun += 1
            if self.begun == 2:
                (tmp_path / "out/unfinished/half").write_text("half")
                raise KeyboardInterrupt
            return super().reconstruct(pixels, geometry)

    (films / "DOE_B").unlink()
    (films / "DOE_D.png").write_bytes((films / "DOE_A.png").read_bytes())
    (films / "DOE_D.json").write_bytes((films / "DOE_A.json").read_bytes())
    with pytest.raises(KeyboardInterrupt):
        run(films, tmp_path / "out", predictor=StopsAtTheSecond())
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["0001.html", "0001.stl", "table.csv", "unfinished"]
    assert [row["verdict"] for row in table(tmp_path / "out")] == ["check"]


@pytest.mark.parametrize(
    ("folder", "message"),
    [("nowhere", "radiographs: expected an existing folder"), (".", "radiographs: expected a folder with images")],
)
def test_a_folder_without_images_is_refused_and_nothing_is_made(tmp_path, folder, message):
    with pytest.raises(InputError, match=message):
        run(tmp_path / folder, tmp_path / "out")
    assert not Path(tmp_path / "out").exists()
