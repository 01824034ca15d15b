"""The shape library: the template registered to every vertebra of a folder, so that all are in correspondence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ReVertLib.anatomy.symmetric_means import mirror, symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import HELD_OUT, find_cases, training_names
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_writable, existing_file, made_folder, whole_file
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS, VERSE_LABELS
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_mesh, mesh_from_mask
from ReVertLib.mesh.inside import inside_voxels
from ReVertLib.mesh.io import read_mesh
from ReVertLib.mesh.mesh import Mesh, face_normals
from ReVertLib.mesh.self_intersection import flipped_faces, self_intersections
from ReVertLib.metrics.surface import surface_metrics
from ReVertLib.progress import log, progress
from ReVertLib.registration.correspondence import fitted, onto_mean
from ReVertLib.registration.untangle import untangled

from .cut_off import Border, continued, cuts

MEAN_SHAPE = "mean_of_87"
"""The folder of mean shapes, which are of no one person."""

FEW_DIRECTIONS, FILLED_GRID_MM = 100, 0.7
THORACIC = {18: "T11", 19: "T12"}
"""Labels that no radiograph is asked for: registered for the variety of their shapes only."""


@dataclass(frozen=True)
class RegisteredVertebrae:
    """The rows of a shape library. vertices: (r, n, 3) mm in the frame of the source, x negated where mirrored. case:
    (r,) names. label: (r,) VerSe's. mirrored: (r,) bool."""

    vertices: np.ndarray
    case: np.ndarray
    label: np.ndarray
    mirrored: np.ndarray

    @classmethod
    def load(cls, path: Path, held_out: Iterable[str] = HELD_OUT) -> RegisteredVertebrae:
        """A library without the rows of held-out people. Raises InputError when there is none, or nobody is left."""
        existing_file(path, "shapes")
        with np.load(path, allow_pickle=False) as file:
            rows = cls(file["vertices"].astype(float), *(file[name] for name in ("case", "label", "mirrored")))
        kept = rows.only(np.isin(rows.case, training_names(rows.case.tolist(), held_out)))
        if len(kept.case) == 0:
            raise InputError(f"shapes {path.name}: expected people who are not held out, got none")
        return kept

    def save(self, path: Path) -> None:
        """Writes the library, whole or not at all, vertices as float32."""
        arrays = vars(self) | {"vertices": self.vertices.astype(np.float32)}
        with whole_file(path) as temporary:
            np.savez_compressed(temporary, **arrays)

    def only(self, chosen: np.ndarray) -> RegisteredVertebrae:
        """The rows chosen (r,) bool."""
        return RegisteredVertebrae(*(column[chosen] for column in vars(self).values()))

    @property
    def lumbar(self) -> np.ndarray:
        """(r,) bool: the rows of levels that radiographs are asked for."""
        return np.isin(self.label, list(LEVEL_OF_LABEL))


def differences_from(means: np.ndarray, rows: RegisteredVertebrae) -> np.ndarray:
    """(r, n, 3) mm: registered vertebrae, laid rigidly over the means (5, n, 3), minus the mean of their level; of L1
    for T11 and T12."""
    means_of_rows = (means[LEVELS.index(LEVEL_OF_LABEL.get(label, "L1"))] for label in rows.label.tolist())
    pairs = zip(rows.vertices, means_of_rows, strict=True)
    return np.stack([onto_mean(vertices, mean) - mean for vertices, mean in pairs])


@dataclass(frozen=True)
class Source:
    """The surface of a real vertebra, T11-L5, mm: from a label map in LPS, from a mesh in its own frame. cuts: where
    the scan ends within the vertebra."""

    case: str
    label: int
    surface: Mesh
    cuts: tuple[Border, ...] = ()

    @property
    def mirrored(self) -> Source:
        """The mirror image."""
        return Source(self.case, self.label, mirror(self.surface), tuple(cut.mirrored for cut in self.cuts))


def sources(
    root: Path, failures: Failures, held_out: Iterable[str] = HELD_OUT, scheme: str | None = None
) -> list[Source]:
    """Every vertebra T11-L5 below root without held-out people, whom the log names: of label maps, and of files
    `<case>/L1.ply`..`L5.ply`. failures: where files that cannot be used are noted. Raises InputError when there is
    none."""
    cases, meshes = find_cases(root, scheme), sorted(root.glob("*/L[1-5].ply"))
    kept = training_names([*(case.name for case in cases), *(path.parent.name for path in meshes)], held_out)
    found = []
    for case in progress([case for case in cases if case.name in kept], "surfaces"):
        with failures.noted(case.name):
            labels = read_vertebrae(case.labels, case.scheme)
            for label in sorted(set(np.unique(labels.array).tolist()) & {*THORACIC, *LEVEL_OF_LABEL}):
                found.append(Source(case.name, label, label_mesh(labels, label), cuts(labels, label)))
    for path in meshes:
        if path.parent.name in kept and path.parent.name != MEAN_SHAPE:
            with failures.noted(f"{path.parent.name}/{path.name}"):
                found.append(Source(path.parent.name, VERSE_LABELS[path.stem], _without_steps(read_mesh(path))))
    if not found:
        expected = "shapes: expected vertebrae of people who are not held out"
        raise_failed(failures.reasons, expected, f"none in {root.name!r}")
        raise InputError(f"{expected}, got none in {root.name!r}")
    return found


