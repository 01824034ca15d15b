"""Finding the cases in a folder of CTs and label maps, in the layouts of VerSe and of BIDS."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ReVertLib.errors import InputError
from ReVertLib.progress import log

HELD_OUT = ("verse008",)
"""The people who are held out for validation where nothing else is said: never in a shape library, a mean or a training
image."""

_LABEL_NAMES = ("segmentation.nii.gz", "seg.nii.gz")
_ONE_VERTEBRA = re.compile(r"vertebrae_[TL]\d+\.nii\.gz")
_CT_NAMES = ("ct.nii.gz", "ct_bone_ge200HU.nii.gz", "density_bone_only.nii.gz")


@dataclass(frozen=True)
class Case:
    """One person's files. labels: a label map, or a folder of one file for each vertebra. ct: None where only the label
    map is there. scheme: whose numbers the label map has, a key of `levels.LABEL_SCHEMES`; None to be told from it."""

    name: str
    labels: Path
    ct: Path | None
    scheme: str | None = None


def find_cases(root: str | Path, scheme: str | None = None) -> list[Case]:
    """Every case below root, by name: `<case>/{ct,segmentation}.nii.gz` (also `seg.nii.gz`), or BIDS-like
    `sub-<case>_ct.nii.gz` with `sub-<case>_seg-vert_msk.nii.gz` anywhere below root, or TotalSegmentator's
    `<case>/ct.nii.gz` with `vertebrae_L1.nii.gz` and so on in `<case>/segmentations/` or `<case>/`. scheme: of all.

    Raises InputError when there is none.
    """
    root = Path(os.path.abspath(root))  # so that a case in "." has its folder's name
    if not root.is_dir():
        raise InputError(f"cases: expected a folder, got {str(root)!r}")
    cases, files = [], sorted(_files_below(root, ".nii.gz"))
    by_name = {path.name: path for path in reversed(files)}  # the first of each name
    for labels in files:
        if labels.name in _LABEL_NAMES:
            found = [labels.with_name(name) for name in _CT_NAMES if labels.with_name(name).is_file()]
            cases.append(Case(labels.parent.name, labels, found[0] if found else None, scheme))
        elif labels.name.endswith("_seg-vert_msk.nii.gz"):
            stem = labels.name.removesuffix("_seg-vert_msk.nii.gz")
            # In VerSe's BIDS tree the CT lies in rawdata/, the label map in derivatives/.
            cases.append(Case(stem.removeprefix("sub-"), labels, by_name.get(f"{stem}_ct.nii.gz"), scheme))
    for folder in dict.fromkeys(path.parent for path in files if _ONE_VERTEBRA.fullmatch(path.name)):
        home = folder.parent if folder.name == "segmentations" else folder
        ct = home / "ct.nii.gz"
        if not any(case.labels.parent == home for case in cases):
            cases.append(Case(home.name, folder, ct if ct.is_file() else None, scheme))
    cases.sort(key=lambda case: case.labels)
    if not cases:
        expected = "<case>/segmentation.nii.gz, sub-<case>_seg-vert_msk.nii.gz or vertebrae_L1.nii.gz"
        raise InputError(f"cases: expected {expected}, got none in {root.name!r}")
    return cases


def _files_below(root: Path, suffix: str) -> Iterator[Path]:
    """Links to folders are followed; a folder that is met again, as where they go round in circles, is left out."""
    met = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        if (real := os.path.realpath(folder)) in met:
            folders.clear()
            continue
        met.add(real)
        yield from (Path(folder, name) for name in names if name.endswith(suffix))


def case_named(name: str, cases: Iterable[Case]) -> Case:
    """The case of a name among cases. Raises InputError when it is not there."""
    by_name = {person_name(case.name): case for case in cases}
    if person_name(name) not in by_name:
        raise InputError(f"case: expected one of {', '.join(sorted(by_name))}, got {name[:40]!r}")
    return by_name[person_name(name)]


def is_held_out(case: str, held_out: Iterable[str]) -> bool:
    """Whether a case is of a person who is held out: called as the person is, or <person>_<anything>, in capitals or
    not, with or without BIDS's `sub-`; also one that VerSe has split, `verse112_split-verse008`, by either name."""
    name = person_name(case)
    names = [name, *re.findall(r"_split-([^_]+)", name)]
    return any(re.match(rf"{re.escape(person_name(p))}(?![a-z0-9])", name) for p in held_out for name in names)


def person_name(case: str) -> str:
    """A case's name as names are compared."""
    return case.lower().removeprefix("sub-")


def training_names(cases: Iterable[str], held_out: Iterable[str]) -> list[str]:
    """The names of cases, in order and each once, without those of people who are held out, whom the log names."""
    names = list(dict.fromkeys(cases))
    left_out = [name for name in names if is_held_out(name, held_out)]
    if left_out:
        log.info(f"held out, not used: {', '.join(left_out)}")
    return [name for name in names if name not in left_out]
