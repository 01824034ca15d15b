"""The lumbar levels, and the numbers that vertebrae have in label maps of VerSe and of TotalSegmentator."""

from __future__ import annotations

LEVELS = ("L1", "L2", "L3", "L4", "L5")

VERSE_LABELS = {level: 20 + i for i, level in enumerate(LEVELS)}
"""Label of each level in VerSe segmentations (T12 is 19, the sacrum 26)."""

LEVEL_OF_LABEL = {label: level for level, label in VERSE_LABELS.items()}

SACRUM = "sacrum"
COLUMN = (*(f"C{i}" for i in range(1, 8)), *(f"T{i}" for i in range(1, 13)), *LEVELS)
"""Vertebrae from head to feet, without those that few people have: T13 below T12, L6 below L5."""

NEAREST_LEVEL = {"T13": "L1", "L6": "L5"}
"""For vertebrae that few people have, the level that is most like them."""

LABEL_SCHEMES = {
    "verse": {**dict(enumerate(COLUMN, 1)), 25: "L6", 26: SACRUM, 28: "T13"},
    "totalsegmentator-v1": {**{42 - i: name for i, name in enumerate(COLUMN, 1)}, 92: SACRUM},
    "totalsegmentator-v2": {**{51 - i: name for i, name in enumerate(COLUMN, 1)}, 26: SACRUM, 25: SACRUM},
}
"""By who made a label map, what its numbers mean: L1..L5 are 20..24 in VerSe, 22..18 and 31..27 in TotalSegmentator 1
and 2. S1, which the latter has by itself, counts as sacrum."""

VERSE_NUMBERS = {name: number for number, name in LABEL_SCHEMES["verse"].items()}
