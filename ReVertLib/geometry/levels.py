"""The lumbar levels, and their labels in VerSe segmentations."""

from __future__ import annotations

LEVELS = ("L1", "L2", "L3", "L4", "L5")

VERSE_LABELS = {level: 20 + i for i, level in enumerate(LEVELS)}
"""Label of each level in VerSe segmentations (T12 is 19, the sacrum 26)."""

LEVEL_OF_LABEL = {label: level for level, label in VERSE_LABELS.items()}