def _without_steps(mesh: Mesh) -> Mesh:
    """A surface cut from a mask by marching cubes, which knows few directions, filled again and smoothed as a mask is;
    any other as it is."""
    normals = face_normals(mesh)
    directions = np.unique(np.round(normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12), 2), axis=0)
    if len(directions) > FEW_DIRECTIONS:
        return mesh
    grid = np.diag([*[FILLED_GRID_MM] * 3, 1.0])
    grid[:3, 3] = mesh.vertices.min(0) - FILLED_GRID_MM
    size = np.ceil(np.ptp(mesh.vertices, axis=0) / FILLED_GRID_MM).astype(int) + 2
    filled = inside_voxels(mesh, grid[:3, 3], np.full(3, FILLED_GRID_MM), np.zeros(3, int), size)
    return mesh_from_mask(filled, grid)


def build_library(
    root: Path,
    out: Path,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
) -> None:
    """Registers every vertebra below root and its mirror image to the symmetric mean of its level. Writes the library,
    `RegisteredVertebrae`, to a file OUT.npz. Raises InputError in the end for what could not be used."""
    failures = Failures()
    surfaces = sources(root, failures, held_out, scheme)
    check_writable(made_folder(out.parent) / out.name)
    log.info(f"{len(surfaces)} vertebrae of {len({source.case for source in surfaces})} people")
    faces, means = load_template().faces, symmetric_means()
    starts = {label: Mesh(means[LEVELS.index(level)], faces) for label, level in LEVEL_OF_LABEL.items()}
    starts |= _thoracic_starts(surfaces, Mesh(means[0], faces))
    rows = []
    for source, mirrored in progress([(s, m) for s in surfaces for m in (False, True)], "registered"):
        name = f"{source.case} {(THORACIC | LEVEL_OF_LABEL)[source.label]}{' mirrored' * mirrored}"
        with failures.noted(name):
            wanted, start = source.mirrored if mirrored else source, starts[source.label]
            fit = fitted(start, wanted.surface)
            cut = "  cut off by the scan, continued" if wanted.cuts else ""
            if wanted.cuts:
                fit = continued(fit, start, wanted.cuts)
            log.info(f"{name}: {_quality(fit, onto_mean(start.vertices, fit.vertices), wanted.surface)}{cut}")
            rows.append((fit.vertices, source.case, source.label, mirrored))
    if not rows:
        raise_failed(failures.reasons, f"shapes: expected {len(surfaces)} vertebrae to be registered", "none")
    RegisteredVertebrae(*map(np.stack, zip(*rows, strict=True))).save(out)
    raise_failed(failures.reasons, "shapes: expected every case to be registered", "the others")


def _thoracic_starts(surfaces: Sequence[Source], l1: Mesh) -> dict[int, Mesh]:
    """By label, what T11 and T12 are registered from: the average of their own registrations from l1."""
    found: dict[int, list[np.ndarray]] = {}
    for source in progress([source for source in surfaces if source.label in THORACIC], "thoracic means"):
        fit = fitted(l1, source.surface)
        found.setdefault(source.label, []).append(onto_mean(fit.vertices, l1.vertices))
    return {label: untangled(Mesh(np.mean(fits, axis=0), l1.faces), l1.vertices) for label, fits in found.items()}


def _quality(fit: Mesh, rest: np.ndarray, wanted: Mesh) -> str:
    """How well a fit meets the wanted surface, and whether it is still one; rest (n, 3) is the start laid over it."""
    metrics = surface_metrics(fit, wanted, samples=5_000)
    flipped, crossing = int(flipped_faces(fit, rest).sum()), len(self_intersections(fit))
    volume = metrics.volume_mm3 / metrics.target_volume_mm3
    overlap = f"Dice {metrics.dice:.3f}  HD95 {metrics.hd95_mm:.2f} mm  volume {volume:.3f}"
    return f"{overlap}  flipped {flipped}  crossing {crossing}"
