"""Meshes: predicates by hand, every file format there and back, and files written whole or not at all."""

import numpy as np
import pytest
import vtk
from solids import cube, same_triangles, torus
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, whole_file
from ReVertLib.geometry.transform import RigidTransform, SimilarityTransform
from ReVertLib.geometry.views import rotation_about
from ReVertLib.imaging.labels import mesh_from_mask
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.io import MESH_SUFFIXES, read_mesh, write_mesh
from ReVertLib.mesh.mesh import Mesh, gathered, mesh_quality, mesh_volume_mm3
from ReVertLib.mesh.polydata import decimated, from_polydata, to_polydata


def test_cube_quality():
    quality = mesh_quality(cube())
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 2)
    assert quality.volume_mm3 == pytest.approx(8.0)


def test_torus_quality():
    quality = mesh_quality(torus())
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 0)
    assert quality.volume_mm3 == pytest.approx(2 * np.pi**2 * 30 * 100, rel=0.02)


def test_one_flipped_face_is_noticed():
    mesh = cube()
    faces = mesh.faces.copy()
    faces[3] = faces[3][::-1]
    quality = mesh_quality(Mesh(mesh.vertices, faces))
    assert quality.closed
    assert not quality.consistently_wound


def test_an_inward_cube_has_negative_volume():
    quality = mesh_quality(Mesh(cube().vertices, cube().faces[:, ::-1]))
    assert quality.closed
    assert quality.consistently_wound
    assert quality.volume_mm3 == pytest.approx(-8.0)


def test_an_open_cube_is_noticed():
    quality = mesh_quality(Mesh(cube().vertices, cube().faces[:-1]))
    assert not quality.closed
    assert quality.euler_number == 1
    assert not mesh_quality(Mesh(cube().vertices, np.zeros((0, 3)))).closed


def test_a_double_face_is_not_closed():
    quality = mesh_quality(Mesh(cube().vertices, np.vstack([cube().faces, cube().faces[:1]])))
    assert not quality.closed
    assert not quality.consistently_wound


def test_volume_does_not_depend_on_place():
    assert mesh_volume_mm3(cube(3.0, (1e4, -1e4, 700.0))) == pytest.approx(27.0, rel=1e-9)


def test_moved_by_hand():
    moved = Mesh([[1, 0, 0]], [[0, 0, 0]]).moved(
        SimilarityTransform(rotation_about("z", 90.0), np.array([0, 0, 5]), 3.0)
    )
    assert np.allclose(moved.vertices, [[0, 3, 5]])


def test_mesh_arrays_are_converted():
    mesh = Mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.array([[0, 1, 2]], np.int32))
    assert mesh.vertices.dtype == np.float64
    assert mesh.faces.dtype == np.int64


def test_polydata_round_trip_is_exact_and_a_copy():
    mesh = torus()
    polydata = to_polydata(mesh)
    back = from_polydata(polydata)
    assert np.array_equal(back.vertices, mesh.vertices)
    assert np.array_equal(back.faces, mesh.faces)
    mesh.vertices[0] = 1e6
    assert polydata.GetBounds()[1] < 100


@pytest.mark.parametrize("suffix", [*MESH_SUFFIXES, ".STL"])
def test_round_trip_of_files(tmp_path, suffix):
    """At a camera's distance, where single precision is 6e-5 mm apart."""
    mesh = torus().moved(RigidTransform(rotation_about("x", 33.0), np.array([20, -10, 700])))
    write_mesh(mesh, tmp_path / f"mesh{suffix}")
    back = read_mesh(tmp_path / f"mesh{suffix}")
    assert mesh_quality(back).closed
    assert mesh_quality(back).euler_number == 0
    assert same_triangles(back, mesh, 1e-3)
    assert [p.name for p in tmp_path.iterdir()] == [f"mesh{suffix}"]


def test_vtp_keeps_arrays(tmp_path):
    mesh = cube()
    write_mesh(mesh, tmp_path / "mesh.vtp", {"distance_mm": np.arange(8)})
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "mesh.vtp"))
    reader.Update()
    assert np.array_equal(vtk_to_numpy(reader.GetOutput().GetPointData().GetArray("distance_mm")), np.arange(8))
    assert np.array_equal(read_mesh(tmp_path / "mesh.vtp").vertices, mesh.vertices)


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".vtp", ".vtk"])
@pytest.mark.parametrize("content", [b"", b"this is no mesh\n" * 20, bytes(range(256)) * 4])
def test_not_a_mesh(tmp_path, suffix, content):
    (tmp_path / f"bad{suffix}").write_bytes(content)
    with pytest.raises(InputError, match=f"mesh bad{suffix}: expected a surface with triangles, got none"):
        read_mesh(tmp_path / f"bad{suffix}")


def test_read_errors(tmp_path):
    with pytest.raises(InputError, match=r"mesh gone.stl: expected an existing file, got none"):
        read_mesh(tmp_path / "gone.stl")
    with pytest.raises(InputError, match=r"mesh a.txt: expected one of .stl, .ply, .obj, .vtp, .vtk, got '.txt'"):
        read_mesh(tmp_path / "a.txt")
    with pytest.raises(InputError, match=r"mesh a: expected one of .stl, .+, got 'no suffix'"):
        read_mesh(tmp_path / "a")
    with pytest.raises(InputError, match=r"mesh a.vtk: expected one of .stl, .ply, .obj, .vtp, got '.vtk'"):
        write_mesh(cube(), tmp_path / "a.vtk")


