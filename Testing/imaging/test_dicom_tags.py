"""What DICOM tags mean, whoever read them."""

import re

import numpy as np
import pytest
from dicom_files import dicom

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import LayeredGeometry, StatedGeometry
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.dicom import read_dicom_tags
from ReVertLib.imaging.dicom_tags import NUMBER_TAGS, TEXT_TAGS, dicom_facts, shown_facts
from ReVertLib.imaging.orientation import turned_geometry

PATIENT = {"PixelSpacing": "0.4\\0.2"}
TO_PATIENT = {"DistanceSourceToDetector": "1000", "DistanceSourceToPatient": "800"}
MAGNIFIED = {"DistanceSourceToDetector": "1000", "EstimatedRadiographicMagnificationFactor": "1.25"}


def view(**tags) -> tuple:
    found = dicom_facts(tags).view
    return tuple(found.get(angle) for angle in ("yaw_deg", "pitch_deg", "roll_deg"))


def c_arm(primary, secondary, **tags) -> tuple:
    return view(Modality="XA", PositionerPrimaryAngle=primary, PositionerSecondaryAngle=secondary, **tags)


def beam(angles) -> np.ndarray:
    """Where the beam runs, in LPS."""
    return view_rotation(*angles)[2]


def test_text_and_numbers_mean_the_same():
    text = {
        "Modality": "XA",
        "DistanceSourceToDetector": "1000",
        "DistanceSourceToPatient": "800.0 ",
        "ImagerPixelSpacing": "0.4\\0.2",
    }
    numbers = {
        "Modality": "XA",
        "DistanceSourceToDetector": 1000,
        "DistanceSourceToPatient": 800,
        "ImagerPixelSpacing": [0.4, 0.2],
    }
    for tags in (text, numbers):
        stated = dicom_facts(tags).stated
        assert stated.parameters == {"sdd_mm": 1000.0, "sod_mm": 800.0, "pixel_spacing_mm": (0.2, 0.4)}
        assert stated.sources["sdd_mm"] == "DICOM DistanceSourceToDetector (0018,1110)"


def test_nothing_said_is_nothing_known():
    for tags in ({}, dict.fromkeys((*TEXT_TAGS, *NUMBER_TAGS), ""), dict.fromkeys((*TEXT_TAGS, *NUMBER_TAGS))):
        facts = dicom_facts(tags)
        assert (facts.stated, facts.view) == (StatedGeometry(), {})
        assert (facts.bone_dark, facts.mirrored) == (False, False)


@pytest.mark.parametrize("modality", ["XA", "RF"])
def test_the_distance_to_the_isocentre_is_that_of_the_vertebra(modality):
    stated = dicom_facts({"Modality": modality, **TO_PATIENT}).stated
    assert stated.parameters == {"sdd_mm": 1000.0, "sod_mm": 800.0}
    assert (stated.reasons, stated.sod_below_mm) == ({}, None)
    stated = dicom_facts({"Modality": modality, **MAGNIFIED}).stated
    assert stated.parameters == {"sdd_mm": 1000.0, "sod_mm": 800.0}
    assert stated.sources["sod_mm"] == "DICOM EstimatedRadiographicMagnificationFactor (0018,1114)"
    both = {"Modality": modality, **MAGNIFIED, "DistanceSourceToPatient": "700"}
    assert dicom_facts(both).stated.parameters["sod_mm"] == 700
    none = {"Modality": modality, **MAGNIFIED, "EstimatedRadiographicMagnificationFactor": "1"}
    assert dicom_facts(none).stated.parameters == {"sdd_mm": 1000.0}


@pytest.mark.parametrize("modality", ["CR", "DX", "", "OT"])
@pytest.mark.parametrize("tags", [TO_PATIENT, MAGNIFIED], ids=["distance", "magnification"])
def test_the_distance_to_the_table_is_only_an_upper_bound(modality, tags):
    stated = dicom_facts({"Modality": modality, "ImagerPixelSpacing": "0.4\\0.4", **tags}).stated
    assert stated.parameters == {"sdd_mm": 1000.0, "pixel_spacing_mm": (0.4, 0.4)}
    layers = LayeredGeometry().over_stated(stated)
    tag = r"DICOM \w+ \(0018,111[14]\) ends at the table or stand behind the patient"
    with pytest.raises(InputError, match=rf"or --sod, got none; {tag}, so the vertebra is nearer than its 800 mm$"):
        layers.complete((64, 64))
    given = [LayeredGeometry().over({"sod_mm": mm}, "command line").over_stated(stated) for mm in (799, 800)]
    assert given[0].doubts((64, 64)) == []
    (line,) = given[1].doubts((64, 64))
    assert re.fullmatch(rf"sod_mm: expected less than 800 \({tag}\), got 800", line)


