"""Radiographs of one vertebra: orientation, silhouette, box, context, grey values."""

from dataclasses import replace

import numpy as np
import pytest
from phantoms import L3, ball, scene
from projections import vertebra_drr

from ReVertLib.errors import InputError
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.labels import label_mesh, read_label_map
from ReVertLib.imaging.radiograph import read_radiograph
from ReVertLib.imaging.volume import Volume, read_volume
from ReVertLib.mesh.silhouette import silhouette
from ReVertLib.projection.drr import Drr, DrrView, Vertebra, _box, c_arm

SIZE_PX = (112, 112)
CAMERA = c_arm(112)


def limbs() -> tuple[Volume, Volume]:
    """A body with one limb each to the patient's left (+x), front (-y) and top (+z), by length 10, 14 and 18 mm."""
    return scene((L3, (0, 0, 0), 9.0), (L3, (10, 0, 0), 4.0), (L3, (0, -14, 0), 4.0), (L3, (0, 0, 18), 4.0))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


def bright(drr: Drr) -> np.ndarray:
    return drr.pixels > 0.05 * 65535


def reach(drr: Drr) -> tuple[float, float, float, float]:
    """How far the projection goes from the principal point to the left, up, right and down, mm at the object."""
    v, u = np.nonzero(bright(drr))
    mm = 130.0 / drr.pixels.shape[1]
    cu, cv = drr.geometry.principal_point_px
    return (cu - u.min()) * mm, (cv - v.min()) * mm, (u.max() - cu) * mm, (v.max() - cv) * mm


def test_the_default_camera_covers_130_mm_at_the_object():
    camera = c_arm()
    left, right = camera.backproject(np.array([[-0.5, 0.0], [223.5, 0.0]]), camera.sod_mm)
    assert right[0] - left[0] == pytest.approx(130.0)
    assert (camera.sdd_mm, camera.sod_mm, camera.principal_point_px) == (1020.0, 600.0, (111.5, 111.5))
    assert c_arm(pixel_spacing_mm=0.3).pixel_spacing_mm == (0.3, 0.3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size_px": 16}, "size: expected 32 to 8192 pixels a side, got 16"),
        ({"sod_mm": 0}, "sod_mm: expected 0 < sod_mm < sdd_mm = 1020, got 0"),
        ({"sod_mm": 1020}, "sod_mm: expected 0 < sod_mm"),
        ({"pixel_spacing_mm": -1}, "pixel_spacing_mm: expected two positive numbers"),
    ],
)
def test_impossible_cameras(options, message):
    with pytest.raises(InputError, match=message):
        c_arm(**options)


def test_angles_must_be_numbers():
    with pytest.raises(InputError, match="view: expected finite angles for yaw, pitch and roll, got"):
        DrrView(pitch_deg=float("nan"))


@pytest.mark.parametrize(
    ("view", "limb_to"),
    [
        # Where the limbs of 14 (left: 10 + 4), 18 (front: 14 + 4) and 22 mm (top: 18 + 4) stick out of the 9 mm body.
        (DrrView(), {"right": 14, "up": 22}),
        (DrrView(yaw_deg=180), {"left": 14, "up": 22}),
        (DrrView(yaw_deg=90), {"left": 18, "up": 22}),
        (DrrView(yaw_deg=-90), {"right": 18, "up": 22}),
        (DrrView(pitch_deg=90), {"right": 14, "up": 18}),
        (DrrView(pitch_deg=-90), {"right": 14, "down": 18}),
        (DrrView(roll_deg=90), {"up": 14, "left": 22}),
    ],
)
def test_every_turn_has_the_sign_that_is_promised(view, limb_to):
    drr = vertebra_drr(*limbs(), L3, view, CAMERA, SIZE_PX)
    # The principal ray passes the centroid, which the limbs pull away from the body's centre.
    x, y, _ = view_rotation(view.yaw_deg, view.pitch_deg, view.roll_deg) @ np.argwhere(limbs()[1].array).mean(0)[::-1]
    x0, y0, _ = view_rotation(view.yaw_deg, view.pitch_deg, view.roll_deg) @ [33.5, 31.5, 29.5]
    pulled = {"left": x - x0, "up": y - y0, "right": x0 - x, "down": y0 - y}
    for (side, pull), found in zip(pulled.items(), reach(drr), strict=True):
        assert found - pull == pytest.approx(limb_to.get(side, 9), abs=2.0), side


