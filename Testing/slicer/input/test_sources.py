"""Who says what of a radiograph: the user, a sidecar, DICOM, the volume's header, in this order."""

import json
import sys

import numpy as np
import PIL.Image
import pytest
import SimpleITK
import slicer
import slicer_host
from dicom_files import DISTANCES, dicom, group
from scene_host import reopened
from scene_nodes import LENGTHS, radiograph_node

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import SourcedValue
from ReVertLib.imaging.dicom_tags import NUMBER_TAGS, TEXT_TAGS
from ReVertLib.imaging.orientation import turned


@pytest.fixture
def sources():
    slicer_host.load()
    from ReVertSlicer.input import sources

    return sources


class Database:
    """slicer.dicomDatabase, with one image: tags by keyword. asked: how often for a value."""

    def __init__(self, file, tags):
        self.file, self.asked = file, 0
        self.values = {(TEXT_TAGS | NUMBER_TAGS | {"SOPClassUID": "0008,0016"})[k]: v for k, v in tags.items()}

    def fileForInstance(self, uid):
        return self.file if uid == "1.2.3" else ""

    def fileValue(self, file, tag):
        assert file == self.file
        self.asked += 1
        return self.values.get(tag, "")


@pytest.fixture
def database(monkeypatch, tmp_path):
    """Fills Slicer's database with one image."""

    def fill(file=str(tmp_path / "in the database"), **tags):
        monkeypatch.setattr(slicer, "dicomDatabase", Database(file, tags), raising=False)
        return slicer.dicomDatabase

    return fill


def dicom_node(uids="1.2.3", **options):
    node = radiograph_node(**options)
    node.SetAttribute("DICOM.instanceUIDs", uids)
    return node


def stored_node(path, **options):
    """A node that was read from a file."""
    node = radiograph_node(**options)
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(path))
    node.SetAndObserveStorageNodeID(storage.GetID())
    return node


def values(found):
    return found.geometry.values


def modified_events(node):
    """A list that grows with every ModifiedEvent of the node."""
    events = []
    node.AddObserver("ModifiedEvent", lambda *_: events.append(1))
    return events


def test_what_is_entered_is_kept_on_the_node(sources):
    node = radiograph_node()
    events = modified_events(node)
    sources.enter(node, sdd_mm=1000, pixel_spacing_mm=0.2, yaw_deg=-90, bone_dark=True)
    assert len(events) == 1
    assert sources.entered(node) == {
        "sdd_mm": 1000,
        "pixel_spacing_mm": (0.2, 0.2),
        "yaw_deg": -90,
        "bone_dark": True,
    }
    sources.enter(node, sdd_mm=1000)
    assert len(events) == 1  # nothing new
    sources.enter(node, sdd_mm=None, pixel_spacing_mm=[0.2, 0.3], bone_dark=None)
    assert sources.entered(node) == {"pixel_spacing_mm": (0.2, 0.3), "yaw_deg": -90}
    sources.enter(node, pixel_spacing_mm=None, yaw_deg=None)
    assert sources.entered(node) == {}
    assert node.GetAttribute("ReVert.Entered") is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sod_mm": -1}, "sod_mm: expected more than 0, got -1"),
        ({"sod_mm": "far"}, "sod_mm: expected one finite number, got far"),
        ({"bone_dark": 1}, "bone_dark: expected true or false, got '1'"),
        ({"level": "L3"}, "entered: expected one of sdd_mm, .*, bone_dark, half_turn, got 'level'"),
    ],
)
def test_what_cannot_be_is_not_stored(sources, wrong, message):
    node = radiograph_node()
    sources.enter(node, sdd_mm=900)
    events = modified_events(node)
    with pytest.raises(InputError, match=message):
        sources.enter(node, sdd_mm=1000, **wrong)
    assert (sources.entered(node), events) == ({"sdd_mm": 900}, [])


