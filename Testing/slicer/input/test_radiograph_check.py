"""The check of a radiograph node, its pixels and its geometry."""

import subprocess
import sys
import time

import numpy as np
import pytest
import slicer
import slicer_host
from scene_nodes import LENGTHS, radiograph_node

from ReVertLib.errors import InputError


@pytest.fixture
def radiograph_check():
    slicer_host.load()
    from ReVertSlicer.input import radiograph_check

    return radiograph_check


def pixels_of(node, slice_index=None):
    from ReVertSlicer.input import radiograph_check, sources

    return radiograph_check.pixelsOf(node, slice_index, sources.sourcesOf(node, slice_index or 0))


def geometry_of(node, level, box=None, given=None):
    from ReVertSlicer.input import radiograph_check, sources

    return radiograph_check.geometryOf(node, sources.sourcesOf(node, 0, given), level, box)


RAMP = np.tile(np.arange(80, dtype=np.int16), (60, 1))


def node_of(array, **options):
    """A volume node of rows and columns, or of what has more axes as it is."""
    return slicer.util.addVolumeFromArray(array[None] if array.ndim == 2 else array, **options)


def bone(dtype=np.uint16, peak=60_000):
    """A bright disc, thickest in its middle, on black."""
    v, u = np.mgrid[-1:1:100j, -1:1:100j]
    return (peak * np.sqrt(np.clip(0.5 - u**2 - v**2, 0, None))).astype(dtype)


def test_a_complete_radiograph(radiograph_check):
    node = node_of(bone())
    node.SetSpacing(0.9, 0.9, 1)
    radiograph_check.enter(node, sdd_mm=1000, sod_mm=600, yaw_deg=0)
    check = radiograph_check.checkRadiograph(node)
    assert (check.sizePx, check.sliceCount) == ((100, 100), 1)
    assert {key: found.source for key, found in check.known.items()} == {
        "yaw_deg": "entered",
        "sdd_mm": "entered",
        "sod_mm": "entered",
        "pixel_spacing_mm": "volume header",
    }
    assert (check.missing, check.problems, check.warnings) == ({}, (), ())
    assert (check.boneDark.value, check.boneDark.source) == (False, "assumed")


def test_a_dark_object_on_white_is_seen_and_turned(radiograph_check):
    node = node_of(60_000 - bone())
    radiograph_check.enter(node, yaw_deg=0)
    check = radiograph_check.checkRadiograph(node)
    assert (check.boneDark.value, check.boneDark.source) == (True, "the picture: a dark object on white")
    assert check.warnings == ()  # the border is black once it is turned
    pixels = pixels_of(node)
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, bone() + np.uint16(60_000 - int(bone().max())))


def test_the_user_decides_about_bone(radiograph_check):
    node = node_of(RAMP)
    radiograph_check.enter(node, bone_dark=True)
    assert radiograph_check.checkRadiograph(node).boneDark.source == "entered"
    np.testing.assert_array_equal(pixels_of(node), RAMP[:, ::-1])
    radiograph_check.enter(node, bone_dark=False)
    np.testing.assert_array_equal(pixels_of(node), RAMP)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_pixels_keep_their_type_and_are_a_copy(radiograph_check, dtype):
    node = node_of(RAMP.astype(dtype))
    pixels = pixels_of(node)
    assert pixels.dtype == (np.float32 if dtype == np.float64 else dtype)
    slicer.util.arrayFromVolume(node)[:] = 0
    np.testing.assert_array_equal(pixels, RAMP)


def test_one_slice_of_a_stack(radiograph_check):
    node = node_of(np.stack([RAMP, RAMP + 1, RAMP[:, ::-1]]))
    assert pixels_of(node, 1)[0, :3].tolist() == [1, 2, 3]
    check = radiograph_check.checkRadiograph(node, 2)
    assert (check.sizePx, check.sliceCount, check.problems) == ((80, 60), 3, ())
    assert radiograph_check.checkRadiograph(node).problems == ("radiograph: expected a volume with one slice, got 3",)
    assert radiograph_check.checkRadiograph(node, 3).problems == ("slice: expected 0 to 2, got 3",)


def test_equal_channels_are_grey(radiograph_check):
    node = node_of(np.stack([RAMP] * 3, -1)[None], nodeClassName="vtkMRMLVectorVolumeNode")
    np.testing.assert_array_equal(pixels_of(node), RAMP)


@pytest.mark.parametrize(
    ("array", "class_name", "problem"),
    [
        (np.stack([RAMP, RAMP, RAMP + 1], -1)[None], "vtkMRMLVectorVolumeNode", "expected a grey image, got colour"),
        (np.zeros((60, 80)), "vtkMRMLScalarVolumeNode", "with contrast, got the constant value 0"),
        (RAMP[:31], "vtkMRMLScalarVolumeNode", "expected 32 to 8192 pixels a side, got 80 x 31"),
        (np.where(RAMP == 7, np.nan, RAMP), "vtkMRMLScalarVolumeNode", "expected finite grey values"),
        (RAMP.astype(np.uint8), "vtkMRMLLabelMapVolumeNode", "expected grey values, got a label map"),
    ],
    ids=["colour", "constant", "small", "NaN", "label map"],
)
def test_what_cannot_be_used_is_one_problem_and_one_error(radiograph_check, array, class_name, problem):
    node = node_of(array, name="DOE^JANE", nodeClassName=class_name)
    (line,) = radiograph_check.checkRadiograph(node, 0).problems
    assert problem in line
    with pytest.raises(InputError) as caught:
        pixels_of(node, 0)
    assert str(caught.value) == line
    assert "DOE" not in line
    assert "\n" not in line


