"""The module's panel: its sections, the scene they follow, and the child process that works for them."""

import qt
import slicer
import vtk
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

from ReVertSlicer.input import found_boxes, placement, placing, radiograph_check
from ReVertSlicer.input.found_film import foundOn
from ReVertSlicer.scene import hierarchy, result_state
from ReVertSlicer.work import packages
from ReVertSlicer.work.runner import Runner
from ReVertSlicer.work.worker_process import Worker

from .panel_work import PROGRESS_STEPS, PanelWork
from .section import forgetTyping, guarded
from .section_reconstruct import ReconstructSection
from .section_views import ViewsSection
from .sections import SECTIONS

REFRESHED_BY = ("vtkMRMLMarkupsNode", "vtkMRMLModelNode", "vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
"""Kinds of nodes that change what the panel shows when they come into the scene."""
REFRESH_AFTER_MS = 50
SELDOM_MS = 250


class Panel(PanelWork, ScriptedLoadableModuleWidget, VTKObservationMixin):
    """What the sections share. makeLogic: the module's logic class, given by the module's file."""

    makeLogic = None

    def __init__(self, parent=None):
        VTKObservationMixin.__init__(self)
        self.state = self.check = self.film = None
        self.placed, self.results = [], {}
        self._guiTag = None
        self._observedRadiograph = None
        self._newVolumeIds = []
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self):
        super().setup()
        self.logic = self.makeLogic()
        self.worker = Worker(onChange=self.onSceneChange)
        self.runner = Runner(self.worker, self.onProgress)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/ReVert.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.ui.progressBar.setRange(0, PROGRESS_STEPS)
        self._refreshSoon = qt.QTimer()
        self._refreshSoon.setSingleShot(True)
        self._refreshSoon.setInterval(REFRESH_AFTER_MS)
        self._refreshSoon.timeout.connect(self._refreshNow)
        self._refreshSeldom = qt.QTimer()
        self._refreshSeldom.setSingleShot(True)
        self._refreshSeldom.setInterval(SELDOM_MS)
        self._refreshSeldom.timeout.connect(self.refreshSections)
        self.sections = [section(self) for section in SECTIONS]
        self._reconstruct = next(s for s in self.sections if isinstance(s, ReconstructSection))
        self.views = next(s for s in self.sections if isinstance(s, ViewsSection))
        self.showModels = self._reconstruct.showModels
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEnd)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEnd)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        for node in slicer.util.getNodesByClass("vtkMRMLMarkupsNode"):
            self._observeMarkups(node)
        self._showOpened()
        self.enter()

    def cleanup(self):
        """Called by Slicer before the module is unloaded: ends the process."""
        self._reconstruct.stopLive()
        self.runner.cancel()
        self.worker.stop()
        self._refreshSoon.stop()
        self._refreshSeldom.stop()
        self._connectState(None)
        self.removeObservers()

    def onReload(self):
        """Developer mode: Slicer reloads only the module's own file, so its parts are forgotten first."""
        import sys

        for name in [name for name in sys.modules if name.split(".")[0] in ("ReVertSlicer", "ReVertLib")]:
            del sys.modules[name]
        super().onReload()

    def enter(self):
        """Connects to the scene's parameter node; called by Slicer whenever the module is opened."""
        state = self.logic.getParameterNode()
        if state.radiograph is None:
            state.radiograph = radiograph_check.lastLoaded()
        self._takeNewFilm(state)
        self._connectState(state)

    def exit(self):
        self._reconstruct.stopLive()
        self._connectState(None)

    def onSceneStartClose(self, _caller, _event):
        """Work for this scene must not end in the next one."""
        self._reconstruct.stopLive()
        self.runner.cancel()
        self.views.offer(None)
        self._connectState(None)

    def onSceneEnd(self, _caller, _event):
        self._showOpened()
        if self.parent.isEntered:
            self.enter()

    def _showOpened(self):
        """Labels are not saved, and scenes of earlier versions show boxes and points in 3D."""
        placement.showOpened()
        found_boxes.showOpened()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, _caller, _event, node):
        """The radiograph may be removed while it is followed."""
        if node.IsA("vtkMRMLMarkupsNode"):
            self._observeMarkups(node, False)
        if node.IsA("vtkMRMLScalarVolumeNode") and not slicer.mrmlScene.IsClosing():
            found_boxes.removeOrphans()
        if self.state is not None:
            if self._reconstruct.isLive and node is self._observedRadiograph:
                self._reconstruct.stopLive()
            self._refreshSoon.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, _caller, _event, node):
        """A box or point that is being placed is listed as soon as it lies somewhere; not every model is to select; the
        first segmentation opens the comparison; a film may be the next radiograph."""
        if node.IsA("vtkMRMLMarkupsNode"):
            self._observeMarkups(node)
        if node.IsA("vtkMRMLScalarVolumeNode") and not slicer.mrmlScene.IsImporting():
            self._newVolumeIds.append(node.GetID())
        if any(map(node.IsA, REFRESHED_BY)):
            self._refreshSoon.start()

    def _takeNewFilm(self, state):
        """Selects the film that was loaded last, unless something was done with the one that is selected."""
        film = radiograph_check.lastLoaded(self._newVolumeIds)
        self._newVolumeIds.clear()
        if film is not None and (state.radiograph is None or not hierarchy.isInUse(state.radiograph)):
            state.radiograph = film

    def _refreshNow(self):
        if self.state is not None:
            self._takeNewFilm(self.state)
            self.refresh()

    def _observePlacing(self):
        """That placing has ended by a key or a button of Slicer's own shows in the interaction node alone."""
        node = placing.interactionNode()
        if node is not None and not self.hasObserver(node, node.InteractionModeChangedEvent, self.onSceneChange):
            self.addObserver(node, node.InteractionModeChangedEvent, self.onSceneChange)

    def _observeMarkups(self, node, watch=True):
        """Begins or ends observing a markups node, whether the module is shown or not."""
        for event in (node.PointModifiedEvent, node.PointPositionDefinedEvent, node.PointRemovedEvent):
            if watch != self.hasObserver(node, event, self.onSceneChange):
                (self.addObserver if watch else self.removeObserver)(node, event, self.onSceneChange)

    def onSceneChange(self, _caller=None, _event=None):
        self._refreshSoon.start()

    def _connectState(self, state):
        """Connects the widgets to state, and no longer to the one before; None connects them to none."""
        if self.state is not None:
            self.state.disconnectGui(self._guiTag)
            self.removeObserver(self.state.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self.state = None  # filling the widgets must not change the state
        if state is not None:
            self._observePlacing()
            self._guiTag = state.connectGui(self.ui)
            self.state = state
            self.addObserver(state.parameterNode, vtk.vtkCommand.ModifiedEvent, self.onModified)
        self.refresh()

    def onModified(self, _caller=None, _event=None):
        """The parameter node has changed: another radiograph ends the following of the one before, other weights are
        loaded."""
        self.followChoice()
        self.refresh()

    def refresh(self):
        """Brings everything that is shown in agreement with the scene; the radiograph is checked anew, once."""
        if self.state is None:
            return
        node, index = self.state.radiograph, self.state.sliceIndex
        if node is not self._observedRadiograph:
            self._changeRadiograph(node)
            index = self.state.sliceIndex
        self.check, self.placed, self.film = None, [], None
        if node is not None:
            self.film = foundOn(node, index)
            self.check = radiograph_check.checkRadiograph(node, index)
            known = {key: found.value for key, found in self.check.known.items()}
            if self.check.sliceCount:  # else there is no image, which is among the problems
                self.placed = guarded(placement.placements, node, index, known, self.check.turn) or []
        self.refreshSections()

    def refreshSections(self):
        """Brings the widgets in agreement with what runs and with the result; the radiograph is as it was."""
        if self.state is not None:
            self.results = {}
            if self.check is not None:
                node, index, about = self.state.radiograph, self.state.sliceIndex, self.worker.about
                weights = about.weights_sha256 if about else None
                self.results = result_state.resultStates(node, index, self.check, self.placed, weights)
            for section in self.sections:
                section.refresh()

    def _changeRadiograph(self, node):
        self._reconstruct.stopLive()
        for spin in (spin for section in self.sections for spin in section.spins):
            forgetTyping(spin)  # it was meant for the radiograph of before
        if self._observedRadiograph is not None:
            self.removeObserver(self._observedRadiograph, vtk.vtkCommand.ModifiedEvent, self.onSceneChange)
        self._observedRadiograph = node
        if node is not None:
            image = node.GetImageData()
            if self.state.sliceIndex >= (image.GetDimensions()[2] if image else 1):  # it belonged to a longer stack
                self.state.sliceIndex = 0
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self.onSceneChange)
            self._reconstruct.selectResultOf(node)
            if not packages.missing():
                self._startWorker()  # so that the first click is quick
