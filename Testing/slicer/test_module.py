"""The Slicer module on slicer-core's real scene: its logic with an injected predictor, then the real line."""

import json
import re
import subprocess
import sys

import pytest
import slicer
import slicer_host
from few_points import few_points  # noqa: F401
from scene_nodes import LENGTHS, OneTetrahedron, box_model, box_segmentation, radiograph_node, shift, vertices

from ReVertLib.geometry.sidecar import sidecar_path
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.mesh.mesh import mesh_quality
from ReVertLib.mesh.polydata import from_polydata


@pytest.fixture
def module():
    return slicer_host.load()


@pytest.fixture
def predictor():
    return OneTetrahedron()


@pytest.fixture
def logic(module, predictor):
    return module.ReVertLogic(predictor)


def test_ap_view_stands_upright_in_ras(logic):
    node = logic.reconstruct(radiograph_node(), geometry=LENGTHS)
    # camera (X left, Y inferior, Z posterior) -> RAS (-X, -Z, -Y)
    assert vertices(node)[0] == pytest.approx([-1, -700, -2])
    assert mesh_quality(from_polydata(node.GetPolyData())).volume_mm3 == pytest.approx(1 / 6)


def test_yaw_of_90_degrees_sends_the_beam_to_the_patients_right(logic):
    node = logic.reconstruct(radiograph_node(), geometry={**LENGTHS, "yaw_deg": 90})
    # camera X is posterior, Y inferior, Z right
    assert vertices(node)[0] == pytest.approx([700, -1, -2])


def test_predictor_gets_the_grey_values_and_the_volumes_geometry(logic, predictor):
    logic.reconstruct(radiograph_node(), level="L4", box=(10, 20, 30, 50), geometry=LENGTHS)
    pixels, geometry = predictor.asked[0]
    assert pixels.shape == (60, 80)
    assert pixels[7].tolist() == list(range(80))
    assert (geometry.level, geometry.box_px) == ("L4", (10, 20, 30, 50))
    assert geometry.pixel_spacing_mm == (0.5, 0.25)
    assert geometry.principal_point_px == (39.5, 29.5)
    assert (geometry.sdd_mm, geometry.sod_mm) == (1000, 700)


def test_given_geometry_comes_before_the_sidecar_and_that_before_the_volume(logic, predictor, tmp_path):
    sidecar = {**LENGTHS, "sdd_mm": 1100, "pixel_spacing_mm": [0.2, 0.2], "principal_point_px": [1, 2], "level": "L1"}
    (tmp_path / "film.json").write_text(json.dumps(sidecar))
    node = radiograph_node()
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(tmp_path / "film.png"))
    node.SetAndObserveStorageNodeID(storage.GetID())
    logic.reconstruct(node, level="L2", geometry={"sod_mm": 600})
    geometry = predictor.asked[0][1]
    assert (geometry.sdd_mm, geometry.sod_mm, geometry.pixel_spacing_mm) == (1100, 600, (0.2, 0.2))
    assert (geometry.principal_point_px, geometry.level) == ((1, 2), "L2")


def test_model_says_where_it_comes_from(logic):
    radiograph = radiograph_node()
    node = logic.reconstruct(radiograph, geometry={**LENGTHS, "pitch_deg": 5})
    assert node.GetAttribute("ReVert.Level") == "L3"
    assert node.GetAttribute("ReVert.WeightsSha256") == "0" * 64
    assert node.GetAttribute("ReVert.Warnings") == "a warning"
    assert json.loads(node.GetAttribute("ReVert.Geometry"))["sod_mm"] == 700
    assert json.loads(node.GetAttribute("ReVert.View")) == {"yaw_deg": 0, "pitch_deg": 5, "roll_deg": 0}
    assert node.GetNodeReference("ReVert.Radiograph") is radiograph
    assert node.GetDisplayNode() is not None


def test_slicers_1_mm_is_taken_for_unknown_unless_given(module, logic, predictor):
    node = radiograph_node(spacing=(1.0, 1.0, 1.0))
    with pytest.raises(module.InputError, match=r"\(pixel_spacing_mm\) entered, .*, got Slicer's 1 mm"):
        logic.reconstruct(node, geometry=LENGTHS)
    logic.reconstruct(node, geometry={**LENGTHS, "pixel_spacing_mm": [1.0, 1.0]})
    assert predictor.asked[0][1].pixel_spacing_mm == (1, 1)


@pytest.mark.parametrize(
    ("node_options", "call", "text"),
    [
        ({"slices": 2}, {}, "radiograph: expected a volume with one slice, got 2"),
        ({}, {"level": "T12"}, "level: expected one of L1, L2, L3, L4, L5, got 'T12'"),
        ({}, {"box": (80, 0, 91, 60)}, "box_px: expected a box inside the 80 x 60 image"),
        ({}, {"geometry": {"sdd_mm": 1000}}, r"expected Source to object \(sod_mm\)"),
        ({}, {"geometry": {"sdd_mm": 700, "sod_mm": 700}}, "sod_mm: expected 0 < sod_mm < sdd_mm"),
    ],
)
def test_bad_input_is_refused_before_any_work_and_names_nobody(module, logic, predictor, node_options, call, text):
    with pytest.raises(module.InputError, match=text) as caught:
        logic.reconstruct(radiograph_node(**node_options), **{"geometry": LENGTHS, **call})
    assert "DOE" not in str(caught.value)
    assert predictor.asked == []
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLModelNode") == 0


