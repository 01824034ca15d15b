"""How alike sampled and real vertebrae look: both seen by the camera of every crop from the same views, and measured.

Four descriptions of an image: the grey at each distance from the silhouette's edge, the grey below the upper and above
the lower edge of the body in lateral views, quantiles of the strength of edges, and the power at each frequency. The
gap between two groups is the root mean square difference of their mean descriptions. What a gap is worth, the gaps
between real people say; and the spread says how many standard deviations of the sampled images a real one lies from
their mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ReVertLib.dataset.cases import HELD_OUT, Case, find_cases, is_held_out
from ReVertLib.errors import InputError
from ReVertLib.failures import Failures, raise_failed
from ReVertLib.files import check_folder, made_folder, whole_file
from ReVertLib.geometry.crop_camera import CROP_SIZE_PX, crop_camera
from ReVertLib.geometry.levels import LEVEL_OF_LABEL, LEVELS
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.geometry.views import view_rotation
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.grey_values import normalised
from ReVertLib.imaging.image_file import write_image
from ReVertLib.imaging.label_numbers import read_vertebrae
from ReVertLib.imaging.labels import label_mesh, label_region, on_grid_of
from ReVertLib.imaging.volume import Volume
from ReVertLib.mesh.mesh import Mesh, volume_centroid
from ReVertLib.mesh.silhouette import silhouette
from ReVertLib.progress import log
from ReVertLib.projection.attenuation import attenuation
from ReVertLib.projection.projector import Projector
from ReVertLib.synthesis.bone import drawn_bone, warped_ct
from ReVertLib.synthesis.ct_scanner import patient_axes
from ReVertLib.synthesis.shapes import VertebraSampler, load_vertebra_sampler, sample_shape

VIEWS_YAW_DEG = {"ap": 0.0, "lateral": 90.0, "oblique": 25.0}
SOD_MM = 600.0
SAMPLES = 40
"""Sampled vertebrae of each kind."""
EDGE_PX, PLATE_PX = range(-3, 13), range(-2, 15)
"""Distances inward from the silhouette's edge, and from the body's upper and lower edge."""
STRENGTHS = (0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
BANDS = 16
SHEET_COLUMNS = 6


@dataclass(frozen=True)
class BoneView:
    """A vertebra and its images by view. group: a person, or the kind of sampled bone."""

    group: str
    images: dict[str, np.ndarray]
    descriptions: dict[str, np.ndarray]


def bone_view(group: str, mu: Volume, shape: Mesh) -> BoneView:
    """What the crop camera sees of attenuation mu that lies within a shape, both in the canonical frame, from views
    along the axes of the CT."""
    projector, camera, images, parts = Projector(mu), crop_camera(SOD_MM), {}, {}
    for view, yaw_deg in VIEWS_YAW_DEG.items():
        rotation = view_rotation(yaw_deg, 0.0, 0.0) @ patient_axes(mu)
        turned = shape.vertices @ rotation.T
        position = np.array([*-(turned.min(0) + turned.max(0))[:2] / 2, SOD_MM])
        camera_from_lps = RigidTransform(rotation, position)
        image = normalised(projector.line_integrals(camera_from_lps, camera, (CROP_SIZE_PX, CROP_SIZE_PX)))
        mask = silhouette(Mesh(turned + position, shape.faces), camera, (CROP_SIZE_PX, CROP_SIZE_PX))
        images[view] = image
        parts[view] = {"edge": edge_profile(image, mask), "strength": edge_strength(image, mask), "power": power(image)}
        if view == "lateral":
            front = camera.project((np.array([[0, -25, 0], [0, -8, 0]]) @ rotation.T) + position)[:, 0]
            parts[view]["endplate"] = plate_profile(image, mask, *np.sort(front))
    names = ("edge", "endplate", "strength", "power")
    return BoneView(group, images, {n: np.concatenate([p[n] for p in parts.values() if n in p]) for n in names})


def edge_profile(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(d,) mean grey at each whole distance of EDGE_PX inward from the edge of mask."""
    distance = np.where(mask, ndimage.distance_transform_edt(mask) - 0.5, 0.5 - ndimage.distance_transform_edt(~mask))
    rings = np.floor(distance).astype(int)
    return np.array([image[rings == d].mean() if (rings == d).any() else 0.0 for d in EDGE_PX])


