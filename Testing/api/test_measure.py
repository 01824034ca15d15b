"""`revert.measure` on what `revert.film` and `revert.reconstruct` make, and on surfaces."""

import numpy as np
import pytest
from tiny import weights

import ReVertLib as revert
from ReVertLib.anatomy.template import load_template

GEOMETRY = {"sdd_mm": 1000, "sod_mm": 700, "pixel_spacing_mm": (1.0, 1.0)}
BOX = (60, 40, 140, 100)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return weights(tmp_path_factory.mktemp("measure"), "context")


@pytest.fixture(scope="module")
def pixels():
    image = np.zeros((220, 200), np.float32)
    image[50:90, 80:120] = image[120:160, 80:120] = 1.0
    return image


def test_a_reconstruction_is_measured_with_its_errors(network, pixels):
    options = {"view": "AP", "box": BOX, "weights": network, "device": "cpu"}
    result = revert.reconstruct(pixels, GEOMETRY, level="L3", **options)
    found = revert.measure(result).levels["L3"]
    assert "rotation against the beam" in found
    assert (found["canal width"].sd is None) == (result.error_parts is None)
    alone = revert.measure({"L3": result.mesh}).levels["L3"]
    assert alone["canal width"].value == pytest.approx(found["canal width"].value)
    assert alone["canal width"].sd is None
    without = revert.reconstruct(pixels, GEOMETRY, **options)
    with pytest.raises(revert.InputError, match="level: expected one in the geometry"):
        revert.measure(without)


def test_a_film_is_measured(network, pixels):
    boxes = {"L3": BOX, "L4": (60, 110, 140, 170)}
    result = revert.film(pixels, GEOMETRY, view="AP", boxes=boxes, weights=network, device="cpu")
    found = revert.measure(result)
    assert list(found.levels) == ["L3", "L4"] and list(found.discs) == ["L3/L4"]


def test_what_is_no_surface_of_ours_is_refused():
    mesh = load_template().mean("L3")
    assert revert.measure({"L3": (mesh.vertices, mesh.faces)}).levels["L3"]["canal width"].value > 15
    for wrong, text in (
        ({}, "surfaces: expected what film or reconstruct made, or surfaces by level, got none"),
        (mesh, "got a Mesh"),
        ({"L6": mesh}, "level: expected one of L1, L2, L3, L4, L5, got 'L6'"),
        ({"L3": (mesh.vertices[:3], [[0, 1, 2]])}, "surface L3: expected a surface over the template"),
    ):
        with pytest.raises(revert.InputError, match=text):
            revert.measure(wrong)
