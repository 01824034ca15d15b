"""Small CTs whose radiographs can be told by hand, and data sets made of them, which several tests share."""

from pathlib import Path

import numpy as np
from tiny import write_volume

from ReVertLib.dataset.build import build_dataset
from ReVertLib.imaging.volume import Volume

SIZE_PX = 48
L3 = 22


def scene(*balls, hu=300.0, shape=(60, 64, 68), spacing_mm=1.0) -> tuple[Volume, Volume]:
    """(CT, label map) of balls (label, centre (x, y, z) mm, radius mm) of bone in water, the centre at LPS 0."""
    matrix = np.diag([spacing_mm] * 3 + [1.0])
    matrix[:3, 3] = -spacing_mm * (np.array(shape[::-1]) - 1) / 2
    z, y, x = (spacing_mm * (a - (n - 1) / 2) for a, n in zip(np.indices(shape), shape, strict=True))
    labels, values = np.zeros(shape, np.int32), np.zeros(shape, np.int16)
    for label, (cx, cy, cz), radius in balls:
        inside = (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= radius**2
        labels[inside], values[inside] = label, hu
    return Volume(values, matrix), Volume(labels, matrix)


def ball(**options) -> tuple[Volume, Volume]:
    """One vertebra, a ball of 15 mm, not in the CT's middle."""
    return scene((L3, (2.0, -3.0, 1.0), 15.0), **options)


def write_blocks(folder: Path, blocks=((22, 10), (21, 24)), names=("ct.nii.gz", "segmentation.nii.gz"), mirrored=False):
    """Blocks with a process behind, one above the other, each a (label, lowest z in voxels of 2 mm), as CT and
    label map of these names."""
    labels, ct = np.zeros((40, 26, 22), np.uint8), np.full((40, 26, 22), -20, np.int16)
    for label, low in blocks:
        for part in (
            (slice(low, low + 8), slice(4, 12), slice(5, 17)),
            (slice(low + 1, low + 5), slice(12, 21), slice(9, 12)),
        ):
            labels[part], ct[part] = label, 250
    ct[:, :, :11] += 40  # the right side is denser: no view is its own mirror image
    matrix = np.diag([2.0, 2.0, 2.0, 1.0])
    matrix[:3, 3] = (10.0, -30.0, 100.0)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (ct, labels), strict=True):
        write_volume(folder / name, Volume(array[:, :, ::-1] if mirrored else array, matrix))


def snapshot(out: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's content and time of change."""
    return {
        p.relative_to(out).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns) for p in out.rglob("*") if p.is_file()
    }


def contents(out: Path) -> dict[str, bytes]:
    """Every file's content."""
    return {name: content for name, (content, _) in snapshot(out).items()}


def build(root: Path, out: Path, **options) -> None:
    """A small clinical data set without a word."""
    small = {"views": "clinical", "workers": 1, "size_px": SIZE_PX}
    build_dataset(root, out, **(small | options))
