"""Surface files of other programs are read as VTK reads them, damaged ones are refused in one line, and what a file
says of its frame is heeded."""

import random

import numpy as np
import pytest
import vtk
from solids import cube, same_triangles, torus
from vtk.util.numpy_support import vtk_to_numpy

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.mesh.distance import check_closed
from ReVertLib.mesh.io import read_mesh, write_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3
from ReVertLib.mesh.polydata import from_polydata
from ReVertLib.mesh.polygons import strips, triangles
from ReVertLib.mesh.vtp import vtp_bytes


def source() -> vtk.vtkPolyData:
    """A ball of quadrilaterals and triangles, in strips nowhere."""
    ball = vtk.vtkSphereSource()
    ball.SetRadius(20)
    ball.LatLongTessellationOn()
    ball.Update()
    ball.GetOutput().GetPointData().SetNormals(None)
    return ball.GetOutput()


def written(path, writer, polydata, **settings):
    writer.SetInputData(polydata)
    writer.SetFileName(str(path))
    for name, value in settings.items():
        getattr(writer, f"Set{name}")(value)
    writer.Write()
    return path


VTK_FILES = {
    "ascii.ply": (vtk.vtkPLYWriter, {"FileType": 1}),
    "binary.ply": (vtk.vtkPLYWriter, {"FileType": 2}),
    "big.ply": (vtk.vtkPLYWriter, {"FileType": 2, "DataByteOrder": 1}),
    "ascii4.vtk": (vtk.vtkPolyDataWriter, {"FileType": 1, "FileVersion": 42}),
    "binary4.vtk": (vtk.vtkPolyDataWriter, {"FileType": 2, "FileVersion": 42}),
    "ascii5.vtk": (vtk.vtkPolyDataWriter, {"FileType": 1, "FileVersion": 51}),
    "binary5.vtk": (vtk.vtkPolyDataWriter, {"FileType": 2, "FileVersion": 51}),
    "ascii.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 0}),
    "inline.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 1}),
    "appended.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 2}),
    "raw.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 2, "EncodeAppendedData": 0}),
    "plain.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 1, "CompressorType": 0}),
    "lzma.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 2, "CompressorType": 3}),
    "big.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 1, "ByteOrder": 0, "HeaderType": 32}),
    "blocks.vtp": (vtk.vtkXMLPolyDataWriter, {"DataMode": 1, "BlockSize": 64}),
    "any.obj": (vtk.vtkOBJWriter, {}),
}


@pytest.mark.parametrize("name", VTK_FILES)
def test_files_of_vtk(tmp_path, name):
    writer, settings = VTK_FILES[name]
    mesh = read_mesh(written(tmp_path / name, writer(), source(), **settings))
    expected = from_polydata(source())
    assert np.allclose(mesh.vertices, expected.vertices, atol=1e-4)
    assert len(mesh.faces) == len(expected.faces)
    check_closed(mesh, "mesh")
    assert mesh_volume_mm3(mesh) == pytest.approx(mesh_volume_mm3(expected), rel=2e-3)  # quadrilaterals may be bent


@pytest.mark.parametrize("kind", [1, 2])
def test_stl_of_vtk(tmp_path, kind):
    triangulated = vtk.vtkTriangleFilter()
    triangulated.SetInputData(source())
    triangulated.Update()
    path = written(tmp_path / "ball.stl", vtk.vtkSTLWriter(), triangulated.GetOutput(), FileType=kind)
    assert same_triangles(read_mesh(path), from_polydata(source()), 1e-3)


@pytest.mark.parametrize("suffix", [".vtk", ".vtp"])
def test_strips_of_vtk(tmp_path, suffix):
    stripper = vtk.vtkStripper()
    stripper.SetInputData(source())
    stripper.Update()
    writer = vtk.vtkPolyDataWriter() if suffix == ".vtk" else vtk.vtkXMLPolyDataWriter()
    mesh = read_mesh(written(tmp_path / f"strips{suffix}", writer, stripper.GetOutput()))
    check_closed(mesh, "mesh")
    assert mesh_volume_mm3(mesh) == pytest.approx(mesh_volume_mm3(from_polydata(source())), rel=2e-3)


