"""The picture is whole, and shows what it should where it should."""

import numpy as np
import pytest
import SimpleITK as sitk
from few_points import few_points  # noqa: F401
from matplotlib.colors import to_rgb
from solids import ball

from ReVertLib.errors import InputError
from ReVertLib.evaluation.figure_style import BACKGROUND, OUTLINE, TEXT, colour_map
from ReVertLib.evaluation.overview_figure import Scene, demo_picture
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.mesh.colours import SIGNED_DISTANCE_STOPS
from ReVertLib.metrics.compare import compare

CAMERA = Geometry(1000.0, 500.0, (0.5, 0.5), (99.5, 79.5), "L3")
WIDE_PX, HIGH_PX = round(0.472 * 1920), round(0.375 * 1272)
LEFT_PX, TOP_PX, LOWER_PX = (round(x) for x in (0.02 * 1920, (1 - 0.495 - 0.375) * 1272, (1 - 0.1 - 0.375) * 1272))
"""The panel of the radiograph, and the upper edge of the lower view of the surface."""

PIXELS = np.random.default_rng(0).random((160, 200)).astype(np.float32)


def scene(radius, target_radius, mode="none"):
    mesh, target = ball(radius, (3, -2, 500)), ball(target_radius, (3, -2, 500))
    comparison = compare(mesh, target, mode, baseline=target)
    return Scene(PIXELS, CAMERA, mesh, target, comparison, RigidTransform.turn(view_rotation()))


def drawn(path, of):
    demo_picture(path, of, ("A title", "a line", "another"))
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., :3] / 255.0


def near(image, colour, tolerance=0.06):
    return np.abs(image - to_rgb(colour)).max(2) < tolerance


@pytest.fixture(scope="module", autouse=True)
def edges_as_drawn():
    """Surfaces are not drawn larger and shrunk: a quarter of the time, for edges that nobody looks at here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ReVertLib.mesh.render._OVERSAMPLED", 1)
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """By name: too large by 3 mm, and too small by 3 mm."""
    folder = tmp_path_factory.mktemp("pictures")
    return {name: drawn(folder / f"{name}.png", scene(r, t)) for name, r, t in (("large", 15, 12), ("small", 12, 15))}


def test_the_page_is_dark_and_wide(pictures):
    image = pictures["large"]
    assert image.shape == (1272, 1920, 3)
    assert 0.2 < near(image, BACKGROUND, 0.01).mean() < 0.9


@pytest.mark.parametrize(("name", "share"), [("large", 1.0), ("small", 0.8)])
def test_the_silhouette_lies_on_the_radiograph(pictures, name, share):
    """The panel is as high as 1.3 times the larger ball: the outline is a circle of 1 / 2.6 of its height, or 12 / 15
    of that, around its middle."""
    v, u = np.nonzero(near(radiograph(pictures[name]), OUTLINE))
    radii = np.hypot(u - WIDE_PX / 2, v - HIGH_PX / 2)
    assert len(u) > 1_000
    assert radii.mean() == pytest.approx(share * HIGH_PX / 2.6, rel=0.02)
    assert radii.std() < 5


def hue(image):
    """(red - blue) of the coloured pixels of the surface views, but for the axes in their corners."""
    views = np.vstack([image[top : top + HIGH_PX, 1200:1840] for top in (TOP_PX, LOWER_PX)])
    red_less_blue = views[..., 0] - views[..., 2]
    return red_less_blue[np.abs(red_less_blue) > 0.1]


def test_too_large_is_orange_and_too_small_is_blue(pictures):
    assert len(hue(pictures["large"])) > 20_000 and (hue(pictures["large"]) > 0).mean() > 0.99
    assert len(hue(pictures["small"])) > 20_000 and (hue(pictures["small"]) < 0).mean() > 0.99


def test_the_colours_are_told_apart_by_lightness_alone():
    """From the middle both ways the luminance falls, and both ends are equally far: also without any hue, a distance
    is seen; the hues, blue and orange, differ for every common colour vision."""
    luminance = colour_map(SIGNED_DISTANCE_STOPS)(np.linspace(0, 1, 101))[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance[:51]) > 0).all()
    assert (np.diff(luminance[50:]) < 0).all()
    assert abs(luminance[0] - luminance[-1]) < 0.1


def test_the_alignment_moves_the_surface_and_not_the_outline(tmp_path):
    """2 mm beside the truth: aligned, the surface is white all over; the outline stays where it was predicted."""
    mesh, target = ball(12, (5, -2, 500)), ball(12, (3, -2, 500))
    of = Scene(PIXELS, CAMERA, mesh, target, compare(mesh, target, "translation"), RigidTransform.identity())
    image = drawn(tmp_path / "aligned.png", of)
    assert len(hue(image)) < 2_000
    outline = np.nonzero(near(radiograph(image), OUTLINE))[1]
    assert (outline.min() + outline.max()) / 2 > WIDE_PX / 2 + 15


def test_the_bar_is_20_mm_at_the_bone(pictures):
    """The larger ball of 15 mm, at twice the size on the detector, has a circle of HIGH_PX / 2.6 around it; 20 mm are
    4 / 3 of that. Beyond perspective, which draws a ball larger by less than a part in a thousand."""
    lowest = near(radiograph(pictures["large"])[-60:], TEXT)
    bar = lowest.sum(1).max()
    assert bar == pytest.approx(20 / 15 * HIGH_PX / 2.6, abs=4)


def radiograph(image):
    """The panel of the radiograph."""
    return image[TOP_PX : TOP_PX + HIGH_PX, LEFT_PX : LEFT_PX + WIDE_PX]


def test_a_missing_folder_is_said_first(tmp_path):
    with pytest.raises(InputError, match=r"picture: expected an existing folder for x.png, got"):
        demo_picture(tmp_path / "none" / "x.png", None, ("title",))