def test_a_bound_in_another_unit_is_none():
    in_cm = {"Modality": "DX", "DistanceSourceToDetector": "1000", "DistanceSourceToPatient": "80"}
    assert dicom_facts(in_cm).stated.sod_below_mm is None


def test_a_spacing_in_the_patient_is_magnified_by_the_distances_that_hold():
    stated = dicom_facts({"Modality": "XA", **PATIENT, **TO_PATIENT}).stated
    for options, expected in (
        ({}, 1.25),
        ({"sod_mm": 500}, 2.0),
        ({"sdd_mm": 1600}, 2.0),
        ({"sod_mm": 600, "sdd_mm": 900}, 1.5),
    ):
        layers = LayeredGeometry().over(options, "command line").over_stated(stated)
        assert layers.values["pixel_spacing_mm"] == pytest.approx((0.2 * expected, 0.4 * expected))
        source = f"DICOM PixelSpacing (0028,0030), in the patient's plane, times magnification {expected:g}"
        assert layers.source("pixel_spacing_mm") == source
        assert f"pixel spacing: {source}" in layers.assumptions
    layers = LayeredGeometry().over({"pixel_spacing_mm": (0.3, 0.3)}, "sidecar").over_stated(stated)
    assert layers.source("pixel_spacing_mm") == "sidecar"
    reason = "got none; DICOM PixelSpacing .* is in the patient's plane and the magnification is not known$"
    with pytest.raises(InputError, match=reason):
        LayeredGeometry().over({"sod_mm": 600}, "a").over_stated(dicom_facts(PATIENT).stated).complete((64, 64))


@pytest.mark.parametrize(
    ("primary", "secondary", "towards"),
    [
        (0, 0, [0, -1, 0]),  # the patient faces the detector: the beam leaves through the chest
        (90, 0, [1, 0, 0]),  # LAO: the detector is on the patient's left
        (-90, 0, [-1, 0, 0]),  # RAO
        (180, 0, [0, 1, 0]),  # tube above a supine patient
        (0, 90, [0, 0, 1]),  # cranial
        (0, -90, [0, 0, -1]),
        (90, 30, [np.sqrt(0.75), 0, 0.5]),  # longitude and latitude
    ],
)
def test_the_beam_of_positioner_angles_runs_to_where_the_standard_puts_the_detector(primary, secondary, towards):
    np.testing.assert_allclose(beam(c_arm(str(primary), str(secondary))), towards, atol=1e-12)


def test_angles_are_given_in_the_half_open_circle():
    assert c_arm(0, 0) == (180, 0, 0)
    assert c_arm(-180, 12.5) == (0, 12.5, 0)
    assert c_arm(30, 0) == (-150, 0, 0)


def test_positioner_angles_say_what_they_assume():
    source = dicom_facts({"Modality": "XA", "PositionerPrimaryAngle": "5"}).view_source
    assert source.startswith("DICOM PositionerPrimaryAngle (0018,1510) and PositionerSecondaryAngle (0018,1511)")
    assert source.endswith(", head first supine assumed")
    tags = {"Modality": "XA", "PositionerPrimaryAngle": "5", "PatientPosition": "FFS"}
    assert dicom_facts(tags).view_source.endswith("assumed (the file says FFS)")
    assert "assumed" not in dicom_facts({**tags, "PatientPosition": "HFS"}).view_source


def test_angles_of_a_wall_stand_are_not_those_of_a_c_arm():
    tags = {"Modality": "DX", "PositionerPrimaryAngle": "5", "ViewPosition": "AP"}
    assert view(**tags) == (0, 0, 0)
    assert view(**tags, PositionerType="CARM") == (-175, 0, 0)