def test_what_is_entered_survives_saving(sources, tmp_path):
    sources.enter(radiograph_node(), sdd_mm=1000, principal_point_px=(1, 2.5))
    reopened(tmp_path)
    (node,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert sources.entered(node) == {"sdd_mm": 1000, "principal_point_px": (1, 2.5)}


def test_order_of_trust(sources, database, tmp_path):
    database(DistanceSourceToDetector="1100", ImagerPixelSpacing="0.4\\0.3", Modality="XA", PositionerPrimaryAngle="0")
    (tmp_path / "film.json").write_text(json.dumps({**LENGTHS, "level": "L2", "box_px": None}))
    node = stored_node(tmp_path / "film.nrrd")
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3")
    sources.enter(node, sod_mm=650)
    found = sources.sourcesOf(node, given={"yaw_deg": 25})
    assert {key: (known.value, known.source) for key, known in found.geometry.known.items()} == {
        "sdd_mm": (1000, "sidecar"),
        "level": ("L2", "sidecar"),
        "sod_mm": (650, "entered"),
        "yaw_deg": (25, "given"),
        "pitch_deg": (0, found.geometry.known["pitch_deg"].source),
        "roll_deg": (0, found.geometry.known["pitch_deg"].source),
        "pixel_spacing_mm": ((0.3, 0.4), "DICOM ImagerPixelSpacing (0018,1164)"),
    }
    assert found.geometry.known["pitch_deg"].source.startswith("DICOM PositionerPrimaryAngle (0018,1510)")
    assert found.missing == {}


def test_the_header_gives_a_spacing_where_nothing_better_does(sources):
    found = sources.sourcesOf(radiograph_node(spacing=(0.5, 0.25, 1)))
    assert found.geometry.known == {"pixel_spacing_mm": SourcedValue((0.5, 0.25), "volume header")}
    assert found.missing == {"sdd_mm": "", "sod_mm": ""}
    assert (found.boneDark, found.mirrored) == (None, False)


def test_1_mm_is_unknown(sources):
    found = sources.sourcesOf(radiograph_node(spacing=(1, 1, 1)), given=LENGTHS)
    assert found.missing == {"pixel_spacing_mm": "Slicer's 1 mm for an unknown spacing"}


@pytest.mark.parametrize("name", ["film.png", "film.jpg", "film.JPEG", "film.tif", "film.tiff", "film.bmp"])
def test_a_printers_resolution_is_no_spacing(sources, tmp_path, name):
    found = sources.sourcesOf(stored_node(tmp_path / name))
    assert found.missing["pixel_spacing_mm"] == "a picture file's resolution, which is meant for printers"


def test_the_header_is_not_believed_where_dicom_knows_better(sources, database):
    """Slicer's spacing of 0.5 x 0.25 mm is DICOM's PixelSpacing here, which is that in the patient."""
    database(PixelSpacing="0.25\\0.5", DistanceSourceToDetector="1000")
    found = sources.sourcesOf(dicom_node())
    assert "pixel_spacing_mm" not in found.geometry.known
    assert found.missing["pixel_spacing_mm"] == (
        "DICOM PixelSpacing (0028,0030) is in the patient's plane and the magnification is not known"
    )
    found = sources.sourcesOf(dicom_node(), given={"sod_mm": 500})
    assert found.geometry.known["pixel_spacing_mm"].value == (1.0, 0.5)
    assert found.geometry.known["pixel_spacing_mm"].source.endswith("in the patient's plane, times magnification 2")


def test_dicom_without_spacing_or_without_its_file(sources, database):
    database()
    assert sources.sourcesOf(dicom_node()).missing["pixel_spacing_mm"] == "DICOM gives none"
    found = sources.sourcesOf(dicom_node("9.9"))
    assert found.missing["pixel_spacing_mm"] == "the DICOM file is not in the database"
    assert found.boneDark is None


def test_each_slice_of_a_series_has_its_own_image(sources, database):
    database(ImagerPixelSpacing="0.1\\0.1")
    node = dicom_node("9.9 1.2.3", slices=2)
    assert "pixel_spacing_mm" in sources.sourcesOf(node, 0).missing
    assert "pixel_spacing_mm" in sources.sourcesOf(node, 1).geometry.known


def test_the_database_is_asked_once(sources, database):
    node, asked = dicom_node(), database(ImagerPixelSpacing="0.1\\0.1")
    sources.sourcesOf(node)
    before = asked.asked
    sources.sourcesOf(node)
    assert asked.asked == before > 0


def test_a_turn_that_slicer_does_not_do_is_known(sources, database):
    database(ViewPosition="AP", PatientOrientation="R\\F", Modality="DX")
    found = sources.sourcesOf(dicom_node())
    assert (found.turn, found.stated.source, found.mirrored) == (2, "DICOM PatientOrientation", False)
    assert found.geometry.view == {"yaw_deg": 0, "pitch_deg": 0, "roll_deg": 0}  # of the picture that is shown


def test_a_film_that_is_stored_upright_is_not_turned(sources, database):
    database(ViewPosition="AP", PatientOrientation="L\\F", Modality="DX")
    assert sources.sourcesOf(dicom_node()).stated is None


def test_spacings_are_those_of_the_shown_picture(sources, database):
    database(PatientOrientation="F\\L", Modality="DX", ImagerPixelSpacing="0.1\\0.2")  # rows first, in DICOM
    found = sources.sourcesOf(dicom_node())
    assert found.turn == 5
    assert found.geometry.values["pixel_spacing_mm"] == (0.1, 0.2)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_a_picture_is_shown_upright_whatever_slicers_reader_has_done(sources, tmp_path, turn, kind):
    """Slicer reads both with ITK."""
    stored = np.arange(12, dtype=np.uint8).reshape(3, 4) * 10
    path = tmp_path / f"film.{kind.lower()}"
    if kind == "TIFF":
        PIL.Image.fromarray(stored).save(path, tiffinfo={274: turn})
    else:
        exif = PIL.Image.Exif()
        exif[274] = turn
        PIL.Image.fromarray(stored).save(path, exif=exif)
    read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path), imageIO=f"{kind}ImageIO"))
    grey = read if read.ndim == 2 else read[..., 0]
    shown = {2: stored[:, ::-1], 3: np.rot90(stored, 2), 4: stored[::-1], 5: stored.T, 6: np.rot90(stored, -1)}
    shown |= {1: stored, 7: np.rot90(stored, 2).T, 8: np.rot90(stored)}
    np.testing.assert_array_equal(turned(grey, sources.sourcesOf(stored_node(path)).turn), shown[turn])


