"""A tiny folder of data: two people made from the template, one of them with a CT, and their shape library."""

import numpy as np
import pytest
from tiny import deformed, write_case

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.registration.correspondence import fitted
from ReVertLib.shape.library import mirror
from ReVertLib.synthesis.shapes import load_vertebra_sampler

FACES = load_template().faces
OFFSET_MM = np.array([60.0, -30.0, 250.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """data/person with CT and label map of a bent L3, and a library in which it stands twice, beside one L5."""
    root = tmp_path_factory.mktemp("library")
    person = deformed(load_template().mean("L3")).moved(RigidTransform.shift(OFFSET_MM))
    write_case(root / "data" / "person", person, "L3", spacing_mm=1.0)
    mirrored = fitted(load_template().mean("L3"), mirror(person))
    rows = [person.vertices, mirrored.vertices, 0.95 * symmetric_means()[4]]
    np.savez(
        root / "shapes.npz",
        vertices=np.array(rows, np.float32),
        case=np.array(["person", "person", "meshes"]),
        label=np.array([22, 22, 24]),
        mirrored=np.array([False, True, False]),
    )
    return root


@pytest.fixture(scope="module")
def sampler(folder):
    return load_vertebra_sampler(folder / "data", folder / "shapes.npz")
