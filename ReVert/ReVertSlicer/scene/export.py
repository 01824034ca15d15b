"""Results as files: surfaces for other programs, tables for a spreadsheet; each whole or not at all, without names."""

import csv
from pathlib import Path

from slicer.i18n import tr as _
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, whole_file
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import LPS_FROM_RAS
from ReVertLib.mesh.io import write_mesh
from ReVertLib.mesh.polydata import from_polydata
from ReVertSlicer.input.transforms import toWorld

from .colours import SCALES
from .results_table import NAMES

FRAMES = ("LPS", "RAS")


def exportMesh(modelNode, path, frame="LPS"):
    """Writes a model where it lies in the world, its alignment included, in mm: .stl, .obj, or .ply and .vtp with its
    expected errors and distances; the header names the frame. Raises InputError for another suffix or frame, a path
    that cannot be written, and a model without a surface or under a transform that is not linear."""
    if frame not in FRAMES:
        raise InputError(_("frame: expected LPS or RAS, got {frame!r}").format(frame=str(frame)[:40]))
    polydata = modelNode.GetPolyData()
    if polydata is None or not polydata.GetNumberOfPolys():
        raise InputError(_("model: expected a surface, got none"))
    check_writable(path, "mesh")
    matrix, data = toWorld(modelNode), polydata.GetPointData()
    mesh = from_polydata(polydata).mapped(matrix)
    if frame == "LPS":
        mesh = mesh.moved(RigidTransform.turn(LPS_FROM_RAS))
    values = {name: vtk_to_numpy(data.GetArray(name)) for name in SCALES if data.HasArray(name)}
    write_mesh(mesh, path, values, frame)


def exportTable(tableNode, path):
    """Writes a table as .csv, without the columns that may name a patient. Raises InputError for another suffix and a
    path that cannot be written."""
    path = Path(path)
    if path.suffix.lower() != ".csv":
        suffix = path.suffix or _("no suffix")
        raise InputError(_("table {name}: expected .csv, got {suffix!r}").format(name=path.name, suffix=suffix))
    check_writable(path, "table")
    table = tableNode.GetTable()
    columns = [table.GetColumn(index) for index in range(table.GetNumberOfColumns())]
    columns = [column for column in columns if column.GetName() not in NAMES]
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.GetName() for column in columns])
        for row in range(table.GetNumberOfRows()):
            writer.writerow([column.GetValue(row) for column in columns])
