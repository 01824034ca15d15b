"""What a crop looks like, by hand; which images are doubted and why; what a reconstruction is worth."""

import json

import numpy as np
import pytest
from imports import unwanted_imports

from ReVertLib.errors import InputError
from ReVertLib.geometry.camera import Geometry
from ReVertLib.inference.results import Reconstruction
from ReVertLib.inference.verdict import (
    REFUSE_MM,
    TRUST_MM,
    UNLIKE,
    WORDS,
    Domain,
    Look,
    Verdict,
    domain_text,
    doubts,
    learned_domain,
    look,
    read_domain,
    verdict,
)
from ReVertLib.mesh.mesh import Mesh

DOMAIN = Domain(Look(10.0, 0.0, 0.0, 0.0), Look(40.0, 0.04, 0.1, 0.02))


def square(side_px=64, size=128):
    """A bright square in the middle of darkness: 64 of 128 pixels of a field of 112 mm are 56 mm."""
    image = np.zeros((size, size), np.float32)
    first = (size - side_px) // 2
    image[first : first + side_px, first : first + side_px] = 0.8
    return image


def test_a_look_by_hand():
    seen = look(square())
    assert seen.bone_cm2 == pytest.approx(5.6**2)
    assert (seen.border, seen.full, seen.noise) == (0.0, 0.0, 0.0)
    frame = np.ones((128, 128))
    frame[4:-4, 4:-4] = 0.0
    seen = look(frame)
    assert seen.border == 1.0
    assert seen.full == pytest.approx((128**2 - 120**2) / 128**2)
    checkers = np.indices((128, 128)).sum(0) % 2 * 0.1
    assert look(checkers).noise == pytest.approx(0.1)
    assert look(checkers).bone_cm2 == 0.0  # 2 x 2 pixels are 0.05


def test_limits_are_the_quantiles():
    """1001 looks of 0, 1, ... 1000: all but one in a thousand lie within 1 and 999."""
    found = learned_domain(Look(float(i), 2.0 * i, 3.0 * i, 4.0 * i) for i in range(1001))
    assert found == Domain(Look(1.0, 2.0, 3.0, 4.0), Look(999.0, 1998.0, 2997.0, 3996.0))


def test_metadata_round_trip():
    assert read_domain({"domain": domain_text(DOMAIN)}) == DOMAIN
    assert read_domain({"licence": "MIT"}) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"lowest": {}, "highest": {}}', json.dumps({"lowest": 3})])
def test_damaged_limits(text):
    with pytest.raises(InputError, match="weights: expected the limits of their training images as JSON"):
        read_domain({"domain": text})


REASONS = {
    "nothing is seen in the box": np.zeros((128, 128)),
    "too small for a lumbar vertebra, 1 cm² where 10 is the least": square(12),
    "too large for a lumbar vertebra, 59 cm² where 40 is the most": square(88),
    "it holds more than one isolated vertebra": square(128),
    "as bright as its brightest place; inverted, or is there metal?": 1.0 - 0.5 * square(),
    "its noise is": np.random.default_rng(0).random((128, 128)),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_doubt_has_its_reason(reason):
    found = doubts(REASONS[reason], 5.0, DOMAIN)
    assert any(reason in line for line in found), found
    assert all(line.startswith(UNLIKE) for line in found)
    assert not any("network" in line for line in found)


def test_what_has_no_name_is_left_to_the_network():
    assert doubts(square(), 0.99, DOMAIN) == ()
    assert doubts(square(), 1.31, DOMAIN) == (
        f"{UNLIKE}the network has seen nothing like it, 1.31 times as far off as it allows",
    )


def said(expected_mm, *warnings):
    geometry = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5))
    expected = None if expected_mm is None else np.array([0.5, 1.5]) * expected_mm
    return Reconstruction(Mesh(np.zeros((2, 3)), np.zeros((0, 3), int)), geometry, 0.1, warnings, expected)


def test_verdicts():
    between = (TRUST_MM + REFUSE_MM) / 2
    words = [verdict(said(mm)).word for mm in (TRUST_MM - 0.01, between, REFUSE_MM + 0.01)]
    assert words == list(WORDS)
    assert verdict(said(0.75)).reason == "the mean error to be expected is 0.8 mm"
    assert verdict(said(0.75)).mean_error_mm == pytest.approx(0.75)
    assert verdict(said(None)) == Verdict("check", "these weights do not say what error to expect", None)


def test_a_doubt_outweighs_what_is_expected():
    doubt = UNLIKE + "it is a hand"
    assert verdict(said(0.5, "no box was given", doubt)) == Verdict("do not use", doubt, pytest.approx(0.5))
    assert verdict(said(None, doubt)).word == "do not use"
    assert verdict(said(0.5, "no box was given")).word == "trust"


def test_a_verdict_needs_neither_torch_nor_scipy(root):
    assert unwanted_imports(root, ["ReVertLib.inference.verdict"], ("torch", "scipy")) == []