@pytest.mark.parametrize(
    ("suffix", "reader"),
    [
        (".stl", vtk.vtkSTLReader),
        (".ply", vtk.vtkPLYReader),
        (".obj", vtk.vtkOBJReader),
        (".vtp", vtk.vtkXMLPolyDataReader),
    ],
)
def test_vtk_reads_what_is_written(tmp_path, suffix, reader):
    write_mesh(torus(), tmp_path / f"torus{suffix}", {"error_mm": np.arange(len(torus().vertices))}, "LPS")
    reader = reader()
    reader.SetFileName(str(tmp_path / f"torus{suffix}"))
    reader.Update()
    assert same_triangles(from_polydata(reader.GetOutput()), torus(), 1e-3)
    if suffix == ".vtp":
        found = reader.GetOutput().GetPointData().GetArray("error_mm")
        assert np.array_equal(vtk_to_numpy(found), np.arange(len(torus().vertices)))
        assert reader.GetOutput().GetFieldData().GetAbstractArray("SPACE").GetValue(0) == "LPS"


def test_polygons_by_hand():
    assert triangles([3, 5], [0, 1, 2, 3, 4, 5, 6, 7]).tolist() == [[0, 1, 2], [3, 4, 5], [3, 5, 6], [3, 6, 7]]
    assert triangles([2, 0, 3], [9, 8, 0, 1, 2]).tolist() == [[0, 1, 2]]
    assert strips([4, 3], [0, 1, 2, 3, 4, 5, 6]).tolist() == [[0, 1, 2], [2, 1, 3], [4, 5, 6]]


def test_ply_of_mixed_polygons_colours_and_other_elements(tmp_path):
    text = """ply
format ascii 1.0
comment by hand
element vertex 5
property float x
property float y
property float z
property uchar red
element edge 1
property int a
property int b
element face 5
property uchar flag
property list uchar int vertex_index
end_header
0 0 0 9
2 0 0 9
2 2 0 9
0 2 0 9
1 1 3 9
0 1
7 4 3 2 1 0
7 3 0 1 4
7 3 1 2 4
7 3 2 3 4
7 3 3 0 4
"""
    (tmp_path / "pyramid.ply").write_text(text)
    mesh = read_mesh(tmp_path / "pyramid.ply")
    check_closed(mesh, "mesh")
    assert mesh_volume_mm3(mesh) == pytest.approx(4.0)


def test_obj_of_others(tmp_path):
    """Colours, texture, normals, negative indices and lines that go on."""
    text = "# by hand\no thing\nv 0 0 0 1 0 0\nv 2 0 0 1 0 0\nv 2 2 0 1 0 0\nv 0 2 0 1 0 0\nv 1 1 3 1 0 0\n"
    text += "vt 0 0\nvn 0 0 1\nf 4/1/1 3/1/1 \\\n2/1/1 1/1/1\nf 1//1 2//1 5//1\nf -4 -3 -1\nf 3/1 4/1 5/1\nf 4 1 5\n"
    (tmp_path / "pyramid.obj").write_text(text)
    mesh = read_mesh(tmp_path / "pyramid.obj")
    check_closed(mesh, "mesh")
    assert mesh_volume_mm3(mesh) == pytest.approx(4.0)


def unshared(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(mesh.faces.size).reshape(-1, 3))


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".vtp"])
def test_vertices_of_one_place_are_joined(tmp_path, suffix):
    write_mesh(unshared(cube()), tmp_path / f"open{suffix}")
    mesh = read_mesh(tmp_path / f"open{suffix}")
    assert len(mesh.vertices) == 8
    check_closed(mesh, "mesh")
    assert same_triangles(mesh, cube(), 1e-6)


