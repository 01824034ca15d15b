"""The shape model: what a lumbar vertebra may look like, as a Gaussian process around the mean of its level.

A displacement u(x), mm, of the points x of the mean, the same for all levels, has the covariance

    modes^2 M M^T + local^2 (M M^T) o K_local + strain^2 S S^T + broad^2 K_broad I + fine^2 K_fine I + noise^2 I

M: the modes of the registered people and their mirror images, about the per-level mean of 87, size included.
(M M^T) o K: the same modes, but with amplitudes that vary along the bone (localised as by Wilms et al., Medical Image
Analysis 2017). S: the six linear strains. K: Gaussian kernels in space (Lüthi et al., IEEE PAMI 2018). The amplitudes
are those under which people left out are most likely (`Widths.chosen`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.optimize import minimize
from scipy.sparse.csgraph import connected_components

from ReVertLib.anatomy.template import load_template
from ReVertLib.dataset.cases import HELD_OUT, is_held_out
from ReVertLib.files import existing_file, whole_file
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.progress import log, progress
from ReVertLib.registration.correspondence import centred, onto_mean
from ReVertLib.registration.nonrigid import farthest_points, gaussian
from ReVertLib.registration.untangle import untangled

from .library import RegisteredVertebrae, differences_from
from .random_field import random_fields

MODE_COUNT = 24
LIKELIHOOD_POINTS = 200
LOCAL_RANK, FIELD_RANK = 100, 400
FIELD_WAVES = 128


@dataclass(frozen=True)
class ShapeLibrary:
    """The shape library about the means. differences: (r, n, 3) mm, registered vertices minus the mean of their level,
    or minus the average of their own label for T11 and T12. person: (r,), label: (r,), mirrored: (r,) bool."""

    differences: np.ndarray
    person: np.ndarray
    label: np.ndarray
    mirrored: np.ndarray

    def only(self, chosen: np.ndarray) -> ShapeLibrary:
        """The rows chosen (r,) bool."""
        return ShapeLibrary(*(getattr(self, name)[chosen] for name in ("differences", "person", "label", "mirrored")))

    @property
    def lumbar(self) -> np.ndarray:
        """(r,) bool: the rows of levels that radiographs are asked for."""
        return np.isin(self.label, list(LEVEL_OF_LABEL))

    @property
    def lumbar_persons(self) -> list[str]:
        """Who has a lumbar vertebra, by name."""
        return np.unique(self.person[self.lumbar]).tolist()


def load_shape_library(path: Path, means: np.ndarray, held_out: Iterable[str] = HELD_OUT) -> ShapeLibrary:
    """The library that `library.build_library` wrote, about means (5, n, 3), without held-out people. Raises InputError
    when there is none."""
    rows = RegisteredVertebrae.load(path, held_out)
    differences = differences_from(means, rows)
    for other in set(rows.label.tolist()) - set(LEVEL_OF_LABEL):
        differences[rows.label == other] -= differences[rows.label == other].mean(0)
    return ShapeLibrary(differences, _persons(rows.case), rows.label, rows.mirrored)


def _persons(cases: np.ndarray) -> np.ndarray:
    """Who each case is, by the shortest name: cases of which one is held out with the other are of one person."""
    names = sorted(set(cases.tolist()), key=lambda name: (len(name), name))
    together = np.array([[is_held_out(name, [other]) for other in names] for name in names])
    numbers = connected_components(together, directed=False)[1].tolist()
    person_of = {name: names[numbers.index(number)] for name, number in zip(names, numbers, strict=True)}
    return np.array([person_of[case] for case in cases.tolist()])


@dataclass(frozen=True)
class Widths:
    """Amplitudes and lengths of the parts of the covariance: *_mm in mm, the others are plain factors."""

    modes: float = 0.8
    local: float = 0.5
    local_mm: float = 30.0
    strain: float = 0.02
    broad_mm: float = 0.5
    broad_length_mm: float = 25.0
    fine_mm: float = 0.5
    fine_length_mm: float = 8.0
    noise_mm: float = 0.3

    @classmethod
    def chosen(cls, library: ShapeLibrary, points: np.ndarray, evaluations: int = 600) -> Widths:
        """The widths under which each person is most likely, given the modes of the others: Nelder and Mead on the
        logarithms. points: (n, 3) the mean that the kernels are measured on."""
        score = _LeaveOneOut.of(library, points)
        bar = progress(range(evaluations), "widths")
        start = np.log(astuple(cls()))
        simplex = np.vstack([start, start + 0.5 * np.eye(len(start))])
        options = {"maxfev": evaluations, "initial_simplex": simplex, "adaptive": True, "xatol": 0.02, "fatol": 0.1}

        def cost(logarithms: np.ndarray) -> float:
            next(bar, None)
            return -score(cls(*np.exp(logarithms)))

        best = minimize(cost, start, method="Nelder-Mead", options=options)
        return cls(*np.exp(best.x).tolist())


@dataclass(frozen=True)
class _LeaveOneOut:
    """The log likelihood of every person's lumbar vertebrae at some points, given the modes of all others."""

    points: np.ndarray
    folds: tuple[tuple[np.ndarray, np.ndarray], ...]  # (3 p, k) modes, (3 p, r) differences of the one left out

    @classmethod
    def of(cls, library: ShapeLibrary, points: np.ndarray) -> _LeaveOneOut:
        at = farthest_points(points, LIKELIHOOD_POINTS)
        folds = []
        for person in library.lumbar_persons:
            own = library.person == person
            modes = modes_of(library.only(~own).differences)[:, at]
            left_out = library.only(own & library.lumbar).differences[:, at]
            folds.append((modes.reshape(len(modes), -1).T, left_out.reshape(len(left_out), -1).T))
        return cls(points[at], tuple(folds))

    def __call__(self, widths: Widths) -> float:
        """The mean over the vertebrae, nats."""
        total = count = 0.0
        for modes, left_out in self.folds:
            factor = cholesky(covariance(widths, self.points, modes), lower=True)
            white = solve_triangular(factor, left_out, lower=True)
            norm = np.log(np.diag(factor)).sum() + 0.5 * len(factor) * np.log(2 * np.pi)
            total -= 0.5 * (white**2).sum() + norm * left_out.shape[1]
            count += left_out.shape[1]
        return total / count


