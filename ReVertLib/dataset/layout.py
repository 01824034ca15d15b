"""The original's data set layout, and reading it.

    OUT/DRR/<case>_segment_<label>/rendering/00.png ...   DRRs of the vertebra alone, 16 bit
                                             00.json ...  their geometry
                                             poses.json   view, angles, camera_from_lps and warnings of each image
    OUT/Mesh/<case>_segment_<label>.stl                   the true surface, patient LPS, mm
    OUT/manifest.json                                     versions, options, every vertebra with its files' SHA256,
                                                          what was skipped and why, and what of it failed

Labels are VerSe's, L1..L5 = 20..24. `build` writes it.
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.errors import InputError, one_line
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import utf8_name
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_angles

from .cases import HELD_OUT, is_held_out, person_name

POSES = "poses.json"

_SPLITS = (("train", 0.7), ("val", 0.9), ("test", 1.0))
_POSE_KEYS = ("image", "view", "camera_from_lps")


@dataclass(frozen=True)
class DatasetItem:
    """One vertebra. views, images, geometries and camera_from_lps have one item per image.

    vertebra: "<case>_segment_<label>". split: "train", "val" or "test". mesh: the file of its true surface, LPS, mm.
    """

    vertebra: str
    case: str
    label: int
    level: str
    split: str
    views: tuple[str, ...]
    images: tuple[Path, ...]
    geometries: tuple[Geometry, ...]
    camera_from_lps: tuple[RigidTransform, ...]
    mesh: Path


def vertebra_name(case: str, label: int) -> str:
    """What folders and meshes are called."""
    return f"{case}_segment_{label}"


def rendering_folder(folder: Path, vertebra: str) -> Path:
    """Where a vertebra's images lie."""
    return folder / "DRR" / vertebra / "rendering"


def mesh_path(folder: Path, vertebra: str) -> Path:
    """Where a vertebra's surface lies."""
    return folder / "Mesh" / f"{vertebra}.stl"


def split_of(case: str) -> str:
    """ "train", "val" or "test", 70:20:10, by a hash of the person: the case's name without BIDS entities such as
    `_dir-ax`, so that no person is in two of them, and none changes its place when cases are added. The people of
    `cases.HELD_OUT` are "val"."""
    if is_held_out(case, HELD_OUT):
        return "val"
    person = re.sub(r"_[a-z]+-.*", "", person_name(case))
    share = int.from_bytes(hashlib.sha256(person.encode()).digest()[:8], "big") / 2**64
    return next(name for name, upper in _SPLITS if share < upper)


def read_dataset(folder: str | Path, failures: Failures | None = None) -> list[DatasetItem]:
    """Every vertebra of a data set, by name.

    failures: where those are noted of which a file is missing or cannot be used; without it the first of them raises.
    Raises InputError when there is none.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"data set: expected an existing folder, got {str(folder)!r}")
    names = sorted(path.parent.name for path in folder.glob("DRR/*/rendering"))
    if not names:
        raise InputError(f"data set: expected DRR/<case>_segment_<label>/rendering, got none in {folder.name!r}")
    items = []
    for name in names:
        with nullcontext() if failures is None else failures.noted(name):
            items.append(_read_vertebra(folder, name))
    if not items:
        failures.raise_if_single(len(names))
        raise_failed(failures.reasons, f"data set: expected {len(names)} vertebrae", "none that can be used")
    return items


def _read_vertebra(folder: Path, name: str) -> DatasetItem:
    found = re.fullmatch(r"(.+)_segment_(\d+)", name)
    if found is None or int(found[2]) not in LEVEL_OF_LABEL:
        raise InputError(f"data set: expected folders <case>_segment_<20 to 24> in DRR, got {name!r}")
    case, label = found[1], int(found[2])
    mesh, rendering = mesh_path(folder, name), rendering_folder(folder, name)
    if not mesh.is_file():
        raise InputError(f"data set: expected Mesh/{mesh.name}, got none")
    poses = _read_poses(rendering / POSES, name)
    images = tuple(rendering / pose["image"] for pose in poses)
    camera_from_lps = tuple(RigidTransform.from_matrix(np.array(pose["camera_from_lps"], float)) for pose in poses)
    pairs = zip(images, camera_from_lps, strict=True)
    return DatasetItem(
        vertebra=name,
        case=case,
        label=label,
        level=LEVEL_OF_LABEL[label],
        split=split_of(case),
        views=tuple(pose["view"] for pose in poses),
        images=images,
        geometries=tuple(_with_view(_read_geometry(image, name), motion.rotation) for image, motion in pairs),
        camera_from_lps=camera_from_lps,
        mesh=mesh,
    )


def _read_poses(path: Path, vertebra: str) -> list[dict]:
    try:
        poses = json.loads(path.read_text())
        whole = bool(poses) and all(_is_pose(pose) for pose in poses)
    except FileNotFoundError:
        raise InputError(f"data set {vertebra}: expected {POSES} beside the images, got none") from None
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"data set {vertebra}: expected a readable {POSES}, got {one_line(error)}") from error
    if not whole:
        raise InputError(f"data set {vertebra}: expected {', '.join(_POSE_KEYS)} for each image in {POSES}, got less")
    return poses


def _is_pose(pose: dict) -> bool:
    """Whether an entry of poses.json has what is read of it, its matrix being a rotation and a translation."""
    if not all(key in pose for key in _POSE_KEYS) or Path(pose["image"]).name != pose["image"]:
        return False
    matrix = np.array(pose["camera_from_lps"], float)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        return False
    rotation = matrix[:3, :3]
    return bool(np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6) and np.linalg.det(rotation) > 0)


def _read_geometry(image: Path, vertebra: str) -> Geometry:
    """The geometry beside an image; of the image itself only the header is read."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(utf8_name(image))
    try:
        reader.ReadImageInformation()
        return complete_geometry(read_sidecar(sidecar_path(image)), reader.GetSize()[:2])
    except RuntimeError:
        got = "one that cannot be read" if image.is_file() else "none"
        raise InputError(f"data set {vertebra}: expected the image {image.name}, got {got}") from None
    except InputError as error:
        raise InputError(f"data set {vertebra}: {error}") from error


def _with_view(geometry: Geometry, camera_from_lps: np.ndarray) -> Geometry:
    """A geometry whose view is known, from the pose where its sidecar does not say it."""
    return geometry if geometry.view_deg else replace(geometry, view_deg=view_angles(camera_from_lps))
