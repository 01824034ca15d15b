"""One case of a data set: its label map and CT in, the files of every lumbar vertebra out.

A vertebra is made in OUT/.parts and moved into place in two steps, the surface, then all images at once: whatever
lies in DRR is whole, at whatever moment the work is stopped. It is stopped by taking OUT/.parts away.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ReVertLib.errors import InputError
from ReVertLib.failures import reason_of
from ReVertLib.files import write_json
from ReVertLib.geometry.levels import LABEL_SCHEMES, LEVEL_OF_LABEL, NEAREST_LEVEL, VERSE_NUMBERS
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_regions, on_grid_of, touches_border
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.io import write_mesh
from ReVertLib.progress import log
from ReVertLib.projection.drr import Drr, DrrView, Vertebra, c_arm, write_drr

from .cases import Case
from .layout import POSES, mesh_path, rendering_folder, split_of, vertebra_name

VIEWS = {
    "seed": {f"yaw_{angle:03d}": DrrView(yaw_deg=angle) for angle in range(0, 360, 30)}
    | {f"pitch_{angle:03d}": DrrView(pitch_deg=angle) for angle in range(0, 360, 30)},
    "clinical": {
        "ap": DrrView(),
        "left_lateral": DrrView(yaw_deg=-90),
        "right_lateral": DrrView(yaw_deg=90),
        "oblique_-25": DrrView(yaw_deg=-25),
        "oblique_+25": DrrView(yaw_deg=25),
    },
    "around": {
        "ap": DrrView(),
        "pa": DrrView(yaw_deg=180),
        "left_lateral": DrrView(yaw_deg=-90),
        "right_lateral": DrrView(yaw_deg=90),
        "yaw_030": DrrView(yaw_deg=30),
        "yaw_060_pitch_+20": DrrView(yaw_deg=60, pitch_deg=20),
        "yaw_075_pitch_-15": DrrView(yaw_deg=75, pitch_deg=-15),
        "yaw_300_pitch_+20": DrrView(yaw_deg=-60, pitch_deg=20),
    },
}
"""The original's 24 views, those of a clinic, and eight from all around. In a left lateral the patient's left
side is at the detector."""

PARTS = ".parts"
"""The folder in OUT for what is not finished."""


@dataclass(frozen=True)
class Options:
    """What all images of a data set have in common; two runs into one folder must agree. views: a key of VIEWS.
    context: whether the whole CT is seen, or the vertebra alone."""

    views: str
    size_px: int
    context: bool

    def __post_init__(self) -> None:
        if self.views not in VIEWS:
            raise InputError(f"views: expected one of {', '.join(VIEWS)}, got {str(self.views)[:40]!r}")
        c_arm(self.size_px)


@dataclass(frozen=True)
class Outcome:
    """Of one case. vertebrae: name -> entry in the manifest. skipped: what was left out, with the reason. failed: of
    these, by name, what is there and cannot be used."""

    vertebrae: dict[str, dict] = field(default_factory=dict)
    skipped: list[dict] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def fail(self, case: Case, error: Exception, label: int | None = None) -> Outcome:
        """Skips what cannot be used, whatever is wrong with it."""
        log.debug("%s", case.name, exc_info=True)
        name = case.name if label is None else vertebra_name(case.name, label)
        self.failed[name] = reason_of(error)
        return self.skip(case, reason_of(error), label)

    def skip(self, case: Case, reason: object, label: int | None = None) -> Outcome:
        self.skipped.append({"case": case.name, "label": label, "reason": str(reason)})
        return self


class Stopped(BaseException):
    """Ends the work on a case whose outcome nobody waits for any more; it is no failure of the case."""


def build_case(case: Case, out: Path, options: Options) -> Outcome:
    """Makes what is not whole yet of one case.

    What is wrong with the case's files becomes a reason in the outcome; a file that cannot be written raises. Raises
    Stopped before the next image once there is no OUT/.parts.
    """
    outcome = Outcome()
    if case.ct is None:
        return outcome.skip(case, "CT: expected one beside the label map, got none")
    if "bone" in case.ct.name:  # the names `find_cases` knows for volumes from which all but bone has been cut
        return outcome.skip(case, "CT: expected Hounsfield units of all tissue, got a volume of bone only")
    try:
        labels = read_vertebrae(case.labels, case.scheme)
        regions = {label: box for label, box in label_regions(labels).items() if label in LEVEL_OF_LABEL}
        for label in label_regions(labels).keys() & {VERSE_NUMBERS[rare] for rare in NEAREST_LEVEL}:
            outcome.skip(case, f"{LABEL_SCHEMES['verse'][label]} is none of the levels L1 to L5", label)
        if not regions:
            return outcome.skip(case, "no lumbar label (20 to 24)")
        todo = [label for label in regions if not is_whole(out, vertebra_name(case.name, label), options)]
        volumes = _volumes(case, labels, {label: regions[label] for label in todo}, options)
    except Exception as error:
        return outcome.fail(case, error)
    for label, box in regions.items():
        name = vertebra_name(case.name, label)
        if label not in todo or _is_made(case, label, volumes.get(label), out, options, outcome):
            outcome.vertebrae[name] = _entry(case, label, touches_border(labels, *box), out)
    return outcome


def _is_made(
    case: Case,
    label: int,
    volumes: tuple[Volume, Volume] | None,
    out: Path,
    options: Options,
    outcome: Outcome,
) -> bool:
    """Makes a vertebra, or says in the outcome why it could not be. volumes: CT and label map, None beyond the CT."""
    try:
        if volumes is None:
            raise InputError("the CT does not reach there")
        vertebra = Vertebra(*volumes, label, options.context)
    except InputError as error:
        outcome.skip(case, error, label)
        return False
    except Exception as error:
        outcome.fail(case, error, label)
        return False
    try:
        _build_vertebra(vertebra, out, vertebra_name(case.name, label), options)
    except (InputError, OSError):  # of what is written, and so of all vertebrae
        raise
    except Exception as error:
        outcome.fail(case, error, label)
        return False
    return True


def _volumes(case: Case, labels: Volume, regions: dict[int, tuple], options: Options) -> dict[int, tuple]:
    """CT and label map for each of regions: the whole ones in context, otherwise copies of what is one voxel around the
    label, so that the rest of the CT can go. Without regions nothing is read."""
    if not regions:
        return {}
    ct = read_ct(case.ct)
    placed = on_grid_of(ct, labels)
    boxes = regions if placed is labels else label_regions(placed)
    if options.context:
        return {label: (ct, placed) for label in regions if label in boxes}
    return {label: (_copied(ct, boxes[label]), _copied(placed, boxes[label])) for label in regions if label in boxes}


def _copied(volume: Volume, box: tuple) -> Volume:
    part = volume.cropped(box[0] - 1, box[1] + 1)  # a view, that would keep the whole CT in memory
    return Volume(part.array.copy(), part.ijk_to_lps)


def is_whole(out: Path, vertebra: str, options: Options) -> bool:
    """Whether all files of a vertebra are there."""
    folder = rendering_folder(out, vertebra)
    numbers = range(len(VIEWS[options.views]))
    images = [folder / f"{n:02d}{suffix}" for n in numbers for suffix in (".png", ".json")]
    return all(path.is_file() for path in (*images, folder / POSES, mesh_path(out, vertebra)))


def _build_vertebra(vertebra: Vertebra, out: Path, name: str, options: Options) -> None:
    """Makes the files of a vertebra and moves them into place."""
    _check_not_stopped(out)
    part = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=out / PARTS))  # of its own: a lost worker may still be writing
    rendering = part / "DRR" / "rendering"
    rendering.mkdir(parents=True)
    camera, size_px, poses = c_arm(options.size_px), (options.size_px,) * 2, []
    for number, (view_name, view) in enumerate(VIEWS[options.views].items()):
        _check_not_stopped(out)
        drr = vertebra.drr(view, camera, size_px)
        image = rendering / f"{number:02d}.png"
        write_drr(drr, image)
        poses.append(_pose(image.name, view_name, view, drr))
    write_json(rendering / POSES, poses)
    write_mesh(vertebra.mesh_lps, part / "mesh.stl", frame="LPS")
    folder, surface = rendering_folder(out, name).parent, mesh_path(out, name)
    for place in (folder, surface):
        place.parent.mkdir(exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)  # an earlier result of which files are missing
    os.replace(part / "mesh.stl", surface)
    os.replace(part / "DRR", folder)


def _check_not_stopped(out: Path) -> None:
    if not (out / PARTS).is_dir():
        raise Stopped


def _pose(image: str, view_name: str, view: DrrView, drr: Drr) -> dict:
    angles = {"yaw_deg": view.yaw_deg, "pitch_deg": view.pitch_deg, "roll_deg": view.roll_deg}
    matrix = drr.camera_from_lps.matrix.tolist()
    return {"image": image, "view": view_name} | angles | {"camera_from_lps": matrix, "warnings": drr.warnings}


def _entry(case: Case, label: int, cut_off: bool, out: Path) -> dict:
    """What the manifest says of a vertebra that is whole."""
    name = vertebra_name(case.name, label)
    files = [*sorted(rendering_folder(out, name).iterdir()), mesh_path(out, name)]
    return {
        "case": case.name,
        "label": label,
        "level": LEVEL_OF_LABEL[label],
        "split": split_of(case.name),
        "cut_off": cut_off,
        "sha256": {f.relative_to(out).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files},
    }
