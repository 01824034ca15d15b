"""Distances to one triangle, the slow way."""

import numpy as np


def triangle_distance(point, a, b, c):
    """Distance of one point to one triangle: the foot of the perpendicular if it is inside, else the nearest side."""
    normal = np.cross(b - a, c - a)
    normal = normal / np.linalg.norm(normal)
    foot = point - (point - a) @ normal * normal
    sides = ((a, b), (b, c), (c, a))
    if all(np.cross(q - p, foot - p) @ normal >= 0 for p, q in sides):
        return abs((point - a) @ normal)
    shares = [np.clip((point - p) @ (q - p) / ((q - p) @ (q - p)), 0, 1) for p, q in sides]
    return min(np.linalg.norm(point - p - s * (q - p)) for s, (p, q) in zip(shares, sides, strict=True))
