"""OBJ files (Wavefront): vertices and faces; texture, normals, colours and groups are passed over."""

from __future__ import annotations

import numpy as np

from .mesh import Mesh
from .polygons import Damaged, triangles


def read_obj(content: bytes) -> Mesh:
    """The triangles of an OBJ file, larger polygons cut into triangles. Raises Damaged for lines that are none."""
    vertices, corners, lengths = [], [], []
    for line in content.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").splitlines():
        words = line.split()
        try:
            if words[:1] == [b"v"]:
                x, y, z = words[1:4]
                vertices.append((float(x), float(y), float(z)))
            elif words[:1] == [b"f"]:
                found = [int(word.split(b"/")[0]) for word in words[1:]]
                corners += [len(vertices) + i if i < 0 else i - 1 for i in found]  # -1 is the last one so far
                lengths.append(len(found))
        except ValueError:
            shown = line.decode("latin-1")[:60]
            raise Damaged("vertices 'v x y z' and faces 'f a b c'", f"the line {shown!r}") from None
    return Mesh(np.array(vertices, float).reshape(-1, 3), triangles(np.array(lengths, int), np.array(corners, int)))


def obj_bytes(mesh: Mesh, header: str) -> bytes:
    """An OBJ file with vertices to 1e-6 mm."""
    lines = [f"# {header}", *(f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in mesh.vertices.tolist())]
    lines += [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    return "\n".join([*lines, ""]).encode("ascii")
