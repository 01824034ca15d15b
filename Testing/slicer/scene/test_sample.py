"""The sample case: loading it without a network, and what the Sample Data module is told."""

import hashlib
import sys
import types

import numpy as np
import pytest
import slicer
import slicer_host

from ReVertLib.errors import InputError
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.resources import FILM_FOLDER, SAMPLE_FOLDER


@pytest.fixture
def sample():
    slicer_host.load()
    from ReVertSlicer.scene import sample

    return sample


@pytest.fixture
def registered(monkeypatch):
    """What SampleData was told, by sample name."""
    told = {}

    class SampleDataLogic:
        @staticmethod
        def registerCustomSampleDataSource(sampleName=None, **source):
            told[sampleName] = source

    monkeypatch.setitem(sys.modules, "SampleData", types.SimpleNamespace(SampleDataLogic=SampleDataLogic))
    return told


@pytest.mark.parametrize(("view", "yaw"), [("ap", 0), ("lateral", 90), ("oblique", 25)])
def test_a_radiograph_arrives_with_its_geometry_and_its_vertebra(sample, view, yaw):
    from ReVertSlicer.input import placement, radiograph_check, sources

    node = sample.loadSample(view).radiograph
    path = SAMPLE_FOLDER / f"verse008_L3_{view}.png"
    known = sources.sourcesOf(node)
    np.testing.assert_array_equal(radiograph_check.pixelsOf(node, None, known), read_radiograph(path).pixels)
    check = radiograph_check.checkRadiograph(node)
    assert (check.problems, check.missing, check.warnings) == ((), {}, ())
    (placed,) = placement.placements(node)
    geometry = radiograph_check.geometryOf(node, known, placed.level, placed.boxPx)
    assert geometry == complete_geometry(read_sidecar(path.with_suffix(".json")), (224, 224))
    assert known.geometry.view == {"yaw_deg": yaw, "pitch_deg": 0, "roll_deg": 0}
    assert {found.source for found in known.geometry.known.values()} == {"sample"}


def test_what_the_user_enters_comes_before_the_samples_values_and_can_be_taken_back(sample):
    from ReVertSlicer.input import radiograph_check, sources

    node = sample.loadSample().radiograph
    usual = sources.sourcesOf(node).geometry.known["sod_mm"]
    radiograph_check.enter(node, sod_mm=usual.value - 50)
    entered = sources.sourcesOf(node).geometry.known["sod_mm"]
    assert (entered.value, entered.source) == (usual.value - 50, "entered")
    radiograph_check.enter(node, sod_mm=None)
    assert sources.sourcesOf(node).geometry.known["sod_mm"] == usual


def test_what_is_in_the_scene_is_used_again(sample):
    from ReVertSlicer.input import placement

    first = sample.loadSample()
    count = slicer.mrmlScene.GetNumberOfNodes()
    assert sample.loadSample() == first
    assert slicer.mrmlScene.GetNumberOfNodes() == count
    lateral = sample.loadSample("lateral")
    assert lateral.radiograph is not first.radiograph
    assert lateral.segmentation is first.segmentation
    slicer.mrmlScene.RemoveNode(first.segmentation)
    again = sample.loadSample()
    assert again.radiograph is first.radiograph
    assert again.segmentation.GetSegmentation().GetNumberOfSegments() == 1
    assert len(placement.placements(first.radiograph)) == 1


def test_the_picture_stands_as_slicer_stands_pictures(sample):
    """Columns run to the patient's left, rows to the back: upright in an axial view."""
    directions = np.zeros((3, 3))
    sample.loadSample().radiograph.GetIJKToRASDirections(directions)
    assert directions.tolist() == np.diag([-1, -1, 1]).tolist()


def test_the_segment_is_named_by_its_level_and_lies_where_the_label_map_does(sample):
    node = sample.loadSample().segmentation
    segmentation = node.GetSegmentation()
    (segment_id,) = segmentation.GetSegmentIDs()
    assert segmentation.GetSegment(segment_id).GetName() == "L3"
    bounds = np.zeros(6)
    node.CreateClosedSurfaceRepresentation()
    node.GetRASBounds(bounds)
    expected = label_mesh(read_label_map(SAMPLE_FOLDER / "segmentation.nii.gz"), 22).vertices * [-1, -1, 1]
    np.testing.assert_allclose(bounds[::2], expected.min(0), atol=2)
    np.testing.assert_allclose(bounds[1::2], expected.max(0), atol=2)
    assert slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode") == []


def test_the_film_arrives_with_its_geometry_and_all_five_levels_of_its_ct(sample):
    from ReVertSlicer.input import placement, radiograph_check

    loaded = sample.loadSample("film")
    check = radiograph_check.checkRadiograph(loaded.radiograph)
    assert (check.problems, check.missing, check.sizePx) == ((), {}, (448, 512))
    assert {key: check.known[key].value for key in ("sdd_mm", "sod_mm", "yaw_deg")} == {
        "sdd_mm": 1150,
        "sod_mm": 850,
        "yaw_deg": 0,
    }
    assert placement.placements(loaded.radiograph) == []
    segmentation = loaded.segmentation.GetSegmentation()
    names = [segmentation.GetSegment(one).GetName() for one in segmentation.GetSegmentIDs()]
    assert names == ["L1", "L2", "L3", "L4", "L5"]
    assert sample.loadSample("film").segmentation is loaded.segmentation
    assert sample.loadSample("ap").segmentation is not loaded.segmentation


def test_an_unknown_view_is_refused(sample):
    with pytest.raises(InputError, match="sample: expected one of ap, lateral, oblique, film, got 'pa'"):
        sample.loadSample("pa")


def test_checksums_are_those_of_the_files(sample):
    files = {
        f"{folder.name}/{path.name}": path
        for folder in (SAMPLE_FOLDER, FILM_FOLDER)
        for path in folder.iterdir()
        if path.name != "README.md"
    }
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sample.SHA256


def test_the_sample_data_module_is_told_of_every_file(sample, registered, root):
    sample.registerSampleData()
    own = {f"ReVert L3 {view} (DRR)" for view in ("ap", "lateral", "oblique")}
    assert set(registered) == {*own, "ReVert L3 CT", "ReVert film (DRR)"}
    files = set()
    for title, source in registered.items():
        folder = FILM_FOLDER if "film" in title else SAMPLE_FOLDER
        names = [f"{folder.name}/{name}" for name in source["fileNames"]]
        files |= set(names)
        assert source["category"] == "ReVert"
        assert source["uris"] == [f"{sample.URL}{name}" for name in names]
        assert source["checksums"] == [f"SHA256:{sample.SHA256[name]}" for name in names]
        assert {len(source[key]) for key in ("nodeNames", "loadFileType")} == {len(names)}
        assert (folder / source["thumbnailFileName"]).is_file()
        assert [kind for name, kind in zip(names, source["loadFileType"], strict=True) if name.endswith(".json")] in (
            [None],
            [],
        )
    assert files == set(sample.SHA256)
    home = next(line for line in (root / "pyproject.toml").read_text().splitlines() if line.startswith("Homepage"))
    assert sample.URL.startswith(home.split('"')[1])


def test_a_click_in_the_sample_data_module_needs_no_network(sample, registered):
    sample.registerSampleData()
    source = registered["ReVert L3 lateral (DRR)"]
    source["customDownloader"](types.SimpleNamespace(fileNames=source["fileNames"]))
    (node,) = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert node.GetName() == "ReVert L3 lateral"
    assert node.GetDescription().startswith("DRR: computed from the CT")
