"""`revert.measure`: lengths and angles of vertebrae that were reconstructed."""

from __future__ import annotations

from collections.abc import Mapping

from ReVertLib.errors import InputError
from ReVertLib.measurement.measure import Measured, template_vertices
from ReVertLib.measurement.measure import measure as measure_vertebrae
from ReVertLib.measurement.records import Measurements
from ReVertLib.spine.records import FilmResult

from .forms import MeshLike, mesh_of
from .reconstruct import Result


def measure(surfaces: FilmResult | Result | Mapping[str, MeshLike]) -> Measurements:
    """Endplates, heights, pedicles, canal and processes of vertebrae; discs, lordosis, Cobb angle, slip and rotation of
    neighbours.

    surfaces: what `film` made, what `reconstruct` made of an image whose level is given, or {"L3": surface, ...}, all
    in one frame, each as a file (.stl .ply .obj .vtp .vtk), a `Mesh` or (vertices (n, 3), faces (m, 3)), mm: surfaces
    over ReVert's template, whose vertices correspond, as weights of all networks but `sphere` make them.

    The result's `levels`, `discs` and `spine` hold for each name a `value` (mm, degrees or %, three numbers for points
    and directions), its standard deviation to be expected `sd` and whether that makes it `worth_a_look`; of surfaces in
    files or memory the deviations are not known. docs/measurements.md defines every name.

    Raises InputError for a level that is none or not given, and for surfaces that are not over the template.
    """
    if isinstance(surfaces, FilmResult):
        from ReVertLib.spine.measurements import film_measurements

        return film_measurements(surfaces)
    if isinstance(surfaces, Result):
        return _of_result(surfaces)
    if not isinstance(surfaces, Mapping) or not surfaces:
        got = "none" if isinstance(surfaces, Mapping) else f"a {type(surfaces).__name__}"
        raise InputError(f"surfaces: expected what film or reconstruct made, or surfaces by level, got {got}")
    meshes = {level: mesh_of(surface, f"surface {level}") for level, surface in surfaces.items()}
    vertices = {level: template_vertices(mesh, f"surface {level}") for level, mesh in meshes.items()}
    return measure_vertebrae({level: Measured(one) for level, one in vertices.items()}, in_camera=False)


def _of_result(result: Result) -> Measurements:
    level = result.geometry.level
    if level is None:
        raise InputError("level: expected one in the geometry that was reconstructed with, got none")
    vertices = template_vertices(result.mesh, "surface")
    return measure_vertebrae({level: Measured(vertices, result.expected_error_mm, result.error_parts)}, in_camera=True)