@pytest.mark.parametrize(
    ("position", "towards"), [("AP", [0, 1, 0]), ("PA", [0, -1, 0]), ("LL", [1, 0, 0]), ("RL", [-1, 0, 0])]
)
def test_view_position_names_where_the_beam_runs(position, towards):
    """A left lateral has the left side at the detector."""
    facts = dicom_facts({"ViewPosition": position})
    np.testing.assert_allclose(beam(facts.view.values()), towards, atol=1e-12)
    assert facts.view_source == "DICOM ViewPosition (0018,5101)"


@pytest.mark.parametrize("position", ["", "LLO", "nonsense"])
def test_other_positions_say_nothing(position):
    assert dicom_facts({"ViewPosition": position}).view == {}


@pytest.mark.parametrize(
    ("position", "orientation", "expected", "mirrored"),
    [
        ("AP", "L\\F", (0, 0, 0), False),
        ("AP", "R\\H", (0, 0, 180), False),
        ("AP", "F\\R", (0, 0, 90), False),
        ("PA", "R\\F", (180, 0, 0), False),
        ("PA", "L\\F", (0, 0, 0), True),  # as films of a PA beam are hung
        ("AP", "R\\F", (180, 0, 0), True),
        ("LL", "A\\F", (-90, 0, 0), False),
        ("LL", "P\\F", (90, 0, 0), True),
        ("AP", "L", (0, 0, 0), False),
        ("AP", "X\\F", (0, 0, 0), False),
        ("AP", "L\\R", (0, 0, 0), False),
        ("AP", "A\\F", (0, 0, 0), False),  # would be a view from the side
    ],
)
def test_the_picture_as_it_was_stored(position, orientation, expected, mirrored):
    tags = {"ViewPosition": position, "PatientOrientation": orientation}
    assert view(**tags) == expected
    facts = dicom_facts(tags)
    assert facts.mirrored == mirrored
    assert ("mirrored" in facts.view_source) == mirrored


def test_the_camera_that_stands_in_sees_the_stored_axes():
    """A steep oblique of an undertable tube, hung as if one faced the patient."""
    angles = c_arm(-30, 20, PatientOrientation=["LP", "FA"])
    assert angles == (-30, -20, 0)
    straight = c_arm(-30, 20)
    np.testing.assert_allclose(beam(angles), -beam(straight), atol=1e-12)
    assert view_rotation(*angles)[0] @ [1, 0, 0] > 0.8  # columns run to the patient's left


@pytest.mark.parametrize(
    ("tags", "dark", "monochrome1"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, True, True),
        ({"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "INVERSE"}, True, False),
        ({"PhotometricInterpretation": "MONOCHROME2", "PresentationLUTShape": "IDENTITY"}, False, False),
    ],
)
def test_polarity(tags, dark, monochrome1):
    facts = dicom_facts(tags)
    assert (facts.bone_dark, facts.monochrome1) == (dark, monochrome1)


def test_tags_of_a_file(tmp_path):
    path = dicom(tmp_path / "a.dcm", Modality="XA", PositionerPrimaryAngle=10, PatientOrientation=["R", "F"])
    tags = read_dicom_tags(path)
    assert set(tags) == {*TEXT_TAGS, *NUMBER_TAGS}
    assert view(**tags) == (-170, 0, 0)
    assert "Secret" not in repr(tags)


@pytest.mark.parametrize("position", ["AP", "PA", "LL", "RL"])
@pytest.mark.parametrize("right", "LRAP")
@pytest.mark.parametrize("down", "FH")
@pytest.mark.parametrize("upright", [True, False])
def test_the_view_of_the_shown_picture_is_one_whichever_way_it_is_turned(position, right, down, upright):
    """What is stated, for those who turn the picture as it is read, and what the facts of the shown picture say. Where
    the letters do not contradict the beam, feet are down and the patient upright in it."""
    letters = f"{right}\\{down}" if upright else f"{down}\\{right}"
    tags = {"ViewPosition": position, "PatientOrientation": letters}
    facts, shown = dicom_facts(tags), shown_facts(tags)
    turned = turned_geometry(facts.stated, facts.turn)
    assert {angle: turned.parameters[angle] for angle in shown.view} == shown.view
    assert turned.sources["yaw_deg"] == shown.view_source
    assert view_rotation(*shown.view.values())[1] == pytest.approx([0, 0, -1])
