"""A reconstructed surface beside the truth, and beside the answer that needs no radiograph at all.

The constant baseline is the mean vertebra of 87 patients. It has no pose of its own, so it is always laid onto the
target: by a similarity where the mesh is, rigidly otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.geometry.levels import LEVELS, NEAREST_LEVEL
from ReVertLib.imaging.label_numbers import vertebra_of
from ReVertLib.imaging.labels import check_is_vertebra, is_cut_off, label_mesh, read_label_map
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.distance import check_closed, vertex_distances_mm
from ReVertLib.mesh.io import MESH_SUFFIXES, read_mesh
from ReVertLib.mesh.mesh import Mesh, mesh_area_mm2
from ReVertLib.mesh.solid import as_solid
from ReVertLib.registration.icp import align

from .records import FIGURES, Comparison, SurfaceMetrics
from .surface import surface_metrics

STAGES = ("Aligning", "Measuring", "Measuring the baseline")
"""What `compare` does, in order; the last only with a baseline."""

_MOST_LOSS_RATIO, _LOSS_LEFT_OPEN = 3.0, 0.1
"""A Dice that is short of 1 by so many times what the distances explain, and so much more, contradicts them."""

_MESH_SUFFIXES = (*MESH_SUFFIXES, ".vtk")
_LABEL_MAP_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".mha", ".mhd")


def read_target(path: str | Path, label: int | None = None, scheme: str | None = None) -> tuple[Mesh, str | None]:
    """The true surface in mm, and its level where the label tells it.

    path: a mesh, in its own frame and without a level, or a label map, in LPS, or a folder of one for each vertebra.
    label may be left out when the map holds only one. scheme: whose numbers the map has, see
    `label_numbers.verse_numbered`. Warns when the label touches the border of the map. Raises InputError naming the
    labels there are.
    """
    path = Path(path)
    name = path.name.lower()
    if name.endswith(_LABEL_MAP_SUFFIXES) or path.is_dir():
        return labelled_target(read_label_map(path), label, path.name, scheme)
    if not name.endswith(_MESH_SUFFIXES):
        expected = ", ".join((*_MESH_SUFFIXES, *_LABEL_MAP_SUFFIXES))
        raise InputError(f"target {path.name}: expected one of {expected}, got {path.suffix or 'no suffix'!r}")
    if label is not None:
        raise InputError(f"label: expected none with the mesh {path.name}, got {label}")
    return read_mesh(path), None


def labelled_target(labels: Volume, label: int | None, name: str, scheme: str | None = None) -> tuple[Mesh, str | None]:
    """`read_target` of a label map in memory; name: how messages call it."""
    present = [int(value) for value in np.unique(labels.array) if value]
    if label is None and len(present) == 1:
        label = present[0]
    if label not in present:
        expected = ", ".join(map(str, present)) or "a map with labels"
        raise InputError(f"label: expected one of {expected} of {name}, got {'none' if label is None else label}")
    check_is_vertebra(labels, label)
    vertebra = vertebra_of(labels, label, name, scheme)
    level = vertebra if vertebra in LEVELS else NEAREST_LEVEL.get(vertebra)
    if level != vertebra and level:
        warnings.warn(f"label {label} is {vertebra}: its baseline is the mean of {level}", stacklevel=3)
    if is_cut_off(labels, label):
        warnings.warn(f"label {label} touches the border of {name}: it may be cut off", stacklevel=3)
    return label_mesh(labels, label), level


def compare(
    mesh: Mesh,
    target: Mesh,
    mode: str,
    level: str | None = None,
    baseline: Mesh | None = None,
    say: Callable[[str], None] = lambda _stage: None,
) -> Comparison:
    """Aligns mesh to target by mode and measures it; baseline is the constant answer for that level, measured likewise.

    say: is told what begins, one of STAGES. Raises InputError for an unknown mode and for surfaces that are open, empty
    or not of a vertebra's size.
    """
    aligning, measuring, measuring_baseline = STAGES
    solid, target = as_solid(mesh, "mesh"), as_solid(target, "target")
    check_closed(solid, "mesh")
    check_closed(target, "target")
    say(aligning)
    alignment = align(solid, target, mode)
    moved = solid.moved(alignment)
    say(measuring)
    metrics, distances = surface_metrics(moved, target), vertex_distances_mm(mesh.moved(alignment), target)
    doubts = tuple(_doubts(metrics, moved, target))
    for doubt in doubts:
        warnings.warn(doubt, stacklevel=2)
    found = baseline_mode = None
    if baseline is not None:
        say(measuring_baseline)
        baseline_mode = "similarity" if mode == "similarity" else "rigid"
        found = baseline_metrics(baseline, target, baseline_mode)
    return Comparison(mode, level, alignment, metrics, distances, found, baseline_mode, doubts)


def _doubts(metrics: SurfaceMetrics, mesh: Mesh, target: Mesh) -> list[str]:
    """What says that figures do not mean what they seem to: surfaces in two frames, an overlap that does not go with
    the distances.

    Surfaces of area A and volume V that are d apart differ by about A d, so that Dice is about 1 - A d / (2 V).
    """
    low, high = (np.stack([m.vertices.min(0), m.vertices.max(0)]) for m in (mesh, target))
    apart_mm = float(np.linalg.norm(np.maximum(np.maximum(low[0] - high[1], high[0] - low[1]), 0)))
    if apart_mm > 0:
        return [f"mesh and target are {apart_mm:.0f} mm apart: two frames? Align them, or bring both into one frame"]
    volume = metrics.volume_mm3 + metrics.target_volume_mm3
    expected_loss = (mesh_area_mm2(mesh) + mesh_area_mm2(target)) * metrics.assd_mm / (2 * volume)
    if 1 - metrics.dice > _MOST_LOSS_RATIO * expected_loss + _LOSS_LEFT_OPEN:
        cause = "does one surface cross itself, or lie double in part?"
        return [f"Dice {metrics.dice:.3f} does not go with HD95 {metrics.hd95_mm:.2f} mm: {cause}"]
    return []


def baseline_metrics(baseline: Mesh, target: Mesh, mode: str) -> SurfaceMetrics:
    """The metrics of the constant answer laid onto target by mode; they do not depend on the target's pose."""
    return surface_metrics(baseline.moved(align(baseline, target, mode)), target)