def modes_of(differences: np.ndarray, count: int = MODE_COUNT) -> np.ndarray:
    """(k, n, 3) mm: principal modes of differences (r, n, 3) about zero, each times its standard deviation."""
    rows = differences.reshape(len(differences), -1) / np.sqrt(len(differences))
    _, sizes, directions = np.linalg.svd(rows, full_matrices=False)
    return (sizes[:, None] * directions)[:count].reshape(-1, *differences.shape[1:])


def covariance(widths: Widths, points: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """(3 p, 3 p) mm^2: the formula of this file's head at points (p, 3), with modes (3 p, k) there."""
    empirical = modes @ modes.T
    strains = strains_of(points).reshape(6, -1).T
    total = empirical * np.kron(
        widths.modes**2 + widths.local**2 * gaussian(points, points, widths.local_mm), np.ones((3, 3))
    )
    smooth = widths.broad_mm**2 * gaussian(points, points, widths.broad_length_mm)
    smooth += widths.fine_mm**2 * gaussian(points, points, widths.fine_length_mm)
    total += np.kron(smooth, np.eye(3)) + widths.strain**2 * strains @ strains.T
    return total + widths.noise_mm**2 * np.eye(len(total))


def strains_of(points: np.ndarray) -> np.ndarray:
    """(6, n, 3) displacements of points (n, 3) by a strain of 1 along x, y, z, and by shears of 1 in xy, yz, zx."""
    fields = np.zeros((6, len(points), 3))
    for i in range(3):
        j = (i + 1) % 3
        fields[i, :, i] = points[:, i]
        fields[3 + i, :, i], fields[3 + i, :, j] = points[:, j] / 2, points[:, i] / 2
    return fields


@dataclass(frozen=True)
class ShapeModel:
    """means: (5, n, 3) mm, canonical frame, L1..L5. modes: (k, n, 3) mm, times their standard deviations."""

    means: np.ndarray
    modes: np.ndarray
    widths: Widths

    @cached_property
    def points(self) -> np.ndarray:
        """(n, 3) mean L3, on which the kernels are measured for every level."""
        return self.means[2]

    def sample(self, level: int, rng: np.random.Generator) -> Mesh:
        """A sample of the model, level 0..4, canonical frame, without folds."""
        w, count = self.widths, len(self.modes)
        fields = partial(random_fields, self.points, rng=rng, waves=FIELD_WAVES)
        size = w.modes * rng.normal(size=count) + w.local * fields(w.local_mm, count)
        mean = self.means[level]
        moved = mean + np.einsum("nk,knd->nd", size, self.modes)
        moved += w.strain * np.tensordot(rng.normal(size=6), strains_of(self.points), 1)
        moved += w.broad_mm * fields(w.broad_length_mm, 3)
        moved += w.fine_mm * fields(w.fine_length_mm, 3)
        return centred(untangled(Mesh(onto_mean(moved, mean), load_template().faces), mean))

    def basis(self, count: int) -> np.ndarray:
        """(n, 3, k <= count) mm: the directions of greatest variance, each times its standard deviation."""
        columns = self._columns()
        sizes, mixed = eigh(
            (columns @ columns.T).T,  # as LAPACK has it, so that it need not be copied
            subset_by_index=[max(0, len(columns) - count), len(columns) - 1],
            overwrite_a=True,
        )
        kept = mixed[:, ::-1][:, sizes[::-1] > 1e-9 * sizes[-1]]
        return (columns.T @ kept).reshape(len(self.points), 3, -1)

    def _columns(self) -> np.ndarray:
        """(r, 3 n) mm: a factor of the covariance; a quarter of a gigabyte, written once."""
        w, n, count = self.widths, len(self.points), len(self.modes)
        local = w.local * _low_rank(self.points, w.local_mm, LOCAL_RANK).T
        fields = [
            size * _low_rank(self.points, length, FIELD_RANK).T
            for size, length in ((w.broad_mm, w.broad_length_mm), (w.fine_mm, w.fine_length_mm))
        ]
        columns = np.zeros((count + 6 + count * len(local) + 3 * sum(map(len, fields)), n, 3))
        columns[:count], columns[count : count + 6] = w.modes * self.modes, w.strain * strains_of(self.points)
        first = count + 6
        for mode in self.modes:
            np.multiply(local[:, :, None], mode, out=columns[first : first + len(local)])
            first += len(local)
        for factor in fields:
            for axis in range(3):
                columns[first + axis : first + 3 * len(factor) : 3, :, axis] = factor
            first += 3 * len(factor)
        return columns.reshape(-1, 3 * n)


def _low_rank(points: np.ndarray, length_mm: float, most: int) -> np.ndarray:
    """(n, k <= most): G with G G^T about the Gaussian kernel of points (n, 3), by Nyström's method."""
    centres = points[farthest_points(points, most)]
    sizes, axes = eigh(gaussian(centres, centres, length_mm))
    kept = sizes > 1e-4 * sizes[-1]
    return gaussian(points, centres, length_mm) @ axes[:, kept] / np.sqrt(sizes[kept])


def save_model(model: ShapeModel, path: Path) -> None:
    """Writes a model, whole or not at all."""
    widths = np.array(astuple(model.widths))
    with whole_file(path) as temporary:
        np.savez_compressed(
            temporary, means=model.means.astype(np.float32), modes=model.modes.astype(np.float16), widths=widths
        )


def load_model(path: Path) -> ShapeModel:
    """A model that `save_model` wrote. Raises InputError when there is none."""
    existing_file(path, "shape model")
    with np.load(path, allow_pickle=False) as file:
        return ShapeModel(file["means"].astype(float), file["modes"].astype(float), Widths(*file["widths"].tolist()))


def build_model(library: ShapeLibrary, means: np.ndarray) -> ShapeModel:
    """The model of all people about means (5, n, 3), its widths chosen."""
    widths = Widths.chosen(library, means[2])
    log.info("; ".join(f"{name} {value:.3g}" for name, value in vars(widths).items()))
    return ShapeModel(means, modes_of(library.differences), widths)


def left_out(library: ShapeLibrary, person: str, model: ShapeModel) -> ShapeModel:
    """The model without one person, with the same widths."""
    return replace(model, modes=modes_of(library.only(library.person != person).differences))
