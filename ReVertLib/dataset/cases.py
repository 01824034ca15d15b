"""Finding the cases in a folder of CTs and label maps, in the layouts of VerSe and of BIDS."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ReVertLib.errors import InputError
from ReVertLib.progress import log

HELD_OUT = ("verse008",)
"""The people who are held out for validation where nothing else is said: never in a shape library, a mean or a training
image."""

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


def is_held_out(case: str, held_out: Iterable[str]) -> bool:
    """Whether a case is of a person who is held out: called as the person is, or <person>_<anything>."""
    return any(case == person or case.startswith(f"{person}_") for person in held_out)


def training_names(cases: Iterable[str], held_out: Iterable[str]) -> list[str]:
    """The names of cases, in order and each once, without those of people who are held out, whom the log names."""
    names = list(dict.fromkeys(cases))
    left_out = [name for name in names if is_held_out(name, held_out)]
    if left_out:
        log.info(f"held out, not used: {', '.join(left_out)}")
    return [name for name in names if name not in left_out]
