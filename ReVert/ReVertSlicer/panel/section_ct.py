"""What is shown in 3D beside a comparison: the CT, and the beam moved with the surface."""

from slicer.i18n import tr as _

from ReVertSlicer.scene import beam_alignment, ct_in_3d

from .section import Section, allow, silently


class CtSection(Section):
    """The check boxes below a comparison."""

    def __init__(self, panel):
        super().__init__(panel)
        self.ui.showCtCheckBox.toggled.connect(self.onShowCt)

    def onShowCt(self, shown):
        if self.state is not None and self.state.segmentation is not None:
            ct_in_3d.show(self.state.segmentation, shown)

    def refresh(self):
        state, segmentation = self.state, self.state.segmentation
        allow(self.ui.showCtCheckBox, _refusal(segmentation))
        with silently(self.ui.showCtCheckBox):
            self.ui.showCtCheckBox.setChecked(segmentation is not None and ct_in_3d.isShown(segmentation))
        if state.radiograph is not None:
            beam_alignment.followSurface(state.radiograph, state.model if state.beamFollows else None)


def _refusal(segmentation):
    if segmentation is None:
        return _("Select a segmentation first.")
    if ct_in_3d.ctOf(segmentation) is not None and not ct_in_3d.canRender():
        return _("Slicer's Volume Rendering module is not there.")
    return ""
