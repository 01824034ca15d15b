"""The film of the demo: what is written, logged and reported of it, where mean vertebrae lie in the truth's places."""

from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk
from few_points import by_few_points
from log_lines import log_lines

from ReVertLib.anatomy.template import load_template
from ReVertLib.cli import demo_case, demo_film
from ReVertLib.errors import InputError
from ReVertLib.finding.found import SACRUM, Answer, FoundSpine, FoundVertebra, Reading, SeenView
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS, VERSE_LABELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import camera_from_lps, view_rotation
from ReVertLib.imaging.labels import label_centre_lps, label_mesh, read_label_map
from ReVertLib.inference.results import Reconstruction
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.resources import FILM_FOLDER

CAMERA = Geometry(1150.0, 850.0, (0.9, 0.9), (223.5, 255.5))


@dataclass
class InTheTruthsPlace:
    """A finder and a predictor at once. truth: by level, camera frame, mm."""

    truth: dict[str, Mesh]
    weights_sha256: str = "0" * 64

    def find(self, *_known):
        found = tuple(self._found(level) for level in LEVELS)
        seen = (Answer(False, 0.9),) * 3
        readings = (Reading(tuple(VERSE_LABELS.values()), 0.75),)
        return FoundSpine(found, readings, frozenset({SACRUM}), (SeenView(0.0, 0.9),), *seen, ("a warning",))

    def _found(self, level):
        seen = CAMERA.project(self.truth[level].vertices)
        box = tuple(map(float, (*(seen.min(0) - 1), *(seen.max(0) + 2))))
        return FoundVertebra(VERSE_LABELS[level], seen.mean(0), box, np.zeros((4, 2)), 0.9)

    def reconstruct_all(self, _pixels, geometries, draft=False):
        return [self._answer(geometry) for geometry in geometries]

    def _answer(self, geometry):
        pose = RigidTransform(view_rotation(), volume_centroid(self.truth[geometry.level]))
        mesh = load_template().mean(geometry.level).moved(pose)
        return Reconstruction(mesh, geometry, 0.1, (), np.ones(len(mesh.vertices)))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(folder, report, logged lines)."""
    labels = read_label_map(FILM_FOLDER / "segmentation.nii.gz")
    view = camera_from_lps(view_rotation(), label_centre_lps(labels, VERSE_LABELS["L3"]), CAMERA.sod_mm)
    both = InTheTruthsPlace({level: label_mesh(labels, label).moved(view) for level, label in VERSE_LABELS.items()})
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch, log_lines() as lines:
        by_few_points(patch)
        patch.setattr("ReVertLib.mesh.render._OVERSAMPLED", 1)  # nobody looks at edges here
        report = demo_film.reconstruct_film(folder, both, both)
    return folder, report, lines


def test_surfaces_and_a_picture_are_written_and_no_more(demo):
    folder, *_ = demo
    assert sorted(folder.iterdir()) == sorted(demo_film.film_outputs(folder))
    picture = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "film.png")))
    assert picture.shape[:2] == (1060, 1600)
    assert np.ptp(picture[..., :3].reshape(-1, 3), axis=0).min() > 200


def test_surfaces_lie_on_the_truth(demo):
    """The mean vertebra with the truth's centre and the chain's small corrections: 0.6 where it is turned."""
    _folder, report, _lines = demo
    assert list(report["levels"]) == list(LEVELS)
    for ways in report["levels"].values():
        assert ways["as it lies"]["metrics"]["dice"] > 0.5
        assert ways["rigid"]["metrics"]["dice"] > 0.8
        assert ways["rigid"]["baseline"]["dice"] == pytest.approx(ways["rigid"]["metrics"]["dice"], abs=0.05)
    assert set(report["milliseconds"]) == {"find", "reconstruct"}


def test_what_was_found_is_said_with_a_row_for_each_level(demo):
    _folder, report, lines = demo
    assert "L1 90%, L2 90%, L3 90%, L4 90%, L5 90%; these names 75% likely" in "\n".join(lines)
    assert "a warning" in lines
    rows = [line.split() for line in lines if line.split()[:1] and line.split()[0] in LEVELS]
    assert [row[:2] for row in rows] == [[level, "trust"] for level in LEVELS]
    for row, ways in zip(rows, report["levels"].values(), strict=True):
        figures = [ways["as it lies"]["metrics"], ways["rigid"]["metrics"], ways["rigid"]["baseline"]]
        expected = [one[key] for one in figures for key in ("dice", "hd95_mm")]
        assert list(map(float, row[2:])) == pytest.approx(expected, abs=0.01)


def test_weights_that_cannot_take_a_film_leave_it_out(monkeypatch, tmp_path):
    def refused(*_given):
        raise InputError("weights: expected ones whose surfaces are the template's, for a film, got others")

    monkeypatch.setattr(demo_case, "reconstruct_film", refused)
    with log_lines() as lines:
        assert demo_case._film(tmp_path, None, None) is None
    assert lines[0].startswith("the film is left out: weights: expected ones")
