"""A radiograph whose view is not known, answered for the two that are likely: the user takes either without waiting."""

from dataclasses import dataclass, replace

from slicer.i18n import tr as _

from ReVertLib.finding.found import SeenView
from ReVertLib.geometry.views import VIEW_ANGLES
from ReVertLib.inference.results import Outcome
from ReVertLib.inference.verdict import AMBIGUOUS, VIEW_TAKEN
from ReVertSlicer.input import radiograph_check

from . import jobs


@dataclass(frozen=True)
class LikelyViews:
    """job: what both are answers to, with `about` of who answered. views: both, the likelier first. outcomes: of each,
    as if it had been given, from one vertebra to all."""

    job: jobs.ReconstructionJob
    about: object
    views: tuple[SeenView, SeenView]
    outcomes: tuple[list[Outcome], list[Outcome]]

    def isOf(self, radiographNode, sliceIndex):
        """Whether they are of this picture."""
        return (radiographNode.GetID(), sliceIndex) == (self.job.radiographId, self.job.sliceIndex or 0)

    def taken(self, known):
        """Which of them the user has taken, by what is known of the radiograph; None: neither."""
        angles = tuple(known[name].value if name in known else 0.0 for name in VIEW_ANGLES)
        by_angles = {(view.yaw_deg, 0.0, 0.0): index for index, view in enumerate(self.views)}
        return by_angles.get(angles) if "yaw_deg" in known else None


def likelyViews(job, answer, about):
    """What the service has answered to a job as LikelyViews; None where it is for one view, or not the same two for
    every vertebra."""
    seconds = job.secondOutcomes(answer)
    if not seconds:
        return None
    firsts = job.outcomes(answer)
    views = {
        tuple(one.reconstruction.geometry.view_deg[0] for one in pair) for pair in zip(firsts, seconds, strict=True)
    }
    if len(views) > 1:
        return None
    first = firsts[0].reconstruction
    likely = first.probability, first.other.probability
    seen = tuple(SeenView(yaw, share) for yaw, share in zip(*views, likely, strict=True))
    return LikelyViews(job, about, seen, tuple([_given(one) for one in both] for both in (firsts, seconds)))


def take(likely, index):
    """Shows the surfaces of one of two LikelyViews and takes its view for the radiograph; returns the model nodes, made
    or updated. Raises InputError when the radiograph is no longer there."""
    node = jobs.existingNode(likely.job.radiographId, _("radiograph"))
    angles = dict(zip(VIEW_ANGLES, (likely.views[index].yaw_deg, 0.0, 0.0), strict=True))
    models = jobs.showReconstructions(replace(likely.job, view=angles), likely.outcomes[index], likely.about)
    radiograph_check.enter(node, **angles)
    return models


def _given(outcome):
    """The same without a word of its view having been guessed."""
    one = outcome.reconstruction
    warnings = tuple(line for line in one.warnings if not line.startswith((AMBIGUOUS, VIEW_TAKEN)))
    return replace(outcome, reconstruction=replace(one, warnings=warnings, probability=None, other=None))
