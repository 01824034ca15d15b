"""What is written of a registration, and what Slicer makes of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from registered_sample import film, moved, sample_bone, true_pose
from scene_host import new_scene

from ReVertLib.ct_registration.records import ACCEPTED, CHECK, CtRegistration, Judgement, PoseError, RegisteredVertebra
from ReVertLib.ct_registration.report import registration_drawing, registration_report, write_transform
from ReVertLib.geometry.views import LPS_FROM_RAS
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.spine.inputs import FilmInput
from ReVertLib.spine.scale import Scale

EXACT = Scale("given", 0.0, 0.0, "as given")
MOTION = moved(true_pose(30.0), [5.0, -9.0, 3.0], [10.0, 4.0, -7.0])


def test_slicer_moves_the_ct_to_the_camera_by_the_transform_file(tmp_path):
    write_transform(tmp_path / "L3.tfm", MOTION)
    scene = new_scene()
    node, storage = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode"), slicer.vtkMRMLTransformStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "L3.tfm"))
    assert storage.ReadData(node)
    matrix = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToParent(matrix)
    found = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    ras = np.eye(4)
    ras[:3, :3] = LPS_FROM_RAS
    assert found == pytest.approx(ras @ MOTION.matrix @ ras, abs=1e-4)


def registered() -> tuple[FilmInput, CtRegistration]:
    view, truth, bone = film(0.0), true_pose(0.0), sample_bone()
    judgement = Judgement(ACCEPTED, "film and CT are alike (0.95)", 0.95, 0.80, 1.0, {"the mirrored film": 0.9})
    start = moved(truth, [2.0, -1.0, 4.0], [0.0, 0.0, 5.0])
    errors_mm = np.array([0.2, 0.6])
    vertebra = RegisteredVertebra(
        "L3", truth, start, bone.mesh_lps.moved(truth), errors_mm, PoseError(0.3, 2.0, 0.8), judgement
    )
    given = FilmInput(
        radiograph_from_array(view.pixels, name="film"), view.geometry, {"sdd_mm": "given"}, {}, "L3", EXACT, None, ()
    )
    return given, CtRegistration((vertebra,), None, False, 1.5, ("L4 is on the film and not in the CT's labels",))


def test_the_report_says_where_each_vertebra_lies_and_what_was_moved():
    given, found = registered()
    said = json.loads(json.dumps(registration_report([given], found)))
    one = said["vertebrae"]["L3"]
    assert np.array(one["camera_from_ct"]) == pytest.approx(true_pose(0.0).matrix)
    assert one["moved_mm"] == pytest.approx([-2.0, 1.0, -4.0], abs=0.5)
    assert one["turned_deg"] == pytest.approx(5.0)
    assert one["view"] == pytest.approx({"yaw_deg": 0.0, "pitch_deg": 3.0, "roll_deg": -2.0})
    assert one["judgement"]["word"] == ACCEPTED
    assert one["projected_error_mm"] == pytest.approx({"mean": 0.4, "most": 0.6})
    assert said["warnings"] == ["L4 is on the film and not in the CT's labels"]
    assert said["second_from_first"] is None


def test_the_picture_names_what_is_drawn_and_what_is_doubtful():
    given, found = registered()
    assert ">L3<" in registration_drawing(given, found)
    (one,) = found.vertebrae
    doubtful = replace(one, judgement=replace(one.judgement, word=CHECK))
    assert ">L3 check<" in registration_drawing(given, replace(found, vertebrae=(doubtful,)))
