"""The scale of a film from whatever is known, and what contradicts it."""

import math

import numpy as np
import pytest

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import LayeredGeometry, SourcedValue, StatedGeometry
from ReVertLib.spine.anatomy_prior import PERSON_SIZE_SD, SIZE
from ReVertLib.spine.scale import (
    GIVEN,
    ISOCENTRE,
    MARKED,
    PATIENT_PLANE,
    POPULATION,
    TILTED,
    Mark,
    ball,
    known_length,
    scaled,
)

LENGTHS = {"sdd_mm": 1200.0, "sod_mm": 900.0, "pixel_spacing_mm": (0.4, 0.4)}
PIXEL_MM = 0.3
"""Of a pixel at the spine, by LENGTHS."""


def layers(*missing, stated=None):
    found = LayeredGeometry().over({key: LENGTHS[key] for key in LENGTHS if key not in missing}, "given")
    return found.over_stated(stated) if stated else found


def boxes(pixel_mm=PIXEL_MM):
    """Of people of the usual size."""
    heights = {
        level: TILTED * np.ptp(load_template().mean(level).vertices[:, 2]) * math.exp(SIZE[level]) / pixel_mm
        for level in ("L2", "L3", "L4")
    }
    return {level: (100.0, 200.0, 300.0, 200.0 + height) for level, height in heights.items()}


def test_given_lengths_are_taken_as_they_are():
    known, scale = scaled(layers(), boxes(), None, False)
    assert known.values == LENGTHS
    assert (scale.source, scale.relative_sd, scale.depth_sd, scale.warnings) == (GIVEN, 0.0, 0.0, ())


def test_the_spine_is_near_the_isocentre_not_in_it():
    _, scale = scaled(layers(), boxes(), None, True)
    assert (scale.source, scale.depth_sd) == (ISOCENTRE, pytest.approx(15 / 900))
    stated = StatedGeometry({"sod_mm": 900.0}, {"sod_mm": "DICOM DistanceSourceToPatient (0018,1111)"})
    assert scaled(layers("sod_mm", stated=stated), boxes(), None, False)[1].source == ISOCENTRE


@pytest.mark.parametrize("missing", ["sod_mm", "pixel_spacing_mm", "sdd_mm"])
@pytest.mark.parametrize(
    ("mark", "source"),
    [(ball(10, 10, 100, 30.0), MARKED), (known_length(0, 0, 60, 80, 30.0), MARKED), (None, POPULATION)],
)
def test_one_length_that_is_missing_follows_from_the_size_of_a_pixel(missing, mark, source):
    known, scale = scaled(layers(missing), boxes(), mark, False)
    assert scale.source == source
    for key, length in LENGTHS.items():
        assert known.values[key] == pytest.approx(length)
    assert known.source(missing).startswith(("a ball", "a length", "the usual size"))
    assert (scale.depth_sd > 0) == (missing == "sod_mm")  # the distance is given otherwise


def test_with_nothing_known_sizes_are_right_and_the_distance_is_open():
    known, scale = scaled(layers(*LENGTHS), boxes(), None, False)
    values = known.values
    assert values["pixel_spacing_mm"][0] * values["sod_mm"] / values["sdd_mm"] == pytest.approx(PIXEL_MM)
    assert PERSON_SIZE_SD < scale.relative_sd < 0.1 < scale.depth_sd
    assert "1150 mm from source to detector assumed" in scale.text


def test_a_mark_is_better_than_the_population_and_a_long_one_better_than_a_short_one():
    long, short, none = (
        scaled(layers("sod_mm"), boxes(), mark, False)[1].relative_sd
        for mark in (Mark("length", 400.0, 120.0), Mark("length", 20.0, 6.0), None)
    )
    assert long == pytest.approx(math.hypot(1 / 400, 30 / (0.78 * 1200)))
    assert long < short < none


def test_a_spacing_in_the_patients_plane_is_a_scale():
    stated = StatedGeometry(patient_spacing=SourcedValue((PIXEL_MM, PIXEL_MM), "DICOM PixelSpacing (0028,0030)"))
    known, scale = scaled(layers("sod_mm", "pixel_spacing_mm", stated=stated), {}, None, False)
    assert scale.source == PATIENT_PLANE
    values = known.values
    assert values["pixel_spacing_mm"][0] * values["sod_mm"] / values["sdd_mm"] == pytest.approx(PIXEL_MM)
    assert "PixelSpacing" in scale.text


def test_a_mark_that_contradicts_the_distances_is_said_and_the_distances_kept():
    known, scale = scaled(layers(), boxes(), ball(0, 0, 100, 36.0), False)
    assert known.values == LENGTHS
    assert scale.warnings == ("the ball that was marked contradicts the distances by +20%",)
    assert scaled(layers(), boxes(), ball(0, 0, 100, 31.0), False)[1].warnings == ()


@pytest.mark.parametrize(("share", "said"), [(1.2, ("+20%",)), (1.05, ())])
def test_tags_that_contradict_each_other_are_said(share, said):
    spacing = SourcedValue((share * PIXEL_MM,) * 2, "DICOM PixelSpacing (0028,0030)")
    known, scale = scaled(layers(stated=StatedGeometry(patient_spacing=spacing)), boxes(), None, False)
    assert known.values == LENGTHS
    lines = tuple(f"{spacing.source}, of the patient's plane, contradicts the distances by {text}" for text in said)
    assert scale.warnings == lines


def test_a_spacing_in_the_patients_plane_beside_both_distances_is_not_exact():
    spacing = SourcedValue((PIXEL_MM,) * 2, "DICOM PixelSpacing (0028,0030)")
    stated = StatedGeometry(patient_spacing=spacing)
    known, scale = scaled(layers("pixel_spacing_mm", stated=stated), boxes(), None, False)
    assert known.values["pixel_spacing_mm"] == pytest.approx(LENGTHS["pixel_spacing_mm"])
    assert (scale.source, scale.relative_sd, scale.depth_sd) == (PATIENT_PLANE, pytest.approx(30 / 900), 0.0)


@pytest.mark.parametrize(("share", "said"), [(1.3, 1), (0.7, 1), (1.15, 0)])
def test_vertebrae_far_from_the_usual_size_contradict_the_distances(share, said):
    known, scale = scaled(layers(), boxes(share * PIXEL_MM), None, False)
    assert known.values == LENGTHS
    line = f"the usual size of lumbar vertebrae contradicts the distances by {share - 1:+.0%}"
    assert scale.warnings == (line,) * said


def test_both_spacings_tell_the_distance_of_the_plane():
    spacing = SourcedValue((PIXEL_MM,) * 2, "DICOM PixelSpacing (0028,0030)")
    known, scale = scaled(layers("sod_mm", stated=StatedGeometry(patient_spacing=spacing)), boxes(), None, False)
    assert known.values["sod_mm"] == pytest.approx(LENGTHS["sod_mm"])
    assert (scale.source, scale.depth_sd) == (PATIENT_PLANE, pytest.approx(30 / (0.78 * 1200)))


def test_a_scale_that_no_system_has_is_refused():
    with pytest.raises(InputError, match=r"expected pixels smaller at the spine than at the detector, got 0\.5 mm"):
        scaled(layers("sod_mm"), boxes(), ball(0, 0, 100, 50.0), False)
    with pytest.raises(InputError, match="ball: expected a size above 0 in pixels and in mm, got 0"):
        ball(0, 0, 0, 25.0)
    with pytest.raises(InputError, match="length: expected a size above 0"):
        known_length(5, 5, 5, 5, 25.0)