def test_a_closed_surface_stays_as_it_is(tmp_path):
    """Two cubes that touch in a corner: sixteen vertices, two of them at one place."""
    other = cube(low=(2.0, 2.0, 2.0))
    both = Mesh(np.vstack([cube().vertices, other.vertices]), np.vstack([cube().faces, other.faces + 8]))
    write_mesh(both, tmp_path / "both.ply")
    found = read_mesh(tmp_path / "both.ply")
    assert np.array_equal(found.vertices, both.vertices)
    assert np.array_equal(found.faces, both.faces)


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".vtp"])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_doubled_faces_are_counted_once(tmp_path, suffix, turned, shared):
    again = cube().faces[:, ::-1] if turned else cube().faces
    vertices = cube().vertices if shared else np.vstack([cube().vertices] * 2)
    doubled = Mesh(vertices, np.vstack([cube().faces, again + (0 if shared else 8)]))
    write_mesh(doubled, tmp_path / f"doubled{suffix}")
    with pytest.warns(UserWarning, match=f"mesh doubled{suffix}: 12 of 24 faces lie on others and are left out"):
        mesh = read_mesh(tmp_path / f"doubled{suffix}")
    assert same_triangles(mesh, cube(), 1e-6)


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".obj", ".vtp"])
def test_what_a_file_says_of_its_frame(tmp_path, suffix):
    for frame in ("LPS", "RAS", "camera"):
        path = tmp_path / f"{frame}{suffix}"
        write_mesh(cube(low=(1.0, 2.0, 3.0)), path, frame=frame)
        said = path.read_bytes()[:400].decode("latin-1")
        assert f"ReVert {__version__}, unit mm, frame {frame}" in said
        assert read_mesh(path).vertices.min(0).tolist() == ([-3, -4, 3] if frame == "RAS" else [1, 2, 3])


@pytest.mark.parametrize(
    ("name", "writer", "set_header"),
    [
        ("a.stl", vtk.vtkSTLWriter, "Header"),
        ("b.vtk", vtk.vtkPolyDataWriter, "Header"),
        ("c.ply", vtk.vtkPLYWriter, "AddComment"),
    ],
)
def test_slicers_word_for_the_frame(tmp_path, name, writer, set_header):
    triangulated = vtk.vtkTriangleFilter()
    triangulated.SetInputData(source())
    triangulated.Update()
    writer = writer()
    text = "3D Slicer output. SPACE=RAS"
    writer.AddComment(text) if set_header == "AddComment" else writer.SetHeader(text)
    mesh = read_mesh(written(tmp_path / name, writer, triangulated.GetOutput()))
    expected = from_polydata(triangulated.GetOutput()).vertices * [-1, -1, 1]
    assert np.allclose(np.sort(mesh.vertices[:, 0]), np.sort(expected[:, 0]), atol=1e-3)
    assert np.allclose(mesh.vertices.max(0), expected.max(0), atol=1e-3)
    assert mesh_volume_mm3(mesh) == pytest.approx(mesh_volume_mm3(from_polydata(source())), rel=2e-3)


def test_ply_keeps_values_of_vertices(tmp_path):
    write_mesh(cube(), tmp_path / "a.ply", {"expected_error_mm": np.arange(8) / 4}, "camera")
    reader = vtk.vtkPLYReader()
    reader.SetFileName(str(tmp_path / "a.ply"))
    reader.Update()
    assert reader.GetOutput().GetNumberOfPoints() == 8
    content = (tmp_path / "a.ply").read_bytes()
    body = content[content.index(b"end_header\n") + 11 :]
    assert b"property float expected_error_mm\n" in content
    assert np.frombuffer(body, "<f4", 32).reshape(8, 4)[:, 3].tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]


