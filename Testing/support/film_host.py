"""A whole film in the panel: what is found on it is given, and mean vertebrae answer where the boxes are."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import slicer
import slicer_host
from near_worker import NearWorker
from slicer_host import messages, run_until

from ReVertLib.anatomy.template import load_template
from ReVertLib.finding.found import RIBS, SACRUM, Answer, FoundSpine, FoundVertebra, Reading, SeenView
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.inference.results import Reconstruction

SIZE_PX = (300, 480)
KNOWN = {"sdd_mm": 1000.0, "sod_mm": 800.0, "pixel_spacing_mm": (0.8, 0.8), "yaw_deg": 0.0}
APART_PX, FIRST_PX = 56.0, 60.0
T12 = 19
LABELS = (T12, 20, 21, 22, 23, 24, 26)
"""T12 to the sacrum."""


def centre_px(number):
    """Of the vertebra of a number, counted from T12."""
    return 150.0, FIRST_PX + APART_PX * number


def box_px(number):
    u, v = centre_px(number)
    return u - 60, v - 36, u + 60, v + 36


FOUND = {level: box_px(i + 1) for i, level in enumerate(LEVELS)}


def names_on_film():
    """Every text that is written on the film."""
    nodes = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")
    return sorted(
        node.GetNthControlPointLabel(i)
        for node in nodes
        if not node.GetSaveWithScene()
        for i in range(node.GetNumberOfControlPoints())
    )


def spine(labels=LABELS, others=(), inverted=False, upside_down=False, warnings=()):
    """What is found: vertebrae of these labels from the top of the film. others: (labels, probability) of further
    readings."""
    found = tuple(
        FoundVertebra(label, np.array(centre_px(i)), box_px(i), np.full((4, 2), np.nan), 0.9)
        for i, label in enumerate(labels)
    )
    readings = (Reading(tuple(labels), 1 - sum(p for _, p in others)), *(Reading(*one) for one in others))
    seen = (Answer(inverted, 0.9), Answer(upside_down, 0.9), Answer(False, 0.9))
    return FoundSpine(found, readings, frozenset({RIBS, SACRUM}), (SeenView(0.0, 0.8),), *seen, tuple(warnings))


@dataclass
class GivenFinder:
    """Finds `spine` on every film and keeps what it was asked."""

    spine: FoundSpine = field(default_factory=spine)
    asked: list = field(default_factory=list)

    def find(self, *given):
        self.asked.append(given)
        return self.spine


@dataclass
class MeanPredictor:
    """Answers with the mean of each level, upright before the source where its box is; keeps what it was asked. sides:
    the views that are likely where none is known."""

    weights_sha256: str = "0" * 64
    architecture: str = "mean"
    device: str = "cpu"
    asked: list = field(default_factory=list)
    sides: tuple = ((0.0, 0.0, 0.0),)

    def reconstruct(self, pixels, geometry):
        return self.reconstruct_all(pixels, [geometry])[0]

    def reconstruct_all(self, pixels, geometries, draft=False):
        self.asked.append((pixels, geometries))
        return [self._answer(one) for one in geometries]

    def _answer(self, geometry):
        u0, v0, u1, v1 = geometry.box_px
        centre = geometry.backproject(np.array([[(u0 + u1 - 1) / 2, (v0 + v1 - 1) / 2]]), geometry.sod_mm)[0]
        views = [geometry.view_deg] if geometry.view_deg else self.sides
        found = []
        for view in views:
            mesh = load_template().mean(geometry.level).moved(RigidTransform(view_rotation(*view), centre))
            found.append(
                Reconstruction(mesh, replace(geometry, view_deg=view), 0.1, (), np.ones(len(mesh.vertices)), 0.5)
            )
        if len(found) == 1:
            return replace(found[0], probability=None)
        line = "two views are likely: no view was given: AP was taken, 50% likely; PA is 50% likely"
        return replace(found[0], warnings=(line,), other=found[1])


def film_node(name="film"):
    """A film of a grey ramp whose spacing is not known, with a file of its own in which nothing stands."""
    array = np.tile(np.arange(SIZE_PX[0], dtype=np.int16), (1, SIZE_PX[1], 1))
    return slicer.util.addVolumeFromArray(array, name=name)


@pytest.fixture
def finder():
    return GivenFinder()


@pytest.fixture
def predictor():
    return MeanPredictor()


@pytest.fixture
def panel(predictor, finder, monkeypatch):
    """The panel in a fresh scene, with work done nearby."""
    module = slicer_host.load()
    from ReVertSlicer.panel import panel as panel_module
    from ReVertSlicer.work import packages

    monkeypatch.setattr(packages, "missing", lambda forCt=False: ())
    # Boxes stay where they are found.
    monkeypatch.setattr("ReVertLib.spine.film.seen_again", lambda _predictor, given: given)
    monkeypatch.setattr(panel_module, "Worker", lambda onChange=None: NearWorker(predictor, finder=finder))
    widget = module.ReVertWidget()
    widget.logic = module.ReVertLogic(predictor, finder)
    yield widget
    widget.cleanup()


@pytest.fixture
def film(panel):
    """A selected film of which everything is known."""
    node = film_node()
    panel.logic.setGeometry(node, **KNOWN)
    panel.ui.radiographSelector.setCurrentNode(node)
    return node


def clicked(panel, button):
    """A click on a button of the panel, and the end of the work that it begins."""
    getattr(panel.ui, button).click()
    assert run_until(lambda: not panel.runner.isRunning)
    run_until(lambda: False, 0.1)  # until the panel has looked at what came
    assert [text for kind, text in messages if kind == "error"] == []


def boxes(node):
    """{level: box (u0, v0, u1, v1)} of what lies on a film, rounded."""
    from ReVertSlicer.input import placement

    return {one.level: tuple(round(value) for value in one.boxPx) for one in placement.placements(node)}


def surfaces():
    """{level: model} in the scene."""
    models = slicer.util.getNodesByClass("vtkMRMLModelNode")
    ours = [node for node in models if node.GetAttribute("ReVert.Kind") == "surface"]
    return {node.GetAttribute("ReVert.Level"): node for node in ours}