def test_a_steep_beam_throws_what_lies_behind_down():
    ct, labels = scene((L3, (0, 0, 0), 9.0), (L3, (0, 24, 0), 4.0))
    drr = vertebra_drr(ct, labels, L3, DrrView(pitch_deg=30), CAMERA, SIZE_PX)
    _, up, _, down = reach(drr)
    # 24 mm behind and 30 degrees below the beam: sin 30 * 24 + 4 mm down against 9 mm of the body up.
    assert down - up == pytest.approx(16 - 9, abs=3.0)


@pytest.mark.parametrize("view", [DrrView(), DrrView(90), DrrView(25, 10, 5)])
def test_the_true_surface_covers_its_image(view):
    drr = vertebra_drr(*ball(), L3, view, CAMERA, SIZE_PX)
    assert overlap(silhouette(drr.mesh, drr.geometry, SIZE_PX), bright(drr)) > 0.95


CASES = [("sample", "L3", 22), ("demo", "L1", 20)]


@pytest.mark.parametrize(("case", "level", "label"), CASES)
@pytest.mark.parametrize(("name", "yaw"), [("ap", 0), ("lateral", 90), ("oblique", 25)])
def test_the_bundled_cases_are_made_from_their_own_ct(resources, case, level, label, name, yaw):
    folder = resources / case
    ct, labels = read_volume(folder / "ct.nii.gz"), read_label_map(folder / "segmentation.nii.gz")
    drr = vertebra_drr(ct, labels, label, DrrView(yaw), c_arm(), (224, 224))
    assert overlap(silhouette(drr.mesh, drr.geometry, (224, 224)), drr.pixels > 0.02 * 65535) > 0.96
    image = folder / f"verse008_{level}_{name}.png"
    shipped = read_radiograph(image)
    message = "regenerate with `python Testing/studies/make_sample.py CASE`"
    assert np.abs(shipped.pixels - drr.pixels).max() <= 66, message  # 0.1 % of the range, for other machines
    geometry = complete_geometry(read_sidecar(sidecar_path(image)), (224, 224))
    assert replace(geometry, box_px=None) == replace(drr.geometry, box_px=None), message
    assert np.allclose(geometry.box_px, drr.geometry.box_px, atol=1), message
    assert (shipped.bit_depth, shipped.inverted, drr.warnings) == (16, False, ())


@pytest.mark.parametrize(("case", "level", "label"), CASES)
def test_the_bundled_cases_are_small_and_hold_one_label(resources, case, level, label):
    folder = resources / case
    assert sum(path.stat().st_size for path in folder.iterdir()) < 700_000
    assert np.unique(read_label_map(folder / "segmentation.nii.gz").array).tolist() == [0, label]


def test_the_box_has_a_border_of_one_pixel():
    """Points in columns 10 to 30 and rows 21 to 40 of an image that holds them all, then of one that is smaller."""
    points = np.array([[10.2, 20.6], [30.4, 40.4]])
    assert _box(points, (64, 48)) == ((9.0, 20.0, 32.0, 42.0), True)
    assert _box(points, (30, 41)) == ((9.0, 20.0, 30.0, 41.0), False)


def test_geometry_names_level_and_box_and_the_surface_stands_at_its_place():
    ct, labels = ball()
    drr = vertebra_drr(ct, labels, L3, DrrView(30, 20, 10), CAMERA, SIZE_PX)
    u0, v0, u1, v1 = (int(b) for b in drr.geometry.box_px)
    v, u = np.nonzero(bright(drr))
    assert drr.geometry.level == "L3"
    assert u0 <= u.min() <= u0 + 2 and v0 <= v.min() <= v0 + 2
    assert u1 - 3 <= u.max() < u1 and v1 - 3 <= v.max() < v1
    assert drr.geometry.view_deg == (30, 20, 10)
    assert replace(drr.geometry, level=None, box_px=None, view_deg=None) == CAMERA
    # A ball's surface is 15 mm from its centre, which stands on the principal ray.
    assert np.allclose(np.linalg.norm(drr.mesh.vertices - [0, 0, 600.0], axis=1), 15.0, atol=0.7)
    lps = label_mesh(labels, L3).vertices
    assert np.allclose(drr.camera_from_lps.apply(lps), drr.mesh.vertices)


