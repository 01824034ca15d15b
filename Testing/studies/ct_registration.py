"""How well a CT's vertebrae are laid into the beam of films: the tables of docs/ct_registration.md.

    python Testing/studies/ct_registration.py PATIENTS CASE OUT.csv [--what film off alone two ...] [--other CASE]

PATIENTS is a folder of two patients of `revert simulate-patients --bones verse008 --count 2`, CASE that person's folder
with ct.nii.gz and seg.nii.gz: the CT that is registered. So the film shows the same bones, otherwise bent, in another
body. It is computed from all of a patient's CT, L3 at 850 of 1150 mm, pixels of 0.55 mm, grey values to the power of
0.8 with noise of 1 % of their range. A line of OUT.csv for each film and level; what is there already is not measured
again. Off: of the middle of the label, across and along the beam, and of the rotation.

`film`: from the reconstruction, boxes and names found, view and L3's distance given. `off N`: from the truth off by N
mm and N degrees in a random direction. `alone off N`: the same, the vertebra alone on the film. `free`: off 5,
and nothing known of the distance. `metal`: off 2, with a rod of steel before all vertebrae. `two`: AP and LL, the
relative pose told or not. `names`, `mirrored`, `other person`: faults; the last with --other, another person's CT.
`nanodrr`, `SimpleITK`: what others would do from the same start, see `other_registrations`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from ct_registration_films import VIEWS, Patient, Seen, moved_off, off_by
from ct_registration_tables import tables
from other_registrations import by_nanodrr, by_simpleitk
from row_by_row import Rows

from ReVertLib.ct_registration.align import aligned
from ReVertLib.ct_registration.bone import CtBone
from ReVertLib.ct_registration.expected import pose_error
from ReVertLib.ct_registration.judge import judged, looked_around
from ReVertLib.ct_registration.records import Judgement, PoseError, View
from ReVertLib.ct_registration.register import UNKNOWN_DEPTH_SD_MM, ct_bones, registered
from ReVertLib.ct_registration.starts import start_at
from ReVertLib.finding.finder import Finder
from ReVertLib.geometry.layers import LayeredGeometry
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.geometry.sidecar import sidecar_values
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import read_label_map
from ReVertLib.imaging.radiograph import radiograph_from_array
from ReVertLib.imaging.volume import Volume
from ReVertLib.inference.predictor import Predictor
from ReVertLib.spine.film import film_result
from ReVertLib.spine.inputs import FilmInput, Wishes, film_input
from ReVertLib.spine.records import FilmResult

SOME = ("AP", "LL", "yaw 30")
OFF = (2, 5, 10, 20)
WHAT = ("film", "off", "alone", "free", "metal", "two", "faults", "others")
ROD_PX = 6
"""Wide: 2.4 mm at the spine."""
IDENTITY = RigidTransform.identity()


class Study:
    """The CT, the networks and the films."""

    def __init__(self, patients: Path, case: Path, rows: Rows) -> None:
        self.ct, self.labels = read_ct(case / "ct.nii.gz"), read_label_map(case / "seg.nii.gz")
        self.bones = ct_bones(self.ct, self.labels)
        surfaces = {level: self.bones[level].mesh_lps for level in VERSE_LABELS}
        folders = sorted(path for path in patients.iterdir() if (path / "ct.nii.gz").is_file())
        self.patients = [Patient(folder, surfaces) for folder in folders]
        self.predictor, self.finder, self.rows = Predictor(), Finder(), rows

    def given(self, seen: Seen, told: bool = True, steps: int = 0) -> tuple[FilmInput, FilmResult]:
        """A film with its distances, found and reconstructed. told: the view, too."""
        known = {k: v for k, v in sidecar_values(seen.geometry).items() if k not in ("level", "box_px")}
        if not told:
            known = {k: v for k, v in known.items() if not k.endswith("_deg")}
        radiograph = radiograph_from_array(seen.pixels, name="film", inverted=False)
        film = film_input(radiograph, LayeredGeometry().over(known, "given"), Wishes(None, steps), self.finder)
        return film, film_result(self.predictor, film)

    def keep(
        self,
        test: str,
        seen: Seen,
        level: str,
        end: RigidTransform,
        start: RigidTransform,
        seconds: float,
        judgement: Judgement | None = None,
        expected: PoseError | None = None,
    ) -> None:
        """A line of one vertebra."""
        truth, centre = seen.truth[level], self.bones[level].centre_lps
        started = {f"start_{name}": value for name, value in off_by(start, truth, centre).items()}
        said = {"expected_mm": expected.across_mm, "expected_deg": expected.turned_deg} if expected else {}
        judged_as = {"word": judgement.word, "similarity": judgement.similarity} if judgement else {}
        nothing = dict.fromkeys(("expected_mm", "expected_deg", "word", "similarity"), "")
        key = {"test": test, "film": seen.name, "level": level}
        self.rows.add(key | off_by(end, truth, centre) | started | nothing | said | judged_as | {"seconds": seconds})

    def is_done(self, test: str, film: str) -> bool:
        return any(key[:2] == (test, film) for key in self.rows.done)

    def films(self, test: str, names: tuple[str, ...] = SOME) -> Iterator[tuple[Patient, Seen]]:
        """Those that a test has not been done on; of some views, only of the last patient."""
        for patient in self.patients[-1:] if names is SOME else self.patients:
            for view in names:
                if not self.is_done(test, f"{patient.name} {view}"):
                    yield patient, patient.film(view)

    def film(self) -> None:
        for _, seen in self.films("film", tuple(VIEWS)):
            self._registered("film", seen, [self.given(seen)])

    def _registered(
        self,
        test: str,
        seen: Seen,
        films: list[tuple[FilmInput, FilmResult]],
        pose: RigidTransform | None = None,
        volumes: tuple[Volume, Volume] | None = None,
    ) -> None:
        started = time.process_time()
        found = registered(*(volumes or (self.ct, self.labels)), films, pose)
        seconds = (time.process_time() - started) / len(found.vertebrae)
        for one in found.vertebrae:
            place = (one.camera_from_lps, one.start, seconds)
            self.keep(test, seen, one.level, *place, one.judgement, one.expected)

    def two(self) -> None:
        for patient, seen in self.films("two, pose told", ("AP",)):
            side = patient.film("LL")
            pose = side.truth["L3"] @ seen.truth["L3"].inverse
            films = [self.given(seen), self.given(side)]
            self._registered("two, pose told", seen, films, pose)
            self._registered("two, pose found", seen, films)

    def off(self) -> None:
        for size in OFF:
            for _, seen in self.films(f"off {size}"):
                self._all_from_off(f"off {size}", size, seen)

    def free(self) -> None:
        for _, seen in self.films("free"):
            self._all_from_off("free", 5, seen, UNKNOWN_DEPTH_SD_MM)

    def metal(self) -> None:
        for _, seen in self.films("metal"):
            u = int(seen.geometry.project(seen.truth["L3"].apply(self.bones["L3"].centre_lps[None]))[0, 0])
            pixels = seen.pixels.copy()
            pixels[:, u : u + ROD_PX] = 1.3 * pixels.max()
            self._all_from_off("metal", 2, replace(seen, pixels=pixels))

    def _all_from_off(self, test: str, size: int, seen: Seen, depth_sd_mm: float | None = None) -> None:
        bones, views = [self.bones[level] for level in VERSE_LABELS], [View(seen.pixels, seen.geometry, IDENTITY)]
        self._from_off(test, size, seen, bones, views, depth_sd_mm or size)

    def alone(self) -> None:
        for size in OFF:
            for patient, seen in self.films(f"alone off {size}"):
                for level in VERSE_LABELS:
                    view = View(patient.alone(seen, level), seen.geometry, IDENTITY)
                    self._from_off(f"alone off {size}", size, seen, [self.bones[level].bare], [view], size)

    def _from_off(
        self, test: str, size: int, seen: Seen, bones: list[CtBone], views: list[View], depth_sd_mm: float
    ) -> None:
        starts = {
            bone.level: moved_off(
                seen.truth[bone.level], bone.centre_lps, size, [size, bone.label, *seen.name.encode()]
            )
            for bone in bones
        }
        started = time.process_time()
        fits = aligned(bones, starts, views, dict.fromkeys(starts, depth_sd_mm))
        all_bones = [bone.bare for bone in self.bones.values()] if len(bones) == 1 else list(self.bones.values())
        looks = {
            bone.level: looked_around(bone, fits[bone.level], starts[bone.level], views, all_bones) for bone in bones
        }
        words = judged(bones, fits, looks)
        seconds = (time.process_time() - started) / len(bones)
        for bone in bones:
            place = (fits[bone.level].pose, starts[bone.level], seconds)
            self.keep(test, seen, bone.level, *place, words[bone.level], pose_error(fits[bone.level]))

    def faults(self, other: Path | None) -> None:
        """Names one too low, mirrored films, and another person's CT: what is said of them counts, not where they
        lie."""
        for _, seen in self.films("names"):
            self._registered("names", seen, [self.given(seen, steps=1)])
        for _, seen in self.films("mirrored"):
            turned = replace(seen, pixels=np.ascontiguousarray(seen.pixels[:, ::-1]))
            self._registered("mirrored", seen, [self.given(turned)])
            self._registered("mirrored, view not told", seen, [self.given(turned, told=False)])
        if other is not None:
            volumes = read_ct(other / "ct.nii.gz"), read_label_map(other / "seg.nii.gz")
            for _, seen in self.films("other person"):
                self._registered("other person", seen, [self.given(seen)], volumes=volumes)

    def others(self) -> None:
        """What else a user could take, from the same starts and on the same part of the film."""
        for _, seen in self.films("nanodrr"):
            _, result = self.given(seen)
            view = View(seen.pixels, seen.geometry, IDENTITY)
            for one in result.levels:
                bone = self.bones[one.level]
                start = start_at(bone, one.reconstruction.mesh)
                for name, run in (("nanodrr", by_nanodrr), ("SimpleITK", by_simpleitk)):
                    started = time.process_time()
                    end = run(bone, start, view)
                    self.keep(name, seen, one.level, end, start, time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("patients", type=Path)
    parser.add_argument("case", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--what", nargs="+", choices=WHAT, default=list(WHAT))
    parser.add_argument("--other", type=Path)
    options = parser.parse_args()
    rows = Rows(options.out, ("test", "film", "level"))
    study = Study(options.patients, options.case, rows)
    for what in options.what:
        study.faults(options.other) if what == "faults" else getattr(study, what)()
    print(tables(rows.lines))


if __name__ == "__main__":
    main()