def test_a_node_without_an_image(radiograph_check):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    check = radiograph_check.checkRadiograph(node)
    assert check.problems == ("radiograph: expected an image, got an empty volume",)
    assert (check.sizePx, check.sliceCount) == ((0, 0), 0)
    assert check.boneDark.source == "not known"


def test_an_image_is_looked_at_once_until_it_changes(radiograph_check, monkeypatch):
    node, looked = node_of(bone()), []
    radiograph_check.enter(node, yaw_deg=0)
    original = radiograph_check._measured
    monkeypatch.setattr(radiograph_check, "_measured", lambda plane: looked.append(1) or original(plane))
    for _ in range(3):
        radiograph_check.checkRadiograph(node)
    assert len(looked) == 1
    slicer.util.updateVolumeFromArray(node, np.maximum(bone(), 30_000 + bone() // 100)[None])
    check = radiograph_check.checkRadiograph(node)
    assert len(looked) == 2
    assert check.warnings == ()  # an even background is black after the stretch
    for _ in range(100):
        slicer.util.arrayFromVolumeModified(node)
        radiograph_check.checkRadiograph(node)
    assert len(radiograph_check._facts) <= 32


def test_a_large_image_is_checked_in_50_ms_of_work(radiograph_check):
    array = np.random.default_rng(0).integers(0, 4096, (2000, 2000)).astype(np.int16)
    node, seconds = node_of(array), []
    for _ in range(3):
        slicer.util.arrayFromVolumeModified(node)
        started = time.thread_time()
        radiograph_check.checkRadiograph(node)
        seconds.append(time.thread_time() - started)
    assert min(seconds) < 0.05


def test_geometry_of_one_vertebra(radiograph_check):
    node = radiograph_node()
    radiograph_check.enter(node, **LENGTHS)
    geometry = geometry_of(node, "L4", (10, 20, 30, 50))
    assert (geometry.sdd_mm, geometry.sod_mm, geometry.pixel_spacing_mm) == (1000, 700, (0.5, 0.25))
    assert (geometry.principal_point_px, geometry.level, geometry.box_px) == ((39.5, 29.5), "L4", (10, 20, 30, 50))


def test_given_geometry_comes_first(radiograph_check):
    node = radiograph_node()
    radiograph_check.enter(node, **LENGTHS)
    geometry = geometry_of(node, "L3", given={"sod_mm": 500, "level": "L1"})
    assert (geometry.sod_mm, geometry.level) == (500, "L3")


def test_a_sidecars_box_is_that_of_its_own_level(radiograph_check, tmp_path):
    node = radiograph_node()
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(tmp_path / "film.nrrd"))
    node.SetAndObserveStorageNodeID(storage.GetID())
    (tmp_path / "film.json").write_text('{"sdd_mm": 1000, "sod_mm": 700, "level": "L1", "box_px": [1, 2, 30, 40]}')
    assert geometry_of(node, "L1").box_px == (1, 2, 30, 40)
    assert geometry_of(node, "L2").box_px is None
    assert geometry_of(node, "L2", given={"box_px": [5, 6, 7, 8]}).box_px == (5, 6, 7, 8)


@pytest.mark.parametrize(
    ("spacing", "given", "box", "message"),
    [
        ((1, 1, 1), LENGTHS, None, r"expected Detector spacing \(pixel_spacing_mm\) entered, .*, got Slicer's 1 mm"),
        (
            (0.5, 0.5, 1),
            {},
            None,
            r"geometry: expected Source to detector \(sdd_mm\), Source to object \(sod_mm\) entered, .*, got none",
        ),
        ((0.5, 0.5, 1), {"sdd_mm": 1000}, None, r"geometry: expected Source to object \(sod_mm\) entered"),
        ((0.5, 0.5, 1), {"sdd_mm": 700, "sod_mm": 700}, None, "sod_mm: expected 0 < sod_mm < sdd_mm"),
        ((0.5, 0.5, 1), LENGTHS, (80, 0, 91, 60), "box_px: expected a box inside the 80 x 60 image"),
    ],
)
def test_missing_or_impossible_geometry_is_named(radiograph_check, spacing, given, box, message):
    with pytest.raises(InputError, match=message):
        geometry_of(radiograph_node(spacing), "L3", box, given)


def test_the_panels_path_imports_nothing_heavy():
    """A fresh process in which the module is loaded, and a radiograph checked and made ready."""
    heavy = "{'torch', 'scipy', 'SimpleITK', 'pydicom', 'safetensors'}"
    code = f"""
import sys, slicer_host
slicer_host.load()
from ReVertSlicer.input import placement, radiograph_check, sources
from ReVertSlicer.scene import sample
node = sample.loadSample().radiograph
radiograph_check.checkRadiograph(node)
known = sources.sourcesOf(node)
radiograph_check.pixelsOf(node, None, known)
radiograph_check.geometryOf(node, known, "L3", placement.placements(node)[0].boxPx)
print({heavy} & set(sys.modules))
"""
    folder = slicer_host.SUPPORT
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "set()"