def test_not_finite(tmp_path):
    mesh = cube()
    mesh.vertices[0, 0] = np.nan
    write_mesh(mesh, tmp_path / "nan.ply")
    with pytest.raises(InputError, match=r"mesh nan.ply: expected finite coordinates, got NaN or infinity"):
        read_mesh(tmp_path / "nan.ply")


def test_voxels_inside_a_block_by_hand():
    """Centres at whole mm; a block from 0.5 to 20.5, so 20 of them along each axis."""
    inside = inside_voxels(
        cube(20.0, (0.5, 0.5, 0.5)), np.zeros(3), np.ones(3), np.array([-2, 0, -3]), np.array([30, 25, 22])
    )
    assert inside.shape == (26, 26, 33)
    assert inside.sum() == inside[4:24, 1:21, 3:23].sum() == 20**3


def inside_by_vtk(mesh, origin_mm, spacing_mm, first_ijk, last_ijk):
    """The same by another library, which cuts slices of the surface and fills their outlines."""
    extent = np.stack([first_ijk, last_ijk], 1).ravel().tolist()
    stencil = vtk.vtkPolyDataToImageStencil()
    stencil.SetInputData(to_polydata(mesh))
    stencil.SetOutputOrigin(*origin_mm)
    stencil.SetOutputSpacing(*spacing_mm)
    stencil.SetOutputWholeExtent(*extent)
    image = vtk.vtkImageStencilToImage()
    image.SetInputConnection(stencil.GetOutputPort())
    image.SetOutputScalarTypeToUnsignedChar()
    image.Update()
    values = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars())
    return values.reshape((np.subtract(last_ijk, first_ijk) + 1)[::-1]).astype(bool)


def test_voxels_inside_a_vertebra_are_those_of_vtk():
    """Of a surface that crosses itself, too; and where the grid cuts it off."""
    vertebra = load_template().mean("L2").moved(RigidTransform.shift(np.array([0.1, 0.2, 0.3])))
    twice = gathered([vertebra, vertebra.moved(RigidTransform.shift(np.array([3.0, 5.0, 7.0])))])
    grid = (np.array([-50.0, -60.0, -40.0]), np.array([0.9, 1.0, 1.1]), np.array([3, 0, 1]))
    for mesh, last in ((vertebra, (110, 110, 70)), (twice, (110, 110, 70)), (vertebra, (50, 60, 36))):
        found = inside_voxels(mesh, *grid, np.array(last))
        assert np.array_equal(found, inside_by_vtk(mesh, *grid, np.array(last)))
        assert found.sum() > 3_000


def test_voxels_on_the_surface_are_inside_on_one_side_of_it():
    """A block whose sides, edges and diagonals lie on voxel centres: no line slips through, opposite sides differ."""
    inside = inside_voxels(cube(4.0, (1.0, 1.0, 1.0)), np.zeros(3), np.ones(3), np.zeros(3, int), np.full(3, 6))
    assert np.array_equal(np.argwhere(inside).min(0), [1, 1, 1])
    assert np.array_equal(np.argwhere(inside).max(0), [4, 4, 4])
    assert inside.sum() == 4**3


def test_decimated_keeps_the_shape():
    mesh = torus(n=96, m=48)
    small = decimated(mesh, 1_000)
    assert 900 < len(small.vertices) < 1_100
    quality = mesh_quality(small)
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 0)
    assert quality.volume_mm3 == pytest.approx(mesh_volume_mm3(mesh), rel=0.005)


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_mesh_from_mask_of_a_block(mirror):
    """30 x 20 x 12 voxels of 1 x 1.5 x 2 mm: the volume is kept, the corners only are rounded; wound outward even if
    the voxel axes are left-handed."""
    mask = np.zeros((20, 30, 40), bool)
    mask[4:16, 5:25, 5:35] = True
    affine = np.diag([mirror * 1.0, 1.5, 2.0, 1.0])
    affine[:3, 3] = [7, 8, 9]
    mesh = mesh_from_mask(mask, affine)
    quality = mesh_quality(mesh)
    assert (quality.closed, quality.consistently_wound, quality.euler_number) == (True, True, 2)
    assert quality.volume_mm3 == pytest.approx(30 * 30 * 24, rel=0.01)
    low, high = np.array([7 + mirror * 4.5, 8 + 1.5 * 4.5, 9 + 2 * 3.5]), [7 + mirror * 34.5, 8 + 1.5 * 24.5, 9 + 31]
    assert np.allclose(mesh.vertices.min(0), np.minimum(low, high), atol=0.5)
    assert np.allclose(mesh.vertices.max(0), np.maximum(low, high), atol=0.5)


def test_mesh_from_mask_keeps_the_largest_piece():
    mask = np.zeros((20, 20, 30), bool)
    mask[5:15, 5:15, 3:13] = True
    mask[9:11, 9:11, 25:27] = True
    mesh = mesh_from_mask(mask, np.eye(4))
    assert mesh.vertices[:, 0].max() < 14


def test_whole_file_replaces_only_on_success(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    with whole_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.suffix == path.suffix
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_whole_file_that_was_never_written(tmp_path):
    message = r"output out.txt: expected to be written, got .*No such file"
    with pytest.raises(InputError, match=message), whole_file(tmp_path / "out.txt"):
        pass


def test_check_writable(tmp_path):
    assert check_writable(str(tmp_path / "out.stl")) == tmp_path / "out.stl"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"output: expected an existing folder for out.stl, got"):
        check_writable(tmp_path / "gone" / "out.stl")
    with pytest.raises(InputError, match=r"report: expected a file, got the folder"):
        check_writable(tmp_path, "report")