@pytest.mark.parametrize(
    ("tags", "dark", "source"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, False, "DICOM MONOCHROME1, which Slicer has already turned"),
        ({"PresentationLUTShape": "INVERSE"}, True, "DICOM PresentationLUTShape INVERSE"),
        ({"PhotometricInterpretation": "MONOCHROME2"}, False, "DICOM MONOCHROME2"),
    ],
)
def test_polarity_is_turned_once(sources, database, tags, dark, source):
    database(**tags)
    assert sources.sourcesOf(dicom_node()).boneDark == SourcedValue(dark, source)


def test_the_user_has_the_last_word_on_polarity(sources, database):
    database(PhotometricInterpretation="MONOCHROME2")
    node = dicom_node()
    sources.enter(node, bone_dark=True)
    assert sources.sourcesOf(node).boneDark == SourcedValue(True, "entered")


def test_a_slice_of_a_ct_is_refused(sources, database):
    database(Modality="CT")
    with pytest.raises(InputError, match=r"expected a radiograph \(CR, DX, RF, XA\), got DICOM modality CT"):
        sources.sourcesOf(dicom_node())


def test_a_dicom_file_opened_past_the_database_is_read(sources, tmp_path):
    node = stored_node(dicom(tmp_path / "a", Modality="XA", **DISTANCES, ImagerPixelSpacing=[0.4, 0.2]))
    assert values(sources.sourcesOf(node)) == {"sdd_mm": 1000, "sod_mm": 800, "pixel_spacing_mm": (0.2, 0.4)}


def test_an_enhanced_image_is_read_from_its_file(sources, database, tmp_path):
    """The database does not look into sequences."""
    inner = group(ObjectPixelSpacingInCenterOfBeam=[0.4, 0.2], **DISTANCES)
    path = dicom(tmp_path / "a", SharedFunctionalGroupsSequence=inner, Modality="XA")
    database(str(path), SOPClassUID="1.2.840.10008.5.1.4.1.1.12.1.1")
    assert values(sources.sourcesOf(dicom_node()))["pixel_spacing_mm"] == pytest.approx((0.25, 0.5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "^sidecar film.json: expected a JSON file"),
        ('{"sdd_mm": -3}', "^sdd_mm: expected more than 0"),
        ('{"foo": 1}', "^foo: expected a key of the geometry"),
    ],
)
def test_a_broken_sidecar_is_not_passed_over(sources, tmp_path, content, message):
    (tmp_path / "film.json").write_text(content)
    with pytest.raises(InputError, match=message):
        sources.sourcesOf(stored_node(tmp_path / "film.png"))


def test_looking_at_a_picture_imports_nothing_heavy(sources):
    before = set(sys.modules)
    sources.sourcesOf(radiograph_node())
    assert not {"torch", "scipy", "SimpleITK"} & (set(sys.modules) - before)


@pytest.mark.parametrize(
    ("name", "right", "down", "line"),
    [
        ("film.nrrd", (-1, 0, 0), (0, -1, 0), None),  # to L and P, as any picture
        ("film.nrrd", (1, 0, 0), (0, 1, 0), None),  # Slicer's own
        ("film.nii.gz", (-1, 0, 0), (0, 0, -1), None),  # to L and F
        (
            "film.mha",
            (-1, 0, 0),
            (0, 0, 1),
            "the MHA header says that the picture is to be mirrored upside down",
        ),
        ("film.nrrd", (1, 0, 0), (0, 0, -1), "the NRRD header says that the picture is to be mirrored left to right"),
        ("film.png", (-1, 0, 0), (0, 0, 1), None),
    ],
)
def test_axes_that_ask_for_a_turn_are_said(sources, tmp_path, name, right, down, line):
    """right, down: where rows and columns run, in RAS."""
    node = stored_node(tmp_path / name)
    node.SetIJKToRASDirections(*np.column_stack([right, down, np.cross(right, down)]).ravel())
    found = sources.sourcesOf(node)
    assert found.stated is None
    assert [doubt[: len(line or "")] for doubt in found.doubts] == ([line] if line else [])
