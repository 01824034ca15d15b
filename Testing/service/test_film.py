"""A film for the module: found when it is asked for, its vertebrae together, and what is refused."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tiny import weights

from ReVertLib.errors import InputError
from ReVertLib.finding.found import Answer, FoundSpine, FoundVertebra, Reading
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue, StatedGeometry
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.mesh.mesh import volume_centroid
from ReVertLib.service import service as service_module
from ReVertLib.service.service import Service
from ReVertLib.spine.film import film_result
from ReVertLib.spine.inputs import Wishes, film_input
from ReVertLib.spine.measurements import film_measurements

BOXES = {"L2": (60.0, 20.0, 140.0, 80.0), "L3": (60.0, 80.0, 140.0, 140.0)}
KNOWN = LayeredGeometry().over({"sdd_mm": 1000, "sod_mm": 700, "pixel_spacing_mm": [1, 1], "yaw_deg": 0}, "entered")
NOTHING = FoundSpine((), (), frozenset(), (), *(Answer(False, 0.9),) * 3, ("no vertebra was found",))


@dataclass
class SeesNothing:
    """A finder that keeps what it was asked."""

    answer: FoundSpine = NOTHING
    asked: list = field(default_factory=list)

    def find(self, *given):
        self.asked.append(given)
        return self.answer


@pytest.fixture
def pixels():
    film = np.zeros((220, 200), np.float32)
    for u0, v0, u1, v1 in BOXES.values():
        film[int(v0) + 4 : int(v1) - 10, int(u0) + 10 : int(u1) - 10] = 1
    return film


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    return Service(weights(tmp_path_factory.mktemp("film"), "context"), "cpu")


def test_the_finder_is_told_what_is_known(pixels):
    finder, told = SeesNothing(), []
    found = Service(predictor=object(), finder=finder).find(pixels, KNOWN, lambda *stage: told.append(stage))
    assert found is NOTHING
    ((seen, *known),) = finder.asked
    assert seen is pixels
    assert known == [1000, (1, 1), 700, (0, 0, 0)]
    assert told == [("Looking for the vertebrae", 1, 2)]


def test_the_finder_is_loaded_once_and_only_when_a_film_is_searched(pixels, monkeypatch):
    made = []
    monkeypatch.setattr(Service, "_new_finder", lambda _self: made.append(SeesNothing()) or made[-1])
    service = Service(predictor=object())
    assert made == []
    service.find(pixels, KNOWN)
    service.find(pixels, KNOWN)
    (finder,) = made
    assert len(finder.asked) == 2


def test_what_is_found_is_looked_at_again_by_the_predictor(service, pixels):
    """As `revert film` does: the same boxes."""
    found = replace(
        NOTHING,
        vertebrae=tuple(
            FoundVertebra(21 + i, np.array([(u0 + u1) / 2, (v0 + v1) / 2]), (u0, v0, u1, v1), np.zeros((4, 2)), 0.9)
            for i, (u0, v0, u1, v1) in enumerate(BOXES.values())
        ),
        readings=(Reading((21, 22), 1.0),),
    )
    predictor = service._loaded()
    again = Service(predictor=predictor, finder=SeesNothing(found)).find(pixels, KNOWN)
    radiograph = radiograph_from_array(pixels, name="film", inverted=False)
    expected = film_result(predictor, film_input(radiograph, KNOWN, Wishes(), SeesNothing(found))).found
    assert [one.box_px for one in again.vertebrae] == [one.box_px for one in expected.vertebrae]
    assert [one.label for one in again.vertebrae] == [21, 22]


def test_missing_weights_of_the_finder_are_named(pixels, monkeypatch, tmp_path):
    from ReVertLib.finding import finder

    monkeypatch.setattr(finder, "FINDER_FILE", tmp_path / "finder.safetensors")
    with pytest.raises(InputError, match=r"weights finder.safetensors: expected an existing file, got none"):
        Service(device="cpu", predictor=object()).find(pixels, KNOWN)


def test_vertebrae_of_a_film_lie_together_with_outline_and_scale(service, pixels):
    answer = service.answer("film", {"pixels": pixels, "known": KNOWN, "boxes": BOXES}, service_module._no_progress)
    assert [one.level for one in answer.result.levels] == ["L2", "L3"]
    assert (answer.result.anchor, answer.result.scale.source) == ("L3", "given")
    upper, lower = (volume_centroid(outcome.reconstruction.mesh) for outcome in answer.outcomes)
    assert lower[2] == pytest.approx(700, abs=1)
    assert lower[1] - upper[1] > 20
    for outcome, (u0, v0, u1, v1) in zip(answer.outcomes, BOXES.values(), strict=True):
        drawn = np.vstack(outcome.outlines_px).mean(0)
        assert (u0 < drawn[0] < u1, v0 < drawn[1] < v1) == (True, True)
    assert any("principal point" in note for note in answer.notes)
    found = answer.outcomes[0].measurements
    assert (found, list(found.discs)) == (film_measurements(answer.result), ["L2/L3"])
    assert [outcome.reconstruction.seen_px for outcome in answer.outcomes] == [(), ()]  # it would fill the messages


def test_a_film_without_distances_takes_the_spacing_in_the_patient_or_the_population(service, pixels):
    bare = service.film(pixels, LayeredGeometry(), BOXES)
    assert bare.result.scale.source == "population"
    stated = StatedGeometry(patient_spacing=SourcedValue((0.7, 0.7), "DICOM PixelSpacing"))
    assert service.film(pixels, LayeredGeometry(stated=stated), BOXES).result.scale.source == "patient's plane"


def test_a_box_off_the_film_is_refused(service, pixels):
    with pytest.raises(InputError, match="box_px: expected the box of L3 on the 200 x 220 film"):
        service.film(pixels, KNOWN, {"L3": (300, 0, 400, 50)})
