"""The page: everything it has to say is there, nothing it must not say, and it needs no other file."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from tiny import CUBE

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.results import About, Outcome, Reconstruction
from ReVertLib.inference.verdict import Verdict
from ReVertLib.measurement.records import Measurement, Measurements
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.mesh.silhouette import outlines
from ReVertLib.metrics.records import SurfaceMetrics
from ReVertLib.report.measured import SHOWN
from ReVertLib.report.page import NOTICE, Page
from ReVertLib.report.records import Compared, Film, ReportedVertebra

ABOUT = About("ab" * 32, "template", "CPU (2 threads)", {"revert": "0.2.0", "torch": "2.13"})
GEOMETRY = Geometry(1000.0, 700.0, (0.5, 0.25), (39.5, 29.5), "L3", (10.0, 10.0, 70.0, 50.0))
MESH = Mesh((CUBE.vertices - 0.5) * 8 + (0, 0, 700), CUBE.faces)
METRICS = SurfaceMetrics(0.9012, 2.0, 0.7, 0.95, 1.5, 24000.0, 23000.0)
BASELINE = replace(METRICS, dice=0.8771)
VOID = ("meta", "img", "image", "polygon", "br")


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    """What is in them, test_pictures.py looks at."""
    monkeypatch.setattr("ReVertLib.report.pictures.SIDE_PX", 16)


class Tags(HTMLParser):
    """Raises for an element that is not closed where it should be; keeps every text and source."""

    def __init__(self, page):
        super().__init__()
        self.open, self.texts, self.sources = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def vertebra(level="L3", warnings=(), compared=None, word="trust", error_mm=0.7):
    geometry = replace(GEOMETRY, level=level)
    expected = None if error_mm is None else np.full(8, error_mm)
    outcome = Outcome(Reconstruction(MESH, geometry, 0.1, warnings, expected), outlines(MESH, geometry, (80, 60)))
    return ReportedVertebra(outcome, Verdict(word, "the mean error to be expected is 0.7 mm", error_mm), compared)


def film(*vertebrae, view=None, **sources):
    pixels = np.tile(np.arange(80, dtype=np.float32), (60, 1))
    known = {"sdd_mm": "entered", "sod_mm": "sidecar", "pixel_spacing_mm": "DICOM ImagerPixelSpacing (0018,1164)"}
    return Film(pixels, vertebrae or (vertebra(),), known | sources, view or {})


def shown(*films, about=ABOUT):
    page = Page()
    for one in films:
        page.add(one)
    return Tags(page.text(about))


def test_verdict_geometry_with_its_sources_and_weights_are_said():
    found = shown(film(vertebra(word="do not use", warnings=("it is <odd> & dark",))))
    text = "|".join(found.texts)
    for expected in (
        "L3 |do not use",
        "The mean error to be expected is 0.7 mm.",
        "Source to detector, mm|1000|entered",
        "Source to object, mm|700|sidecar",
        "Detector spacing (u, v), mm|0.5, 0.25|DICOM ImagerPixelSpacing (0018,1164)",
        "Principal point (u, v), pixels|39.5, 29.5|assumed",
        "Magnification|1.429",
        "View|not known|not said",
        "Warnings|it is <odd> & dark",
        "ab" * 32,
        "revert 0.2.0, torch 2.13",
        "expected error, mm",
    ):
        assert expected in text
    assert text.count(NOTICE) == 2


def test_a_known_view_and_its_source():
    view = {"yaw_deg": 90.0, "pitch_deg": 0.0, "roll_deg": 0.0}
    assert "View|yaw 90°, pitch 0°, roll 0°|entered" in "|".join(shown(film(view=view, yaw_deg="entered")).texts)


def test_figures_stand_beside_the_baseline():
    compared = Compared("rigid", METRICS, BASELINE, np.linspace(-1, 1, 8), ("two frames?",))
    text = "|".join(shown(film(vertebra(compared=compared))).texts)
    assert "Dice, 0.5 mm grid|0.901|0.877" in text
    assert "from the radiograph, rigid alignment|baseline" in text
    assert "two frames?" in text and "Volume, mm³|24000|24000" in text
    assert "distance to the CT, mm" in text and "expected error, mm" not in text
    alone = shown(film(vertebra(compared=replace(compared, alignment="none", baseline=None))))
    assert "from the radiograph, not aligned" in alone.texts
    assert not any("Baseline" in line for line in alone.texts)


def test_every_vertebra_has_its_outline_and_three_pictures():
    found = shown(film(vertebra("L3"), vertebra(None, error_mm=None)))
    assert len(found.sources) == 7  # the film, and three sides of each
    assert found.texts.count("L3") == 1 and found.texts.count("Vertebra") == 1  # on the film
    assert sum(text.startswith("expected error") for text in found.texts) == 1


def test_it_needs_no_other_file_and_no_script():
    page = Page()
    page.add(film())
    text = page.text(ABOUT)
    assert all(source.startswith("data:image/png;base64,") for source in Tags(text).sources)
    assert not re.search(r"<script|<link|url\(|https?:", text)
    assert "prefers-color-scheme: dark" in text


def test_the_outline_lies_on_the_film_where_the_surface_projects_to():
    """8 mm at 700 mm are 22.9 columns and 45.7 rows, around the principal point."""
    page = Page()
    page.add(film())
    points = re.search(r"points='([^']*)'", page.text(ABOUT)).group(1)
    corners = np.array([point.split(",") for point in points.split()], float) - 0.5
    assert "viewBox='0 0 80 60'" in page.text(ABOUT)  # all of this small film
    assert (corners.min(0) + corners.max(0)) / 2 == pytest.approx([39.5, 29.5], abs=0.1)
    assert np.ptp(corners, axis=0) == pytest.approx([22.99, 45.98], abs=0.4)


def test_what_was_left_out_is_said_and_nobody_has_to_have_computed_anything():
    page = Page()
    page.leave_out("Radiograph 2", "cut off")
    text = Tags(page.text(None)).texts
    assert "Radiograph 2: cut off" in text
    assert "Computed by" not in text


def test_it_is_written_whole_or_not_at_all(tmp_path):
    page = Page()
    page.add(film())
    page.write(tmp_path / "a.html", ABOUT)
    assert (tmp_path / "a.html").read_text(encoding="utf-8") == page.text(ABOUT)
    with pytest.raises(InputError, match=r"output b\.html: expected to be written"):
        page.write(tmp_path / "nowhere" / "b.html", ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["a.html"]


def test_measurements_stand_in_tables_those_that_decide_nothing_in_brackets():
    sure, unsure, unknown = (Measurement("length", 26.04, sd) for sd in (1.2, 2.9, None))
    level = dict.fromkeys(SHOWN, sure) | {"canal depth": unsure, "canal width": unknown}
    found = Measurements({"L3": level}, {"L3/L4": {"slip": sure}}, {"lordosis": Measurement("angle", 41.0, 4.0)})
    text = "|".join(shown(replace(film(), measurements=found)).texts)
    for expected in ("Anterior height|26.0 ± 1.2 mm", "Canal depth|(26.0 ± 2.9 mm)", "Canal width|26.0 mm|"):
        assert expected in text
    assert "Slip|26.0 ± 1.2 mm" in text and "Lordosis|41.0 ± 4.0°" in text
    assert "Measurements" not in "|".join(shown(film()).texts)