def comparison_table(comparison: Comparison) -> str:
    """The figures as plain text in aligned columns, with units, the baseline beside the mesh."""
    columns = [comparison.metrics, *([comparison.baseline] if comparison.baseline else [])]
    lines = [f"{'':22}{'':5}{'mesh':>10}" + f"{'baseline':>10}" * (len(columns) - 1)]
    for field, (title, unit, form) in FIGURES.items():
        values = (_figure(field, form, getattr(column, field)) for column in columns)
        lines.append(f"{title:22}{unit:5}" + "".join(f"{value:>10}" for value in values))
    lines.append(f"mesh: {comparison.level or 'level unknown'}, {_alignment_text(comparison)}")
    if comparison.baseline:
        lines.append(f"baseline: mean vertebra of 87 patients, no radiograph, aligned by {comparison.baseline_mode}")
    return "\n".join(lines) + "\n"


def _figure(field: str, form: str, value: float) -> str:
    return "apart" if field == "dice" and value == 0 else form.format(value)


def _alignment_text(comparison: Comparison) -> str:
    if comparison.mode == "none":
        return "not aligned"
    motion = comparison.alignment
    return f"aligned by {comparison.mode}, turned {motion.angle_deg:.1f} degrees, scaled by {motion.scale:.3f}"


def comparison_report(comparison: Comparison) -> dict:
    """The comparison as plain numbers, texts and None for `json.dumps`; the distances as percentiles."""
    percentiles = (0, 5, 50, 95, 100)
    distances = np.percentile(comparison.signed_distance_mm, percentiles)
    motion = comparison.alignment
    return {
        "align": comparison.mode,
        "level": comparison.level,
        "metrics": asdict(comparison.metrics),
        "baseline_align": comparison.baseline_mode,
        "baseline": comparison.baseline and asdict(comparison.baseline),
        "motion": {
            "rotation": motion.rotation.tolist(),
            "rotation_deg": motion.angle_deg,
            "translation_mm": motion.translation_mm.tolist(),
            "scale": motion.scale,
        },
        "signed_distance_percentiles_mm": {str(p): float(d) for p, d in zip(percentiles, distances, strict=True)},
    }
