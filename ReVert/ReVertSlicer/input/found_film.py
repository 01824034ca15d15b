"""What was found on a whole film: the vertebrae with their names, kept with the radiograph, and named otherwise.

The boxes of L1 to L5 are boxes as any other (placement.py), which refer to what was found by its number, so that they
may be moved and removed. What is named otherwise keeps its box. All places are pixels of the volume.
"""

from dataclasses import asdict, dataclass, field, replace

import numpy as np
from slicer.i18n import tr as _

from ReVertLib.finding.found import L6, Answer, FoundSpine, FoundVertebra, Reading, SeenView, name_of, shifted
from ReVertLib.geometry.levels import LEVEL_OF_LABEL
from ReVertLib.geometry.views import view_name
from ReVertLib.imaging.orientation import UPRIGHT, half_turned, stored_box, stored_px

from .entries import found, keepFound

SURE = 0.9
"""Names that are likelier need no doubt."""
UNSURE, UPSIDE_DOWN = _("the name is uncertain: "), _("the film hangs upside down and is not turned")
"""How warnings begin of what keeps a surface from being trusted."""


@dataclass(frozen=True)
class FoundFilm:
    """spine: as it was found, in the volume's pixels. image: SHA-256 of the slice that was searched. turn: by which it
    was shown then. reading: which of its readings is taken. steps: by how many vertebrae towards the feet all names
    were moved since. moved: boxes by number that the user has moved. removed: numbers of vertebrae that the user has
    taken away."""

    spine: FoundSpine
    image: str
    turn: int = UPRIGHT
    reading: int = 0
    steps: int = 0
    moved: dict = field(default_factory=dict)
    removed: tuple = ()

    @property
    def labels(self):
        """VerSe's number of each vertebra as it is called now, None where it has no name. Raises InputError where none
        is left."""
        if not self.spine.vertebrae:
            return ()
        labels = self.spine.readings[self.reading].labels
        named = [replace(one, label=label) for one, label in zip(self.spine.vertebrae, labels, strict=True)]
        kept = shifted(replace(self.spine, vertebrae=tuple(named)), self.steps).vertebrae
        return tuple(next((one.label for one in kept if one.centre_px is own.centre_px), None) for own in named)

    @property
    def likely(self):
        """The probability of the names as they are now."""
        return sum(reading.probability for reading in self.spine.readings if reading.labels == self.labels)

    @property
    def isSure(self):
        """Whether the names need no doubt: an anchor is in view and they are likely."""
        return bool(self.spine.anchors) and self.likely >= SURE

    def isUpsideDown(self, turn):
        """Whether the picture that is shown by turn hangs with the head down."""
        return self.spine.upside_down.is_so != (turn == half_turned(self.turn))

    @property
    def levels(self):
        """(number, level, box, probability that it is there) of the lumbar vertebrae that the user has left."""
        rows = enumerate(zip(self.labels, self.spine.vertebrae, strict=True))
        return [
            (number, LEVEL_OF_LABEL[label], self.moved.get(number, one.box_px), one.probability)
            for number, (label, one) in rows
            if label in LEVEL_OF_LABEL and number not in self.removed
        ]

    @property
    def others(self):
        """(name, centre (u, v)) of what is not reconstructed but holds the names: thoracic vertebrae and the sacrum."""
        rows = zip(self.labels, self.spine.vertebrae, strict=True)
        return [(name_of(label), one.centre_px) for label, one in rows if label and label not in LEVEL_OF_LABEL]


def foundOn(node, sliceIndex):
    """The FoundFilm of a radiograph's slice, None where it was not searched."""
    kept = found(node).get(str(sliceIndex or 0))
    return None if kept is None else _fromPlain(kept)


def searchedSlices(node):
    """The slices of a radiograph that were searched."""
    return [int(index) for index in found(node)]


def keep(node, sliceIndex, film):
    """Remembers what was found on a slice, in place of what was found before; None forgets it."""
    plain = {str(sliceIndex or 0): _plain(film)} if film is not None else {}
    others = {key: value for key, value in found(node).items() if key != str(sliceIndex or 0)}
    keepFound(node, {**others, **plain})


def onVolume(spine, sizePx, turn):
    """A spine that was found on the shown picture, in the pixels of a volume of sizePx (columns, rows)."""
    moved = [
        replace(
            one,
            centre_px=stored_px(one.centre_px[None], sizePx, turn)[0],
            box_px=stored_box(one.box_px, sizePx, turn),
            corners_px=stored_px(one.corners_px, sizePx, turn),
        )
        for one in spine.vertebrae
    ]
    return replace(spine, vertebrae=tuple(moved))


def readingText(labels, probability):
    """A way to name the vertebrae in a few words."""
    known = [label for label in labels if label is not None]
    ends = f"{name_of(known[0])}–{name_of(known[-1])}" if len(known) > 1 else name_of(known[0])
    six = _(", L6 among them") if L6 in known[:-1] else ""
    likely = _("{share:.0%} likely").format(share=probability) if probability else _("by hand")
    return f"{ends}{six}, {likely}"


def viewText(view):
    """A view that was seen, with its probability."""
    return f"{view_name(view.yaw_deg)}, {view.probability:.0%}"


def _plain(film):
    spine = asdict(film.spine)
    for one in spine["vertebrae"]:
        one["centre_px"], one["corners_px"] = one["centre_px"].tolist(), one["corners_px"].tolist()
    spine["anchors"] = sorted(spine["anchors"])
    return {
        **{name: getattr(film, name) for name in ("image", "turn", "reading", "steps", "removed", "moved")},
        "spine": spine,
    }


def _fromPlain(plain):
    spine = dict(plain["spine"])
    spine["vertebrae"] = tuple(
        FoundVertebra(
            one["label"],
            np.array(one["centre_px"]),
            tuple(one["box_px"]),
            np.array(one["corners_px"]),
            one["probability"],
        )
        for one in spine["vertebrae"]
    )
    spine["readings"] = tuple(Reading(tuple(one["labels"]), one["probability"]) for one in spine["readings"])
    spine["views"] = tuple(SeenView(**one) for one in spine["views"])
    for name in ("inverted", "upside_down", "mirrored"):
        spine[name] = Answer(**spine[name])
    spine.update(anchors=frozenset(spine["anchors"]), warnings=tuple(spine["warnings"]))
    moved = {int(number): tuple(box) for number, box in plain["moved"].items()}
    same = {name: plain[name] for name in ("image", "turn", "reading", "steps")}
    return FoundFilm(FoundSpine(**spine), **same, moved=moved, removed=tuple(plain["removed"]))