def test_the_grey_value_is_the_line_integral_up_to_scale():
    drr = vertebra_drr(*ball(), L3, DrrView(), CAMERA, SIZE_PX)
    assert drr.pixels.dtype == np.uint16 and drr.pixels.max() == 65535
    # A chord at distance r from a ball's centre is as long as sqrt(R^2 - r^2).
    centre = drr.geometry.principal_point_px
    at = np.rint([centre[0] + 9.0 * 112 / 130, centre[1]]).astype(int)
    r = np.abs(at[0] - centre[0]) * 130 / 112
    assert drr.pixels[at[1], at[0]] / 65535 == pytest.approx(np.sqrt(1 - (r / 15.0) ** 2), abs=0.03)


def test_context_shows_what_isolation_hides():
    ct, labels = scene((L3, (-14, 0, 0), 10.0), (23, (14, 0, 0), 10.0))
    alone = vertebra_drr(ct, labels, L3, DrrView(), CAMERA, SIZE_PX)
    context = vertebra_drr(ct, labels, L3, DrrView(), CAMERA, SIZE_PX, context=True)
    other = vertebra_drr(ct, labels, 23, DrrView(), CAMERA, SIZE_PX)
    assert alone.geometry == context.geometry
    offset = round(28 * 112 / 130)  # the other ball, in pixels from the one in the middle
    assert alone.pixels[55, 55 + offset] == 0
    assert context.pixels[55, 55 + offset] > 0.95 * context.pixels[55, 55]
    assert other.pixels[55, 55 - offset] == 0
    water = context.pixels[30, 55]  # above both balls: water all the way
    assert 0 < water < 0.95 * context.pixels[55, 55]
    assert alone.pixels[30, 55] == 0


def test_another_label_within_the_box_is_hidden_too():
    ct, labels = limbs()
    alone = vertebra_drr(ct, labels, L3, DrrView(), CAMERA, SIZE_PX)
    ct, labels = scene((23, (9, -9, 15), 3.0), hu=900.0)
    for volume, part in zip(limbs(), (ct, labels), strict=True):
        part.array[volume.array != 0] = volume.array[volume.array != 0]
    assert (labels.array == 23).sum() > 50
    assert np.array_equal(vertebra_drr(ct, labels, L3, DrrView(), CAMERA, SIZE_PX).pixels, alone.pixels)


def test_what_lies_around_an_isolated_vertebra_does_not_matter():
    ct, labels = ball()
    part = [v.cropped(np.array([12, 8, 10]), np.array([60, 50, 52])) for v in (ct, labels)]
    whole = vertebra_drr(ct, labels, L3, DrrView(25), CAMERA, SIZE_PX)
    cropped = vertebra_drr(*part, L3, DrrView(25), CAMERA, SIZE_PX)
    assert np.abs(whole.pixels.astype(int) - cropped.pixels).max() <= 2
    assert np.allclose(whole.mesh.vertices, cropped.mesh.vertices)
    assert whole.geometry == cropped.geometry


def test_the_same_input_gives_the_same_image():
    first, second = (vertebra_drr(*ball(), L3, DrrView(25), CAMERA, SIZE_PX) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    one = Vertebra(*ball(), L3)
    one.drr(DrrView(90), CAMERA, SIZE_PX)
    assert np.array_equal(one.drr(DrrView(25), CAMERA, SIZE_PX).pixels, first.pixels)


def test_warns_of_a_cut_off_vertebra_and_of_one_that_leaves_the_image():
    ct, labels = scene((L3, (28.0, 0, 0), 12.0))
    assert vertebra_drr(ct, labels, L3, DrrView(), CAMERA, SIZE_PX).warnings == (
        "the vertebra touches the CT's border: it may be cut off",
    )
    for principal_point, side, border in (((5.0, 55.5), 0, 0), ((55.5, 5.0), 1, 0), ((108.0, 55.5), 2, 112)):
        aside = replace(CAMERA, principal_point_px=principal_point)
        drr = vertebra_drr(*ball(), L3, DrrView(), aside, SIZE_PX)
        assert drr.warnings == ("the vertebra's projection leaves the image",)
        assert drr.geometry.box_px[side] == border
    assert vertebra_drr(*ball(), L3, DrrView(), CAMERA, SIZE_PX).warnings == ()
