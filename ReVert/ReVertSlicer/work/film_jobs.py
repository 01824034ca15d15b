"""The work on a whole film: its vertebrae are found, and reconstructed together. As in jobs.py, no job holds a node."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
from slicer.i18n import tr as _

from ReVertLib.errors import InputError
from ReVertLib.geometry.layers import REQUIRED, LayeredGeometry
from ReVertLib.imaging.orientation import shown_box
from ReVertLib.inference.results import MEASUREMENTS
from ReVertLib.service.messages import Message
from ReVertSlicer.input import found_boxes, placement, radiograph_check
from ReVertSlicer.input.found_film import UNSURE, UPSIDE_DOWN, foundOn, readingText
from ReVertSlicer.input.sources import sourcesOf
from ReVertSlicer.scene import measurement_nodes
from ReVertSlicer.scene.result_state import imageSha256

from . import jobs


@dataclass(frozen=True)
class FindJob:
    """pixels: (rows, columns) as they are shown, bone bright. known: of the shown picture. image: SHA-256 of the slice.
    turn: from the volume's pixels to these. boneDark: whether bone is taken to be dark in the volume; isEntered: by the
    user."""

    radiographId: str
    sliceIndex: int
    pixels: np.ndarray
    known: LayeredGeometry
    image: str
    turn: int
    boneDark: bool
    isEntered: bool

    @property
    def message(self):
        return Message("find", {"pixels": self.pixels, "known": self.known})


@dataclass(frozen=True)
class FilmJob(jobs.ReconstructionJob):
    """known: of the shown picture. boxes: (u0, v0, u1, v1) in the shown picture by level. doubts: what keeps all of its
    surfaces from being trusted, a line each. isFrame: whether it is one of many, which may begin where those before it
    lay."""

    known: LayeredGeometry = field(default_factory=LayeredGeometry)
    boxes: dict = field(default_factory=dict)
    doubts: tuple = ()
    isFrame: bool = False

    @property
    def message(self):
        content = {"pixels": self.pixels, "known": self.known, "boxes": self.boxes, "extras": self.extras}
        return Message("film", {**content, "is_frame": self.isFrame})

    def ofFrame(self, extras):
        return replace(self, extras=extras, isFrame=True)

    def outcomes(self, answer):
        """As of a ReconstructionJob; each vertebra has with its own warnings those of the film."""
        ofAll = (*self.doubts, *_scaleLines(answer.result.scale), *answer.result.warnings)
        found = []
        for outcome, one in zip(answer.outcomes, answer.result.levels, strict=True):
            own = _("its distance from the source is right to some {mm:.0f} mm").format(mm=max(one.depth_sd_mm, 1.0))
            warnings = (*outcome.reconstruction.warnings, own, *ofAll)
            found.append(replace(outcome, reconstruction=replace(outcome.reconstruction, warnings=warnings)))
        return found

    def secondOutcomes(self, answer):
        return None if answer.second is None else self.outcomes(answer.second)

    def seconds(self, reconstructions):
        return max(one.seconds for one in reconstructions)

    @property
    def asked(self):
        known = {key: value for key, value in self.known.values.items() if key in REQUIRED}
        return json.dumps({**known, "levels": list(self.boxes)})


def findJob(radiographNode, sliceIndex=None):
    """The search for vertebrae on a slice. Raises InputError before any work."""
    sources = sourcesOf(radiographNode, sliceIndex or 0)
    pixels = radiograph_check.pixelsOf(radiographNode, sliceIndex, sources)
    return FindJob(
        radiographNode.GetID(),
        sliceIndex or 0,
        pixels,
        sources.geometry,
        imageSha256(radiographNode, sliceIndex or 0),
        sources.turn,
        radiograph_check.isBoneDark(radiographNode, sliceIndex, sources),
        radiograph_check.BONE_DARK in radiograph_check.entered(radiographNode),
    )


def radiographJob(radiographNode, sliceIndex=None, level="L3"):
    """All that is on a radiograph: of a film that was searched its vertebrae together, else every vertebra that is
    placed, or the only one, of level. Raises InputError before any work."""
    film = foundOn(radiographNode, sliceIndex or 0)
    if film is None:
        return jobs.placedJob(radiographNode, sliceIndex, level)
    index, sources = sliceIndex or 0, sourcesOf(radiographNode, sliceIndex or 0)
    placed = placement.placements(radiographNode, index, sources.geometry.values, sources.turn)
    for problem in filter(None, (vertebra.problem for vertebra in placed)):
        raise InputError(problem)
    if not placed:
        raise InputError(_("film: expected a box or point for at least one of L1 to L5, got none; place them by hand"))
    size = radiographNode.GetImageData().GetDimensions()[:2]
    boxes = {vertebra.level: shown_box(vertebra.boxPx, size, sources.turn) for vertebra in placed}
    how = {"known": sources.geometry, "boxes": boxes, "doubts": _doubts(film, sources.turn)}
    return FilmJob(**jobs.pictured(radiographNode, sliceIndex, sources), **how)


def frameJob(radiographNode, sliceIndex=None, level="L3"):
    """The same of one frame of many, with nothing that nobody looks at."""
    extras = (MEASUREMENTS,) if measurement_nodes.isShown(radiographNode) else ()
    return radiographJob(radiographNode, sliceIndex, level).ofFrame(extras)


def showFound(job, spine):
    """Shows what was found on the film of a FindJob. Where it turned out to hang upside down, or bone to be dark, it is
    read so from now on. Raises InputError when the film is no longer there."""
    node = jobs.existingNode(job.radiographId, _("radiograph"))
    found_boxes.show(node, job.sliceIndex, spine, job.image, job.turn)
    if spine.inverted.is_so and not job.isEntered:
        radiograph_check.enter(node, bone_dark=not job.boneDark)
    if spine.upside_down.is_so:
        before = radiograph_check.entered(node).get(radiograph_check.HALF_TURN, False)
        radiograph_check.enter(node, half_turn=not before or None)


def _doubts(film, turn):
    lines = [] if film.isSure or not film.spine.vertebrae else [UNSURE + readingText(film.labels, film.likely)]
    return (*lines, *([UPSIDE_DOWN] if film.spine.vertebrae and film.isUpsideDown(turn) else []))


def _scaleLines(scale):
    text = _("scale: {source}").format(source=scale.text)
    if scale.relative_sd:
        text = _("{text}; sizes are right to some {share:.0%}").format(text=text, share=scale.relative_sd)
    return (text, *scale.warnings)
