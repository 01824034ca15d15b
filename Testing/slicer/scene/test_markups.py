"""Measurements in a `.mrk.json` file, as Slicer opens it."""

import json

import numpy as np
import pytest
from scene_host import new_scene

from ReVertLib.anatomy.template import load_template
from ReVertLib.measurement.markups import markups
from ReVertLib.measurement.measure import Measured, measure


def test_slicer_opens_points_and_pedicle_axes(tmp_path):
    import slicer

    scene = new_scene()
    found = measure({"L3": Measured(load_template().mean("L3").vertices)}, in_camera=False)
    path = tmp_path / "L3.mrk.json"
    path.write_text(json.dumps(markups(found)))
    assert slicer.modules.markups.logic().LoadMarkupsFromJson(str(path), "")
    points = scene.GetFirstNodeByName("L3 points")
    labels = [points.GetNthControlPointLabel(i) for i in range(points.GetNumberOfControlPoints())]
    place = points.GetNthControlPointPosition(labels.index("left pedicle entry"))  # RAS
    assert place == pytest.approx(np.array(found.levels["L3"]["left pedicle entry"].value) * [-1, -1, 1], abs=0.01)
    line, length = scene.GetFirstNodeByName("L3 right pedicle axis"), found.levels["L3"]["right pedicle length"].value
    ends = [np.array(line.GetNthControlPointPosition(i)) for i in (0, 1)]
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(length, abs=0.01)
