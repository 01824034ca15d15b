"""Smooth random fields: Gaussian processes with a Gaussian kernel, of variance 1."""

from __future__ import annotations

import numpy as np

WAVES = 64


def random_fields(
    points: np.ndarray, length_mm: float, count: int, rng: np.random.Generator, waves: int = WAVES
) -> np.ndarray:
    """(n, count) independent fields at points (n, 3), mm, by random Fourier features (Rahimi and Recht, NIPS 2007).
    length_mm: the kernel's standard deviation."""
    directions, phases = rng.normal(0, 1 / length_mm, (3, waves)), rng.uniform(0, 2 * np.pi, waves)
    return np.cos(points @ directions + phases) @ rng.normal(0, np.sqrt(2 / waves), (waves, count))


def random_grid(
    shape: tuple[int, ...], spacing_mm: np.ndarray, length_mm: float, rng: np.random.Generator
) -> np.ndarray:
    """(k, j, i) float32, a field on a grid: noise on a coarser grid, its nodes blurred together. spacing_mm: (3,) of
    the array's axes. length_mm: 1.5 times the kernel's standard deviation."""
    nodes_mm = length_mm / 1.5
    coarse = [int(n * mm / nodes_mm) + 5 for n, mm in zip(shape, spacing_mm, strict=True)]
    field = rng.standard_normal(coarse).astype(np.float32)
    for n, mm, count in zip(shape, spacing_mm, coarse, strict=True):
        off = (np.arange(n) * mm / nodes_mm + 2)[:, None] - np.arange(count)
        weight = np.exp(-(off**2)).astype(np.float32)
        field = np.tensordot(field, weight / np.linalg.norm(weight, axis=1, keepdims=True), ([0], [1]))
    return field
