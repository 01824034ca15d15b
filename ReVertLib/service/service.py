"""What the Slicer module has computed, in its own process or in a child process (worker.py): reconstructions, films,
comparisons and a CT laid into the beam.

Importing this file is quick; scipy, the network's library and the weights are loaded when they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ReVertLib.errors import InputError
from ReVertLib.finding.found import FoundSpine
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.inference.results import EXTRAS, About, Outcome, Refusal
from ReVertLib.mesh.mesh import Mesh
from ReVertLib.metrics.records import Comparison, Mask

from .about import described, versions
from .answers import Answers, drawn
from .film import FilmAnswer, found_on_film, reconstructed_film
from .registration import CtAnswer, CtGiven, FilmGiven, ct_drr, registered_ct

if TYPE_CHECKING:
    from ReVertLib.finding.finder import Finder
    from ReVertLib.inference.predictor import Predictor
    from ReVertLib.spine.following import FollowedFilm

Progress = Callable[[str, int, int], None]
"""Called at the beginning of each stage: its name, how many stages are done, how many there are in all."""


def _no_progress(_stage: str, _done: int, _total: int) -> None:
    """The Progress of a caller that shows none."""


class Service:
    """Computes with one set of weights on one device; both are loaded on first use and kept. What the network took for
    a vertebra, `seen_px`, has no use here, and is not sought.

    weights: a weights file, None for the shipped one. device: one of `devices.DEVICES`. predictor: is used instead of
    these; it has `reconstruct`, `weights_sha256`, `architecture` and `device` as a Predictor has, and `reconstruct_all`
    where films or several vertebrae are asked for. finder: is used instead of the shipped one, which is loaded when a
    film is searched.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        device: str = "auto",
        predictor: Predictor | None = None,
        finder: Finder | None = None,
    ) -> None:
        self._weights, self._device, self._predictor, self._finder = weights, device, predictor, finder
        self._followed: FollowedFilm | None = None

    @property
    def about(self) -> About:
        """Weights, device and versions behind the results. Loads the weights."""
        predictor = self._loaded()
        return About(predictor.weights_sha256, predictor.architecture, described(predictor.device), versions())

    def load(self, progress: Progress = _no_progress) -> None:
        """Everything that makes the first reconstruction slower than the next. Raises InputError as a Predictor does,
        and when a package is missing."""
        self._loaded(progress)
        progress("Warming up", 2, 3)
        geometry = Geometry(1000.0, 700.0, (0.5, 0.5), (127.5, 127.5), "L3", (64.0, 64.0, 192.0, 192.0))
        self.reconstruct(np.zeros((256, 256), np.uint8), [geometry])

    def reconstruct(
        self,
        pixels: np.ndarray,
        geometries: Sequence[Geometry],
        progress: Progress = _no_progress,
        extras: Collection[str] = EXTRAS,
    ) -> list[Outcome | Refusal]:
        """The vertebra of every geometry, in order, in pixels (rows, columns), bone bright. extras: which of
        `results.EXTRAS` are wanted.

        A vertebra that cannot be reconstructed is a Refusal among the others. Raises its InputError when it is the only
        one that was asked for.
        """
        predictor = self._loaded(progress)
        found: list[Outcome | Refusal] = []
        answers = Answers(predictor, pixels, geometries)
        for i, geometry in enumerate(geometries):
            try:
                progress(f"Reconstructing {geometry.level or 'the vertebra'}", 2 * i, 2 * len(geometries))
                answer = answers.of(i)
                progress("Drawing the outline", 2 * i + 1, 2 * len(geometries))
                found.append(drawn(answer, pixels, extras))
            except InputError as error:
                if len(geometries) == 1:
                    raise
                found.append(Refusal(geometry, str(error)))
        return found

    def find(self, pixels: np.ndarray, known: LayeredGeometry, progress: Progress = _no_progress) -> FoundSpine:
        """The vertebrae of a film, pixels (rows, columns), where they are and which they are. known: all that is known
        of it. Raises InputError as a Finder does."""
        predictor = self._loaded(progress)
        if self._finder is None:
            progress("Loading the weights that find vertebrae", 0, 2)
            self._finder = self._new_finder()
        progress("Looking for the vertebrae", 1, 2)
        return found_on_film(predictor, self._finder, pixels, known)

    def film(
        self,
        pixels: np.ndarray,
        known: LayeredGeometry,
        boxes: Mapping[str, tuple[float, ...]],
        progress: Progress = _no_progress,
        extras: Collection[str] = EXTRAS,
        is_frame: bool = False,
    ) -> FilmAnswer:
        """`film.reconstructed_film` with these weights. is_frame: whether it is one of many: it may begin where one
        before it lay."""
        from ReVertLib.spine.following import FollowedFilm

        predictor = self._loaded(progress)
        progress(f"Reconstructing {len(boxes)} vertebrae together", 0, 1)
        self._followed = (self._followed or FollowedFilm()) if is_frame else None
        return reconstructed_film(predictor, pixels, known, boxes, extras, self._followed)

    def compare(
        self, mesh: Mesh, target: Mask, mode: str, level: str | None, progress: Progress = _no_progress
    ) -> Comparison:
        """The figures of mesh against the surface of target, both in RAS or both in LPS, mm, beside those of the
        constant baseline of that level. mode: one of `icp.ALIGNMENTS`.

        Raises InputError for an empty segment, and as `compare.compare` does.
        """
        from ReVertLib.anatomy.template import baseline_mesh
        from ReVertLib.metrics.compare import STAGES, compare

        total = 1 + len(STAGES)
        progress("Building the surface of the segment", 0, total)
        surface = _surface(target)

        def stage_begins(stage: str) -> None:
            progress(stage, 1 + STAGES.index(stage), total)

        return compare(mesh, surface, mode, level, baseline_mesh(level), stage_begins)

    def register(self, given: CtGiven, films: Sequence[FilmGiven], progress: Progress = _no_progress) -> CtAnswer:
        """`registration.registered_ct` with these weights. films: one or two."""
        predictor = self._loaded(progress)
        with _packages_named():
            return registered_ct(predictor, given, films, progress)

    def ct_drr(
        self,
        given: CtGiven,
        camera_from_lps: RigidTransform,
        geometry: Geometry,
        size_px: tuple[int, int],
        progress: Progress = _no_progress,
    ) -> np.ndarray:
        """`registration.ct_drr`."""
        progress("Projecting the CT", 0, 1)
        with _packages_named():
            return ct_drr(given, camera_from_lps, geometry, size_px)

    def reconstruct_folder(self, folder: str, output: str, unfinished: str, progress: Progress = _no_progress) -> dict:
        """`folder.reconstruct_folder` of paths, whose stages are its images, by their number."""
        from .folder import reconstruct_folder

        def image_begins(index: int, count: int) -> None:
            progress(f"Radiograph {index + 1} of {count}", index, count)

        paths = Path(folder), Path(output), Path(unfinished)
        return reconstruct_folder(self._loaded(progress), self.about, *paths, image_begins)

    def answer(
        self, kind: str, content: dict, progress: Progress = _no_progress
    ) -> list[Outcome | Refusal] | FoundSpine | FilmAnswer | Comparison | CtAnswer | np.ndarray | dict:
        """What the method named kind, "reconstruct", "find", "film", "compare", "register", "ct_drr" or "folder",
        returns for its arguments."""
        methods = {
            "reconstruct": self.reconstruct,
            "find": self.find,
            "film": self.film,
            "compare": self.compare,
            "register": self.register,
            "ct_drr": self.ct_drr,
            "folder": self.reconstruct_folder,
        }
        return methods[kind](**content, progress=progress)

    def _loaded(self, progress: Progress = _no_progress) -> Predictor:
        if self._predictor is None:
            progress("Loading the libraries", 0, 3)
            with _packages_named():
                from ReVertLib.inference.predictor import Predictor

                progress("Loading the weights", 1, 3)
                self._predictor = Predictor(self._weights, self._device, outlined=False)
        return self._predictor

    def _new_finder(self) -> Finder:
        with _packages_named():
            from ReVertLib.finding.finder import Finder
        return Finder(None, self._device)


@contextmanager
def _packages_named() -> Iterator[None]:
    """Raises InputError for a package that is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        expected = "expected to be installed (in Slicer by the button that was clicked)"
        raise InputError(f"Python package {error.name}: {expected}, got none") from error


def _surface(target: Mask) -> Mesh:
    from ReVertLib.imaging.labels import check_is_vertebra, label_mesh
    from ReVertLib.imaging.volume import Volume

    if not target.array.any():
        raise InputError("segment: expected a filled one, got an empty segment")
    segment = Volume(target.array.astype(np.uint8), target.to_mm)
    check_is_vertebra(segment, 1)
    return label_mesh(segment, 1)
