"""The symmetric means: left as right, without folds and slivers, and still the template's."""

import numpy as np
import pytest
from tiny import assert_vertebra, deformed

from ReVertLib.anatomy.symmetric_means import mirror, symmetric, symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.mesh.mesh import Mesh, mesh_volume_mm3, volume_centroid
from ReVertLib.mesh.self_intersection import degenerate_faces, flipped_faces, self_intersections
from ReVertLib.metrics.surface import dice, surface_metrics
from ReVertLib.registration.icp import align

FACES = load_template().faces


def asymmetry_mm(mesh):
    """Mean distance between a surface and its mirror image laid over it."""
    image = mirror(mesh)
    return surface_metrics(image.moved(align(image, mesh, "rigid")), mesh, samples=3000).assd_mm


def test_a_mirror_image_is_wound_outward():
    mesh = load_template().mean("L5").moved(RigidTransform.shift([30.0, 0.0, 0.0]))
    assert mesh_volume_mm3(mirror(mesh)) == pytest.approx(mesh_volume_mm3(mesh))
    assert_vertebra(mirror(mesh))
    assert volume_centroid(mirror(mesh))[0] == pytest.approx(-volume_centroid(mesh)[0])
    assert np.array_equal(mirror(mirror(mesh)).vertices, mesh.vertices)


def test_each_level_is_whole_and_has_no_slivers():
    means = symmetric_means()
    assert len(self_intersections(load_template().mean("L1"))) > 0  # there is something to repair
    for level, near in ((0, 1), (1, 2), (3, 2), (4, 3)):
        mesh = Mesh(means[level], FACES)
        assert_vertebra(mesh)
        assert len(self_intersections(mesh)) == 0
        assert flipped_faces(mesh, means[near]).sum() == 0
        assert degenerate_faces(mesh, means[near], 0.4).sum() == 0
    assert len(self_intersections(Mesh(means[2], FACES))) == 0


def test_they_are_symmetric_and_still_the_means():
    for mean, raw in zip(symmetric_means(), load_template().means.astype(float), strict=True):
        repaired, template = Mesh(mean, FACES), Mesh(raw, FACES)
        assert asymmetry_mm(repaired) < 0.5 * asymmetry_mm(template)
        assert dice(repaired, template) > 0.985


def test_halfway_to_the_mirror_image_by_hand():
    """A vertebra bent to one side is moved by half of what parts it from its mirror image: no farther from one than
    from the other."""
    bent = deformed(load_template().mean("L3"))
    image = mirror(bent)
    image = image.moved(align(image, bent, "rigid"))
    between = symmetric(bent, bent)
    one, other = (surface_metrics(between, side, samples=3000).assd_mm for side in (bent, image))
    assert one > 0.1
    assert one == pytest.approx(other, rel=0.2)
    assert asymmetry_mm(between) < 0.4 * asymmetry_mm(bent)


def test_the_template_is_left_alone():
    before = load_template().means.copy()
    symmetric_means()
    assert np.array_equal(load_template().means, before)
