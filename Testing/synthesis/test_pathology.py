"""Fractures, osteophytes and transitional vertebrae: where the surface moves, by how much, and that it stays closed."""

import numpy as np
import pytest
from tiny import assert_vertebra

from ReVertLib.anatomy.landmarks import endplate_through, endplate_vertices
from ReVertLib.anatomy.template import load_template
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3
from ReVertLib.mesh.self_intersection import flipped_faces, self_intersections
from ReVertLib.synthesis.pathology import (
    GENANT_LOSS,
    biconcave_fracture,
    spurred,
    transitional,
    wedge_fracture,
    with_pathology,
)

FACES = load_template().faces
UPPER, LOWER = endplate_vertices()


@pytest.fixture
def l3():
    return load_template().mean("L3")


def heights(mesh: Mesh) -> tuple[float, float, float]:
    """Of the body near its middle plane in front, in the middle and behind, mm."""
    rest = load_template().means[2]
    found = []
    for low, high in ((-40, -25), (-18, -12), (-5, 10)):
        top, bottom = (
            at[(rest[at, 1] > low) & (rest[at, 1] < high) & (np.abs(rest[at, 0]) < 7)] for at in (UPPER, LOWER)
        )
        found.append(float(mesh.vertices[top, 2].mean() - mesh.vertices[bottom, 2].mean()))
    return tuple(found)


@pytest.mark.parametrize("loss", [0.2, 0.5])
def test_a_wedge_loses_height_in_front_only(l3, loss):
    front, middle, rear = np.array(heights(wedge_fracture(l3, loss))) / heights(l3)
    assert front == pytest.approx(1 - loss, abs=0.05)
    assert 1 - loss < middle < 1 - 0.3 * loss
    assert rear > 1 - 0.12 * loss - 0.02
    assert np.degrees(endplate_through(wedge_fracture(l3, loss).vertices[UPPER]).rotation[2, 1]) > 5


def test_biconcave_endplates_sink_and_their_rims_stand(l3):
    sunk = biconcave_fracture(l3, 0.4)
    moved = np.abs(sunk.vertices - l3.vertices)[:, 2]
    front, middle, rear = np.array(heights(sunk)) / heights(l3)
    assert middle == pytest.approx(0.6, abs=0.06)
    assert min(front, rear) > middle + 0.15
    assert moved[l3.vertices[:, 1] > 12].max() < 0.05
    rim = np.hypot(l3.vertices[:, 0] / 24, (l3.vertices[:, 1] + 15) / 17) > 1.15
    assert moved[rim].max() < 0.05


def test_spurs_grow_out_of_the_rims(l3):
    grown = spurred(l3, 6, 5.0, np.random.default_rng(0))
    moved = grown.vertices - l3.vertices
    size = np.linalg.norm(moved, axis=1)
    assert 2.0 < size.max() < 5.0 * 1.07
    assert mesh_volume_mm3(grown) > 1.005 * mesh_volume_mm3(l3)
    assert size[l3.vertices[:, 1] > 20].max() < 0.2
    where = l3.vertices[size > 1.0]
    assert ((np.abs(where[:, 2] - 12) < 9) | (np.abs(where[:, 2] + 13) < 9)).all()


@pytest.mark.parametrize("sides", [(True, False), (False, True)])
def test_a_transitional_vertebra_grows_on_the_side_that_is_told(sides):
    l5 = load_template().mean("L5")
    grown = transitional(l5, sides, 1.0)
    moved = np.linalg.norm(grown.vertices - l5.vertices, axis=1)
    side = 1 if sides[0] else -1
    tip = side * l5.vertices[:, 0] > 38
    height = np.ptp(l5.vertices[tip, 2])
    assert np.ptp(grown.vertices[tip, 2]) > 1.6 * height
    assert moved[side * l5.vertices[:, 0] < 15].max() == 0


def test_every_surface_stays_one(l3):
    l5, rng = load_template().mean("L5"), np.random.default_rng(3)
    bent = (
        (l3, wedge_fracture(l3, GENANT_LOSS[3][1])),
        (l3, biconcave_fracture(l3, GENANT_LOSS[3][1])),
        (l3, spurred(l3, 8, 6.0, rng)),
        (l5, transitional(l5, (True, True), 1.0)),
    )
    for rest, mesh in bent:
        assert_vertebra(mesh)
        assert len(self_intersections(mesh)) <= len(self_intersections(rest))
        assert flipped_faces(mesh, rest.vertices).sum() <= 4


def test_the_findings_are_what_changed():
    rest = [load_template().mean("L3")] * 6 + [load_template().mean("L5")]
    seen = set()
    for seed in range(40):
        shapes, findings = with_pathology(rest, np.random.default_rng(seed))
        pairs = zip(("T11", "T12", "L1", "L2", "L3", "L4", "L5"), shapes, rest, strict=True)
        changed = {name for name, bent, straight in pairs if not np.array_equal(bent.vertices, straight.vertices)}
        told = set(findings["fractures"]) | {name for name, count in findings["osteophytes"].items() if count}
        assert changed == told | ({"L5"} if findings["transitional"] else set())
        seen |= {name for name, value in findings.items() if value}
    assert seen == {"fractures", "osteophytes", "transitional"}