def figures(table_node):
    """{metric: (reconstruction, baseline)} of a table node."""
    table = table_node.GetTable()
    assert [table.GetColumnName(i) for i in range(table.GetNumberOfColumns())] == [
        "metric",
        "reconstruction",
        "baseline",
    ]
    rows = ([table.GetValue(row, column) for column in range(3)] for row in range(table.GetNumberOfRows()))
    return {name.ToString(): (mine.ToDouble(), baseline.ToDouble()) for name, mine, baseline in rows}


def test_a_box_is_compared_where_it_lies_transforms_included(logic):
    model, (segmentation, segment) = box_model(), box_segmentation()
    shift(model, [10, 0, 0])
    apart = figures(logic.compare(model, segmentation, segment, align="none"))
    assert apart["dice"][0] == pytest.approx(0.75, abs=0.02)  # 30 of 40 mm overlap
    assert apart["volume_mm3"][0] == pytest.approx(24000)
    shift(segmentation, [10, 0, 0])
    together = figures(logic.compare(model, segmentation, segment, align="none"))
    assert together["dice"][0] > 0.97
    assert together["hd95_mm"][0] < 0.6
    assert together["dice"][1] == apart["dice"][1] < 0.9  # the mean vertebra is no box


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("nothing", "segment: expected one of this segmentation, got an unknown id; select one"),
        ("empty", "segment: expected a filled one, got an empty segment"),
    ],
)
def test_a_segment_without_a_surface_is_refused(module, logic, segment, text):
    with pytest.raises(module.InputError, match=text):
        logic.compare(box_model(), box_segmentation()[0], segment)


def test_a_bare_scene_will_do(logic, monkeypatch):
    """As in a script: no application, no logics of modules, no colour nodes."""
    monkeypatch.setattr(slicer, "mrmlScene", slicer.vtkMRMLScene())
    monkeypatch.delattr(slicer, "modules")
    model = logic.reconstruct(radiograph_node(), geometry=LENGTHS)
    logic.colourBy(model, "expected_error_mm")
    box, (segmentation, segment) = box_model(), box_segmentation()
    assert figures(logic.compare(box, segmentation, segment))["dice"][0] > 0.97


def test_self_test_passes(module):
    module.ReVertTest().runTest()


def test_the_documented_calls_work(module, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (root / "docs" / "module.md").read_text(), re.DOTALL)
    films = tmp_path / "films"
    films.mkdir()
    for path in (root / "Resources" / "sample").glob("verse008_L3_ap.*"):
        (films / path.name).write_bytes(path.read_bytes())
    names = {}
    exec(code, names)
    assert [model.GetAttribute("ReVert.Level") for model in names["models"]] == ["L3", "L5"]
    assert figures(names["table"])["dice"][0] > 0.85
    assert names["results"].GetTable().GetNumberOfRows() == 2
    assert {path.name for path in tmp_path.iterdir()} == {"L3.stl", "films", "report.html", "results", "results.csv"}
    assert (names["done"], len(list((tmp_path / "results").iterdir()))) == (1, 3)


def run_in_host(code):
    """stdout of code in a fresh process after ReVert.py is loaded as `module`."""
    hidden = "sys.modules |= {'torch': None, 'onnxruntime': None}"
    script = f"import sys, slicer_host\n{hidden}\nmodule = slicer_host.load()\n{code}"
    environment = {"cwd": slicer_host.SUPPORT}
    done = subprocess.run([sys.executable, "-c", script], **environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_opening_the_module_imports_nothing_heavy():
    heavy = "{'torch_geometric', 'SimpleITK', 'scipy', 'pydicom', 'safetensors', 'ReVertLib.inference.predictor'}"
    assert run_in_host(f"print({heavy} & set(sys.modules))") == "set()"


def test_what_is_missing_is_named():
    code = """
logic = module.ReVertLogic()
try:
    logic.reconstruct(logic.loadSampleData().radiograph)
except module.InputError as error:
    print(error)
"""
    assert "expected the Python package onnxruntime or torch to be installed, got none" in run_in_host(code)


def test_from_click_to_mesh_the_application_itself_imports_nothing_heavy():
    code = """
from ReVertSlicer.work import packages
packages.missing = lambda forCt=False: ()
panel = module.ReVertWidget()
panel.ui.sampleButton.click()
panel.ui.reconstructButton.click()
assert slicer_host.run_until(lambda: panel.state.model is not None, 100), slicer_host.messages
panel.ui.compareButton.click()
assert slicer_host.run_until(lambda: not panel.runner.isRunning, 100)
print(panel.state.colour, [name for name in ("torch", "scipy", "SimpleITK", "pydicom") if sys.modules.get(name)])
panel.cleanup()
slicer_host.run_until(lambda: False, 0.5)
"""
    assert run_in_host(code) == "distance to CT []"


def test_shipped_weights_reconstruct_the_shipped_case(module, resources):
    image = next(path for path in sorted(resources.rglob("*.png")) if sidecar_path(path).is_file())
    node = slicer.util.addVolumeFromArray(read_radiograph(image).pixels[None])
    geometry = json.loads(sidecar_path(image).read_text())
    level, sod = geometry.pop("level"), geometry["sod_mm"]
    mesh = from_polydata(module.ReVertLogic().reconstruct(node, level=level, geometry=geometry).GetPolyData())
    quality = mesh_quality(mesh)
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 0)
    assert 15_000 < quality.volume_mm3 < 150_000
    assert mesh.vertices.mean(0)[1] == pytest.approx(-sod, abs=60)
