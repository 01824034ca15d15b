"""`revert reconstruct` and the view: from options, the sidecar and DICOM, and two answers where none is given."""

import json

import numpy as np
import pytest
import tiny
import torch
from dicom_files import DISTANCES, dicom

from ReVertLib.__main__ import main
from ReVertLib.api.reconstruct import reconstruct
from ReVertLib.mesh.io import read_mesh
from ReVertLib.network.context_answers import YAWS_DEG
from ReVertLib.network.weights import save_weights

CAMERA = ("--sdd", "1020", "--sod", "600", "--pixel-spacing", "0.98", "--level", "L3", "--quiet", "--device", "cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Of an untrained network that takes AP and PA for about as likely."""
    path, built = tmp_path_factory.mktemp("weights") / "context.safetensors", tiny.network("context")
    with torch.no_grad():
        for parameter in built.to_yaw.parameters():
            parameter.zero_()
        for yaw, logit in ((0, 9.0), (-180, 8.5)):
            built.to_yaw[-1].bias[YAWS_DEG.index(yaw)] = logit
    save_weights(path, built, "context", {})
    return path


@pytest.fixture
def film(tmp_path, resources):
    """The sample radiograph without its sidecar."""
    path = tmp_path / "film.png"
    path.write_bytes((resources / "sample/verse008_L3_ap.png").read_bytes())
    return path


def written(film, weights, *options):
    """The row of the report and the surface."""
    out, report = film.with_name("L3.stl"), film.with_name("report.json")
    assert main(["reconstruct", *map(str, (film, "-o", out, "--weights", weights, "--report", report)), *options]) == 0
    return json.loads(report.read_text())["results"][0], read_mesh(out)


def test_without_a_view_a_second_surface_lies_beside_the_first(film, weights):
    row, first = written(film, weights, *CAMERA)
    second = read_mesh(film.with_name("L3_second.stl"))
    assert row["other"]["mesh"] == "L3_second.stl"
    assert (row["geometry"]["yaw_deg"], row["other"]["geometry"]["yaw_deg"]) == (0.0, -180.0)
    assert row["probability"] > row["other"]["probability"] > 0.3
    depths = [np.median(mesh.vertices[:, 2]) for mesh in (first, second)]
    assert abs(depths[0] - depths[1]) > 5  # turned back to front


@pytest.mark.parametrize(("options", "yaw"), [(("PA",), 180.0), (("LL",), -90.0), (("30", "10"), 30.0)])
def test_a_view_that_is_given_is_taken(film, weights, options, yaw):
    row, mesh = written(film, weights, *CAMERA, "--view", *options)
    assert (row["geometry"]["yaw_deg"], row["probability"], "other" in row) == (yaw, None, False)
    assert not film.with_name("L3_second.stl").exists()
    view = [float(word) for word in options] if options[0] == "30" else options[0]
    same = reconstruct(
        film,
        {"sdd_mm": 1020, "sod_mm": 600, "pixel_spacing_mm": (0.98, 0.98)},
        level="L3",
        view=view,
        weights=weights,
        device="cpu",
    )
    assert np.abs(same.mesh.vertices.mean(0) - mesh.vertices.mean(0)).max() < 0.01
    assert same.geometry.view_deg[0] == yaw
    assert len(same.seen_px) >= 1


def test_the_sidecar_and_dicom_tell_the_view(film, weights, tmp_path):
    film.with_suffix(".json").write_text(json.dumps({"yaw_deg": 90, "pitch_deg": 5}))
    geometry = written(film, weights, *CAMERA)[0]["geometry"]
    assert [geometry[key] for key in ("yaw_deg", "pitch_deg", "roll_deg")] == [90.0, 5.0, 0.0]
    pixels = np.zeros((200, 180), np.uint16)
    pixels[60:140, 50:130] = 900
    stored = dicom(tmp_path / "stored.dcm", pixels, **DISTANCES, ViewPosition="LL", ImagerPixelSpacing=[0.5, 0.5])
    box = ("--box", "50", "60", "130", "140", "--sod", "700", "--level", "L3", "--quiet")
    assert written(stored, weights, *box)[0]["geometry"]["yaw_deg"] == -90.0