def plate_profile(image: np.ndarray, mask: np.ndarray, first: float, last: float) -> np.ndarray:
    """(d,) mean grey at each distance of PLATE_PX inward from the uppermost and lowermost pixels of mask in the columns
    from first to last."""
    columns = np.arange(int(np.ceil(first)), int(last) + 1)
    columns = columns[mask[:, columns].any(0)]
    top = mask[:, columns].argmax(0)
    bottom = len(mask) - 1 - mask[::-1, columns].argmax(0)
    rows = np.stack([np.stack([top + d, bottom - d]) for d in PLATE_PX])
    return image[np.clip(rows, 0, len(image) - 1), columns].mean((1, 2))


def edge_strength(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Quantiles STRENGTHS of the gradient's length in and just around mask, per px."""
    strength = np.hypot(*np.gradient(image))
    return np.quantile(strength[ndimage.binary_dilation(mask, iterations=2)], STRENGTHS)


def power(image: np.ndarray) -> np.ndarray:
    """(BANDS,) decimal logarithm of the mean power in rings of frequencies, evenly wide, 0 to half a cycle per px."""
    spectrum = np.abs(np.fft.fft2(image)) ** 2 / image.size
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(len(image)), np.fft.fftfreq(len(image))))
    band = np.minimum((frequency * 2 * BANDS).astype(int), BANDS)
    sums, counts = np.bincount(band.ravel(), spectrum.ravel()), np.bincount(band.ravel())
    return np.log10(sums[:BANDS] / counts[:BANDS] + 1e-12)


