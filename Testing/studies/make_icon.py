"""Draws the module's icon, ReVert/Resources/Icons/ReVert.png: a lumbar vertebra from the side in an X-ray cone.

Run from anywhere: python Testing/studies/make_icon.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Circle, FancyBboxPatch, Polygon
from scipy.interpolate import splev, splprep

ICON = Path(__file__).resolve().parents[2] / "ReVert" / "Resources" / "Icons" / "ReVert.png"
SIDE_PX = 128

NIGHT, GLOW, BEAM, BONE, EDGE = "#13233b", "#f9d67a", "#f6b93b", "#f7f0e1", "#5d4a2f"

# Outline of L3 seen from the left, on a 100 x 100 canvas: body in front (left), processes behind.
BODY_ABOVE = [(13, 69), (22, 67), (32, 66), (43, 67.5), (50, 70)]
UPPER_FACET = [(51, 64), (56, 62), (60, 66), (62, 76), (67, 78), (69, 70), (69, 62)]
SPINOUS = [(74, 58), (82, 55), (90, 51), (91, 44), (90, 37), (84, 37), (76, 43)]
LOWER_FACET = [(71, 42), (72, 33), (69, 26), (64, 27), (63, 36), (61, 46)]
NOTCH_BELOW = [(56, 50), (50, 50), (48, 45), (49, 37), (50, 32)]
BODY_BELOW = [(42, 34.5), (32, 36), (22, 35), (13, 32), (14, 40), (16, 50), (14.5, 61)]


def smooth_outline(corners: list[tuple[float, float]], count: int = 600) -> list[tuple[float, float]]:
    """A closed curve of count points that rounds the corners off."""
    x, y = zip(*corners, corners[0], strict=True)
    spline, _ = splprep([x, y], s=3, per=True)
    return list(zip(*splev([i / count for i in range(count)], spline), strict=True))


def draw(axes: plt.Axes) -> None:
    """The icon on axes that span 100 x 100."""
    tile = FancyBboxPatch((4, 4), 92, 92, boxstyle="round,pad=0,rounding_size=16", facecolor=NIGHT, linewidth=0)
    axes.add_patch(tile)
    for step in range(24):  # thin cones over each other: bright in the middle, fading outward
        half = 44 * (step + 1) / 24
        axes.add_patch(Polygon([(50, 90), (50 - half, 11), (50 + half, 11)], facecolor=GLOW, alpha=0.045, linewidth=0))
    axes.plot([9, 91], [11, 11], color=BEAM, linewidth=2.2, solid_capstyle="round")
    outline = smooth_outline(BODY_ABOVE + UPPER_FACET + SPINOUS + LOWER_FACET + NOTCH_BELOW + BODY_BELOW)
    axes.add_patch(Polygon(outline, facecolor=BONE, edgecolor=EDGE, linewidth=1.5, joinstyle="round"))
    axes.add_patch(Circle((50, 90), 3.6, facecolor=BEAM, edgecolor=NIGHT, linewidth=0.8))


def main() -> None:
    """Writes the icon."""
    figure = plt.figure(figsize=(1, 1), dpi=SIDE_PX)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 100), ylim=(0, 100))
    axes.axis("off")
    draw(axes)
    figure.savefig(ICON, transparent=True, metadata={"Software": None})


if __name__ == "__main__":
    main()
