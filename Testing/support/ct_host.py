"""A CT in the scene and what came of aligning it, invented: for the tests of the module."""

import numpy as np
import slicer
from scene_nodes import CAMERA
from tiny import CUBE
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.ct_registration.records import (
    ACCEPTED,
    REFUSED,
    CtRegistration,
    Judgement,
    PoseError,
    RegisteredVertebra,
)
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.silhouette import outlines
from ReVertLib.service.registration import CtAnswer

FIRST_MM = {"L3": np.array([-5.0, 10.0, 40.0]), "L4": np.array([-5.0, 10.0, 20.0])}
"""The lowest corner of each vertebra, a box of SIZE_MM, in RAS."""
SIZE_MM = np.array([12.0, 10.0, 8.0])
SIZE_PX = (80, 60)


def ct_node(size=(30, 30, 50), name="CT"):
    """Air in voxels of 1 x 1 x 2 mm, the first voxel's centre at RAS (-14, 0, 4)."""
    node = slicer.util.addVolumeFromArray(np.full(size[::-1], -1000, np.int16), name=name)
    node.SetSpacing(1.0, 1.0, 2.0)
    node.SetOrigin(-14.0, 0.0, 4.0)
    return node


def segmentation_node(names=("L3", "vertebra_L4")):
    """The boxes of FIRST_MM as segments of 0.5 mm voxels, each in a map of its own."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "vertebrae")
    for name, first in zip(names, FIRST_MM.values(), strict=True):
        image = slicer.vtkOrientedImageData()
        image.SetDimensions(*(2 * SIZE_MM).astype(int))
        image.SetSpacing(0.5, 0.5, 0.5)
        image.SetOrigin(*(first + 0.25))
        image.AllocateScalars(3, 1)
        vtk_to_numpy(image.GetPointData().GetScalars())[:] = 1
        node.AddSegmentFromBinaryLabelmapRepresentation(image, name)
    return node


def pose(level, shift_mm=0.0):
    """From LPS to the camera, of an AP view: the box of a level 700 mm before the source, shifted to the left."""
    centre_lps = (FIRST_MM[level] + SIZE_MM / 2) * [-1, -1, 1]
    below_mm = 6.0 if level == "L4" else -6.0
    return RigidTransform.about(centre_lps, view_rotation(), np.array([shift_mm, below_mm, 700.0]))


def vertebra(level, word=ACCEPTED, similarity=0.97, shift_mm=0.0):
    """A cube of 2 mm where a level was laid."""
    there = pose(level, shift_mm)
    centre_lps = (FIRST_MM[level] + SIZE_MM / 2) * [-1, -1, 1]
    mesh = CUBE.moved(RigidTransform.shift(centre_lps - CUBE.vertices.mean(0))).moved(there)
    judged = Judgement(word, f"{level} was judged", similarity, 0.9, 1.0, {"the mirrored film": 0.5})
    errors_mm = np.full(len(mesh.vertices), 0.4)
    return RegisteredVertebra(level, there, there, mesh, errors_mm, PoseError(0.3, 4.0, 1.0), judged)


def answer(*vertebrae):
    """What the service says of these vertebrae; the CT's radiograph is bright in the middle."""
    vertebrae = vertebrae or (vertebra("L3"), vertebra("L4", REFUSED))
    drr = np.zeros(SIZE_PX[::-1], np.float32)
    drr[20:40, 30:50] = np.linspace(1, 2, 20)
    drawn = {one.level: outlines(one.mesh, CAMERA, SIZE_PX) for one in vertebrae}
    found = CtRegistration(vertebrae, None, False, 3.0, ("L5 is elsewhere",))
    return CtAnswer(found, CAMERA, [drawn, drawn], drr, _report(vertebrae))


def _report(vertebrae):
    """As `registration_report` would write it, as far as the module reads it."""
    import json

    from ReVertLib.geometry.sidecar import sidecar_values

    found = {one.level: {"camera_from_ct": one.camera_from_lps.matrix.tolist()} for one in vertebrae}
    return json.dumps({"geometries": [sidecar_values(CAMERA)], "vertebrae": found, "warnings": ["L5 is elsewhere"]})
