"""Images of what is no lumbar vertebra, drawn: the thickness of simple solids, and a page of text."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

SIZE_PX = 224
FIELD_MM = 132.0
"""What SIZE_PX pixels show at the depth of a vertebra, about as much as in the images of a data set."""


def _grid() -> tuple[np.ndarray, np.ndarray]:
    """(SIZE_PX, SIZE_PX) u and v of each pixel, mm from the middle."""
    along = (np.arange(SIZE_PX) - (SIZE_PX - 1) / 2) * FIELD_MM / SIZE_PX
    return np.meshgrid(along, along)


def ball(centre: tuple[float, float], radii: tuple[float, float, float], turn_deg: float = 0.0) -> np.ndarray:
    """Thickness of an ellipsoid, mm, seen along its third axis."""
    u, v = _grid()
    cos, sin = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    a = ((u - centre[0]) * cos + (v - centre[1]) * sin) / radii[0]
    b = ((v - centre[1]) * cos - (u - centre[0]) * sin) / radii[1]
    return 2 * radii[2] * np.sqrt(np.clip(1 - a**2 - b**2, 0, None))


def rod(start: tuple[float, float], end: tuple[float, float], radius: float) -> np.ndarray:
    """Thickness of a tube with round ends, mm."""
    u, v = _grid()
    d = np.subtract(end, start)
    t = np.clip(((u - start[0]) * d[0] + (v - start[1]) * d[1]) / (d @ d), 0, 1)
    off = np.hypot(u - start[0] - t * d[0], v - start[1] - t * d[1])
    return 2 * np.sqrt(np.clip(radius**2 - off**2, 0, None))


def hand(rng: np.random.Generator) -> np.ndarray:
    """Five rays of four bones, joints between them, and flesh around."""
    bone = flesh = np.zeros((SIZE_PX, SIZE_PX))
    for i, fan in enumerate(np.radians([-125, -108, -95, -82, -66]) + rng.normal(0, 0.05, 5)):
        at, step = np.array([-24.0 + 12 * i, 30.0]), np.array([np.cos(fan), np.sin(fan)])
        for length in np.array([45.0, 28.0, 18.0, 12.0]) * (0.7 if i == 0 else 1.0):
            bone = bone + rod(at, at + (length - 4) * step, 4.0)
            flesh = np.maximum(flesh, rod(at, at + length * step, 8.0))
            at = at + length * step
    carpals = sum(ball((u, v), (6.0, 6.0, 6.0)) for u in (-18, -6, 6, 18) for v in (36, 47))
    return bone + carpals + 0.4 * (flesh + ball((0, 40), (34, 22, 12)))


def skull(rng: np.random.Generator) -> np.ndarray:
    """A shell with orbits, teeth and a jaw."""
    size = rng.uniform(0.9, 1.1)
    shell = ball((0, -10), (62 * size, 70 * size, 80)) - ball((0, -10), (57 * size, 65 * size, 74))
    orbits = sum(ball((u, 12), (15, 13, 20)) for u in (-22, 22))
    teeth = sum(rod((u, 46), (u, 54), 2.5) for u in range(-18, 19, 6))
    return np.clip(shell + 0.3 * ball((0, -10), (57, 65, 74)) - 0.4 * orbits, 0, None) + 2 * teeth


def chest(rng: np.random.Generator) -> np.ndarray:
    """Ribs over dark lungs, a heart, and a thin spine in the middle."""
    found = 0.25 * ball((0, 0), (120, 120, 100)) + 0.4 * ball((12, 30), (30, 35, 40))
    for lung in (-38, 38):
        found = found - 0.2 * ball((lung, 0), (30, 65, 80))
    for v in np.arange(-60, 61, 17) + rng.normal(0, 2):
        for side in (-1, 1):
            for a, b in ((0, 28), (28, 60)):
                found = found + rod((side * a, v + 0.25 * a), (side * b, v + 0.35 * b), 4.0)
    return np.clip(found + 0.5 * rod((0, -80), (0, 80), 11), 0, None)


def cervical(rng: np.random.Generator) -> np.ndarray:
    """Seven small bodies with spinous processes, seen from the side, in a neck."""
    found = 0.3 * rod((0, -80), (0, 80), 45)
    for i, v in enumerate(np.arange(-54, 55, 18)):
        u = 6 * np.sin(i / 2) + rng.normal(0, 1)
        found = found + sum(rod((u + du, v - 4), (u + du, v + 4), 5.0) for du in (-4, 0, 4))
        found = found + rod((u + 14, v + 2), (u + 30, v + 8), 3.5)
    return found


def text(rng: np.random.Generator) -> np.ndarray:
    """Lines of letters, bright on dark."""
    page = Image.new("L", (SIZE_PX, SIZE_PX), 0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz   "))
    for v in range(6, SIZE_PX, 13):
        ImageDraw.Draw(page).text((6, v), "".join(rng.choice(letters, 34)), fill=255)
    return np.asarray(page, float)


def implant(rng: np.random.Generator) -> np.ndarray:
    """A stemmed hip: a ball, a neck, a long stem, all of metal, in a thigh."""
    tilt = rng.uniform(-0.2, 0.2)
    stem = rod((-8, -18), (6 + 40 * tilt, 60), 9)
    return 5 * (ball((22, -40), (17, 17, 17)) + rod((22, -40), (-8, -18), 6) + stem) + rod((0, -20), (10, 80), 18)


PHANTOMS = {
    "hand": hand,
    "skull": skull,
    "chest": chest,
    "cervical spine": cervical,
    "page of text": text,
    "hip implant": implant,
}