@pytest.mark.parametrize("name", [*VTK_FILES, "our.stl", "our.ply", "our.obj", "our.vtp"])
def test_damage_is_refused_or_harmless(tmp_path, name):
    """Cut off at any place, with bytes changed or taken out: an InputError or a surface, and nothing else."""
    path = tmp_path / name
    if name in VTK_FILES:
        written(path, VTK_FILES[name][0](), source(), **VTK_FILES[name][1])
    else:
        write_mesh(torus(n=10, m=6), path)
    whole, rng, refused = path.read_bytes(), random.Random(0), 0
    for turn in range(60):
        content, at = bytearray(whole), rng.randrange(len(whole))
        if turn % 3 == 0:
            del content[at:]
        elif turn % 3 == 1:
            content[at % 700 : at % 700 + 1] = rng.choice([b"99999999", b"-1", b"", b"9" * 5000])
        else:
            content[at] = rng.choice(b"09-\xff\x00")
        path.write_bytes(content)
        try:
            mesh = read_mesh(path)
            assert 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices)
        except InputError as error:
            refused += 1
            assert str(error).startswith(f"mesh {name}: expected ")
            assert "\n" not in str(error)
    assert refused >= 10


@pytest.mark.parametrize("suffix", [".ply", ".vtp", ".stl"])
def test_a_cut_off_file_is_called_so(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_mesh(torus(), path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError, match=f"mesh a{suffix}: expected a whole file, got one that is cut off"):
        read_mesh(path)


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".vtp"])
@pytest.mark.parametrize("index", [-30, 8, 2**30])
def test_faces_of_vertices_that_are_not_there(tmp_path, suffix, index):
    faces = cube().faces.copy()
    faces[0, 0] = index
    write_mesh(Mesh(cube().vertices, faces), tmp_path / f"a{suffix}")
    with pytest.raises(InputError, match=rf"mesh a{suffix}: expected faces of the vertices 0 to 7, got"):
        read_mesh(tmp_path / f"a{suffix}")


def test_counts_beyond_the_file_take_no_memory(tmp_path):
    header = b"ply\nformat binary_little_endian 1.0\nelement vertex 2000000000\nproperty double x\nproperty double y\n"
    (tmp_path / "a.ply").write_bytes(header + b"property double z\nend_header\n" + bytes(100))
    (tmp_path / "a.vtk").write_bytes(
        b"# vtk DataFile Version 3.0\n\nASCII\nDATASET POLYDATA\nPOINTS 9000000000 float\n1 2"
    )
    content = vtp_bytes(cube(), "", "", {})
    at = content.index(b'format="binary">') + 16
    (tmp_path / "a.vtp").write_bytes(content[:at] + b"AAAAAAD/" + content[at + 8 :])
    for suffix in (".ply", ".vtk", ".vtp"):
        with pytest.raises(InputError, match="expected a whole file, got one that is cut off"):
            read_mesh(tmp_path / f"a{suffix}")


def as_text(mesh) -> str:
    """An STL file in plain words."""
    facets = (
        "facet normal 0 0 0\nouter loop\n"
        + "".join("vertex {:.6e} {:.6e} {:.6e}\n".format(*corner) for corner in mesh.vertices[face])
        + "endloop\nendfacet\n"
        for face in mesh.faces
    )
    return f"solid a\n{''.join(facets)}endsolid a\n"


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: f"\n  {text}",
        lambda text: f"\ufeff{text}",
        lambda text: text.replace("\n", "\r\n\t"),
        lambda text: text.replace("solid a", "solid a vertex of some facet"),
    ],
    ids=["capitals", "blank", "byte order mark", "CRLF and tabs", "name"],
)
def test_stl_in_text_of_other_writers(tmp_path, change):
    (tmp_path / "a.stl").write_bytes(change(as_text(cube())).encode())
    mesh = read_mesh(tmp_path / "a.stl")
    assert (len(mesh.vertices), len(mesh.faces)) == (8, 12)
    assert mesh_volume_mm3(mesh) == pytest.approx(mesh_volume_mm3(cube()))
