"""What the colours of a surface mean, wherever it is drawn: stops, evenly spaced between two limits in mm."""

from __future__ import annotations

import numpy as np

EXPECTED_ERROR_STOPS = ("#f3efe6", "#fbd48a", "#f19a52", "#d2504f", "#8e2a66", "#43164f")
EXPECTED_ERROR_LIMITS_MM = (0.0, 5.0)
SIGNED_DISTANCE_STOPS = ("#0b3c78", "#2f7fc4", "#8fc1e3", "#f3efe6", "#f6bd7f", "#e2711d", "#8c2d04")
"""Blue through bone to orange: told apart by every kind of colour vision. Inside the truth, on it, outside."""
SIGNED_DISTANCE_LIMITS_MM = (-4.0, 4.0)


def shades(values: np.ndarray, stops: tuple[str, ...], limits: tuple[float, float]) -> np.ndarray:
    """(k, 3) RGB in 0..1 of values (k,) between limits; beyond them as at them."""
    corners = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in stops]) / 255
    places = np.linspace(*limits, len(corners))
    return np.stack([np.interp(values, places, channel) for channel in corners.T], 1)