def gap(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The root mean square difference of the means of two groups of descriptions."""
    return float(np.sqrt(np.square(np.mean(a, 0) - np.mean(b, 0)).mean()))


def spread(real: list[np.ndarray], sampled: list[np.ndarray]) -> float:
    """The root mean square distance of real descriptions from the mean of sampled ones, in the standard deviation of
    these; 1 is what sampled ones have themselves."""
    deviation = np.std(sampled, 0) + 1e-3
    return float(np.sqrt(np.square((np.array(real) - np.mean(sampled, 0)) / deviation).mean()))


def real_vertebrae(data: Path, scheme: str | None, failures: Failures) -> list[BoneView]:
    """Every whole lumbar vertebra below data with Hounsfield units of all tissue, held-out people too. scheme: whose
    numbers the label maps have. failures: where cases that cannot be used are noted."""
    found = []
    for case in find_cases(data, scheme):
        if case.ct is not None and "bone" not in case.ct.name:
            with failures.noted(case.name):
                found += _vertebrae_of(case)
    return found


def _vertebrae_of(case: Case) -> list[BoneView]:
    """What is seen of the lumbar vertebrae of a case."""
    ct, found = read_ct(case.ct), []
    labels = on_grid_of(ct, read_vertebrae(case.labels, case.scheme))
    for label in sorted(set(np.unique(labels.array)) & set(LEVEL_OF_LABEL)):
        box = label_region(labels, label, 3.0)
        region, mesh = labels.cropped(*box), label_mesh(labels, label)
        mu = attenuation(ct.cropped(*box), region.array == label)
        to_canonical = np.eye(4)
        to_canonical[:3, 3] = -volume_centroid(mesh)
        mesh = mesh.moved(RigidTransform.shift(to_canonical[:3, 3]))
        found.append(bone_view(case.name, Volume(mu.array, to_canonical @ mu.ijk_to_lps), mesh))
    return found


def sampled_vertebrae(world: VertebraSampler, seed: int) -> list[BoneView]:
    """SAMPLES vertebrae filled with a real CT, and as many with drawn bone."""
    rng, found = np.random.default_rng(seed), []
    for number in range(SAMPLES):
        shape = sample_shape(world, number % len(LEVELS), rng)
        source = world.sources[rng.integers(len(world.sources))]
        found.append(bone_view("warped", warped_ct(source, shape, rng), shape))
        found.append(bone_view("drawn", drawn_bone(shape, rng), shape))
    return found


def table(
    real: list[BoneView], sampled: list[BoneView], held_out: Iterable[str] = HELD_OUT
) -> list[dict[str, str | float]]:
    """A row for each description and group: what is compared, with whom, the gap, and the spread where it has one."""
    rows = []
    for name in real[0].descriptions:
        groups = {}
        for one in (*real, *sampled):
            groups.setdefault(one.group, []).append(one.descriptions[name])
        people = [group for group in groups if group not in ("warped", "drawn")]
        known = [group for group in people if not is_held_out(group, held_out)]
        training = [d for group in known for d in groups[group]]
        rows += [_row(name, a, b, groups[a], groups[b]) for i, a in enumerate(people) for b in people[i + 1 :]]
        for kind in ("warped", "drawn"):
            rows.append(_row(name, "training people", kind, training, groups[kind]))
            rows += [_row(name, p, kind, groups[p], groups[kind]) for p in people if is_held_out(p, held_out)]
    return rows


def _row(name: str, group: str, other: str, a: list[np.ndarray], b: list[np.ndarray]) -> dict[str, str | float]:
    sampled = other in ("warped", "drawn")
    worth = {"gap": round(gap(a, b), 4), "spread": round(spread(a, b), 2) if sampled else ""}
    return {"description": name, "group": group, "other": other} | worth


def sheet(groups: list[list[BoneView]]) -> np.ndarray:
    """Grey values of a contact sheet: a row of SHEET_COLUMNS vertebrae for each view and group."""
    rows = []
    for view in VIEWS_YAW_DEG:
        for group in groups:
            chosen = [group[i] for i in np.linspace(0, len(group) - 1, SHEET_COLUMNS).astype(int)]
            rows.append(np.hstack([one.images[view] for one in chosen]))
    return np.rint(255 * np.vstack(rows)).astype(np.uint8)


def write_realism(
    data: Path,
    shapes: Path,
    out: Path,
    seed: int,
    model: Path | None = None,
    held_out: Iterable[str] = HELD_OUT,
    scheme: str | None = None,
) -> None:
    """OUT/realism.csv, and OUT/realism.png: for AP, lateral and oblique a row of training people, of held-out ones,
    of warped and of drawn bone. scheme: whose numbers the label maps have. Raises InputError for files that cannot be
    used; in the end for real cases that cannot be, which are left out."""
    check_folder(out)
    sampled = sampled_vertebrae(load_vertebra_sampler(data, shapes, model, held_out, scheme), seed)
    failures, expected = Failures(), "cases: expected lumbar vertebrae in CTs of all tissue"
    real = real_vertebrae(data, scheme, failures)
    if not real:
        raise_failed(failures.reasons, expected, "none")
        raise InputError(f"{expected}, got none")
    rows = table(real, sampled, held_out)
    made_folder(out)
    with whole_file(out / "realism.csv") as temporary:
        lines = [",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)]
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="backslashreplace")
    known, unseen = ([s for s in real if is_held_out(s.group, held_out) is held] for held in (False, True))
    kinds = ([s for s in sampled if s.group == kind] for kind in ("warped", "drawn"))
    write_image(sitk.GetImageFromArray(sheet([g for g in (known, unseen, *kinds) if g])), out / "realism.png")
    for row in rows:
        log.info("{description:<9} {group:<16} {other:<9} gap {gap:<8} spread {spread}".format(**row))
    raise_failed(failures.reasons, "cases: expected all to be compared", "the others")
