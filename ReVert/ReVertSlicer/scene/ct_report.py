"""What is said of an alignment, kept in the scene and written to files: what `revert register` writes."""

import json
from pathlib import Path

import numpy as np
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.files import check_folder, made_folder, write_json
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import LPS_FROM_RAS
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.polydata import from_polydata

from . import hierarchy
from .ct_in_beam import LEVEL

STEM = "ct_alignment"
"""What the names of the files begin with: a node's name may be a patient's."""


def reportOf(radiographNode):
    """What ReVertLib's `registration_report` says, with the versions, as a dict. Raises InputError without any."""
    node = hierarchy.part(radiographNode, "ctReport")
    if node is None:
        raise InputError(_("CT: expected one that was aligned to the radiograph, got none"))
    return json.loads(node.GetText())


def warningsOf(radiographNode):
    """What is to be said of an alignment as a whole, a line each; none where the user has deleted the report."""
    return [] if hierarchy.part(radiographNode, "ctReport") is None else reportOf(radiographNode)["warnings"]


def exportAlignment(radiographNode, folder):
    """Writes of each vertebra the transform from the CT, LPS, to the camera's frame as .tfm and the CT's surface there
    as .stl, camera frame, mm, and all that is known of them as .json. Raises InputError for a folder that cannot be
    written and without an alignment."""
    from ReVertLib.ct_registration.report import write_transform  # brings SimpleITK

    report, folder = reportOf(radiographNode), check_folder(Path(folder), _("Folder"))
    surfaces = {node.GetAttribute(LEVEL): node for node in hierarchy.parts(radiographNode, "ctSurface")}
    made_folder(folder)
    for level, one in report["vertebrae"].items():
        camera = RigidTransform.from_matrix(np.array(one["camera_from_ct"]))
        write_transform(folder / f"{STEM}_{level}.tfm", camera)
        if level in surfaces:
            mesh = from_polydata(surfaces[level].GetPolyData())
            moved = mesh.moved(camera @ RigidTransform.turn(LPS_FROM_RAS))
            write_mesh(moved, folder / f"{STEM}_{level}.stl", frame="camera")
    write_json(folder / f"{STEM}.json", report)
