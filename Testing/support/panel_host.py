"""The panel in a fresh scene, with its work done nearby: fixtures for the tests of the module's panel."""

import pytest
import slicer_host
from near_worker import NearWorker
from scene_nodes import LENGTHS, OneTetrahedron, radiograph_node
from slicer_host import messages, run_until

BOX = (10, 10, 60, 50)


@pytest.fixture
def predictor():
    return OneTetrahedron()


@pytest.fixture
def panel(predictor, monkeypatch):
    """The panel in a fresh scene, with work done nearby."""
    module = slicer_host.load()
    from ReVertSlicer.panel import panel as panel_module
    from ReVertSlicer.work import packages

    monkeypatch.setattr(packages, "missing", lambda forCt=False: ())
    monkeypatch.setattr(panel_module, "Worker", lambda onChange=None: NearWorker(predictor))
    widget = module.ReVertWidget()
    widget.logic = module.ReVertLogic(predictor)
    yield widget
    widget.cleanup()


@pytest.fixture
def radiograph(panel):
    """A selected radiograph with everything that is needed."""
    node = radiograph_node()
    panel.logic.setGeometry(node, **LENGTHS)
    panel.logic.addVertebra(node, "L3", box=BOX)
    panel.ui.radiographSelector.setCurrentNode(node)
    return node


def reconstructed(panel):
    """The model, after a click on Reconstruct."""
    panel.ui.reconstructButton.click()
    assert run_until(lambda: not panel.runner.isRunning)
    assert [text for kind, text in messages if kind == "error"] == []
    return panel.state.model
