"""`revert register`."""

import json

import numpy as np
import pytest

from ReVertLib.cli.main import main
from ReVertLib.ct_registration import capture
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.resources import SAMPLE_FOLDER

CT, LABELS, AP, LATERAL, OBLIQUE = (
    str(SAMPLE_FOLDER / name)
    for name in (
        "ct.nii.gz",
        "segmentation.nii.gz",
        *(f"verse008_L3_{view}.png" for view in ("ap", "lateral", "oblique")),
    )
)


def test_a_ct_is_laid_into_the_beam_of_an_image_of_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(capture, "OFF", (2,))
    monkeypatch.setattr(capture, "STARTS", 1)
    assert main(["register", CT, LABELS, AP, "-o", str(tmp_path / "out"), "--strict", "--capture-range"]) == 0
    said = capsys.readouterr().out
    assert "L3: accepted: film and CT are alike" in said
    assert "L3: of starts off by so many mm and degrees come back 100% from 2\n" in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    stem = "verse008_L3_ap"
    assert names == {f"{stem}_L3.stl", f"{stem}_L3.tfm", f"{stem}.json", f"{stem}.svg"}
    said = json.loads((tmp_path / "out" / f"{stem}.json").read_text())
    one = said["vertebrae"]["L3"]
    # The sample was computed with the middle of L3 on the principal ray, 600 mm from the source, seen from the front.
    assert one["view"] == pytest.approx({"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0}, abs=0.5)
    assert volume_centroid(read_mesh(tmp_path / "out" / f"{stem}_L3.stl")) == pytest.approx([0, 0, 600], abs=3.0)
    assert one["judgement"]["similarity"] > 0.98
    assert one["capture_range"] == {"2": 1.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([CT, LABELS, AP, LATERAL, OBLIQUE], "images: expected one or two, got 3"),
        ([CT, LABELS, AP, "--pose", "isocentre"], "pose: expected two images with it, got one"),
        ([CT, LABELS, AP, LATERAL, "--pose", "isocentre"], "pose: expected --sod-of isocentre"),
        ([CT, LABELS, AP, "--box", "1", "2", "3", "4"], "box: expected --level and one image with it"),
        ([LABELS, LABELS, AP], "expected Hounsfield units"),
        ([CT, CT, AP], "labels: expected --labels"),
        ([CT, "none.nii.gz", AP], "label map none.nii.gz: expected an existing file"),
        ([CT, LABELS, AP, "--level", "L2"], "CT: expected a vertebra that every film shows, got L3"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["register", *arguments, "-o", "out"]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_function_does_what_the_command_does_with_two_views():
    """The second one tells the distance, which was said wrongly by 15 mm; and that a pose is wrong."""
    import ReVertLib as revert

    def said(view: str) -> dict:
        return json.loads((SAMPLE_FOLDER / f"verse008_L3_{view}.json").read_text())

    wrong = said("ap") | {"sod_mm": 615.0}
    second_from_first = np.array([[0, 0, 1, -600], [0, 1, 0, 0], [-1, 0, 0, 600], [0, 0, 0, 1.0]])
    views = {"second": LATERAL, "second_geometry": said("lateral")}
    (one,) = revert.register(CT, LABELS, AP, wrong, **views, pose=second_from_first).vertebrae
    assert one.judgement.word == "accepted"
    assert volume_centroid(one.mesh) == pytest.approx([0, 0, 600], abs=0.5)
    from_the_other_side = np.array([[0, 0, -1, 600], [0, 1, 0, 0], [1, 0, 0, 600], [0, 0, 0, 1.0]])
    (refused,) = revert.register(CT, LABELS, AP, wrong, **views, pose=from_the_other_side).vertebrae
    assert refused.judgement.word == "refused"
    assert "contradict each other" in refused.judgement.reason
