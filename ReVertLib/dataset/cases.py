"""Finding the cases in a folder of CTs and label maps, in the layouts of VerSe and of BIDS."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ReVertLib.errors import InputError

HELD_OUT = ("verse008",)
"""Validation people: never in a shape library, a mean or a training image."""

_LABEL_NAMES = ("segmentation.nii.gz", "seg.nii.gz")
_CT_NAMES = ("ct.nii.gz", "ct_bone_ge200HU.nii.gz", "density_bone_only.nii.gz")


@dataclass(frozen=True)
class Case:
    """One person's files. ct is None where only the label map is there."""

    name: str
    labels: Path
    ct: Path | None


def find_cases(root: str | Path) -> list[Case]:
    """Every case below root, by name: `<case>/{ct,segmentation}.nii.gz` (also `seg.nii.gz`), or BIDS-like
    `sub-<case>_ct.nii.gz` with `sub-<case>_seg-vert_msk.nii.gz` anywhere below root.

    Raises InputError when there is none.
    """
    root = Path(os.path.abspath(root))  # so that a case in "." has its folder's name
    if not root.is_dir():
        raise InputError(f"cases: expected a folder, got {str(root)!r}")
    cases, files = [], sorted(root.rglob("*.nii.gz"))
    by_name = {path.name: path for path in reversed(files)}  # the first of each name
    for labels in files:
        if labels.name in _LABEL_NAMES:
            found = [labels.with_name(name) for name in _CT_NAMES if labels.with_name(name).is_file()]
            cases.append(Case(labels.parent.name, labels, found[0] if found else None))
        elif labels.name.endswith("_seg-vert_msk.nii.gz"):
            stem = labels.name.removesuffix("_seg-vert_msk.nii.gz")
            # In VerSe's BIDS tree the CT lies in rawdata/, the label map in derivatives/.
            cases.append(Case(stem.removeprefix("sub-"), labels, by_name.get(f"{stem}_ct.nii.gz")))
    if not cases:
        raise InputError(
            f"cases: expected <case>/segmentation.nii.gz or sub-<case>_seg-vert_msk.nii.gz, got none in {root.name!r}"
        )
    return cases
