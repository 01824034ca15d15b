"""Writes the pictures of the module into Resources/Screenshots: `make screenshots`.

What is seen is real: the panel with its child process, the sample case, and the 3D and slice views as Slicer's own
displayable managers draw them. Only the frame around them is Qt's instead of Slicer's.
"""

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "support"))

import slicer_host  # noqa: E402 - the stand-ins of the tests are found by the line above
from qt_host import QtCore, QtGui, application  # noqa: E402
from scene_pictures import picture_3d, picture_slice  # noqa: E402
from slicer_host import run_until  # noqa: E402

FOLDER = ROOT / "Resources" / "Screenshots"
PANEL_PX = (520, 1280)
VIEW_PX = (1240, 756)
SMALL_PX = (616, 516)
GAP_PX = 8
START_S = 120


def main():
    module = slicer_host.load()
    panel = module.ReVertWidget()
    panel.ui.sampleButton.click()
    assert run_until(lambda: panel.worker.isReady, START_S), panel.worker.log
    for button in (panel.ui.reconstructButton, panel.ui.compareButton):
        button.click()
        assert run_until(lambda: not panel.runner.isRunning, START_S)
    assert [text for kind, text in slicer_host.messages if kind == "error"] == []
    with tempfile.TemporaryDirectory() as folder:
        _compose(panel, Path(folder)).save(str(FOLDER / "module.png"))
    panel.cleanup()
    run_until(lambda: False, 0.5)


def _compose(panel, folder):
    """Panel, 3D view of everything, the surface with its distances, and the slice view, side by side."""
    radiograph, model = panel.state.radiograph, panel.state.model
    panel.ui.showViewCheckBox.setChecked(False)
    picture_3d(folder / "close.png", SMALL_PX, azimuth_deg=-35, elevation_deg=14, zoom=1.5)
    panel.ui.showViewCheckBox.setChecked(True)
    panel.logic.removeAlignment(model)
    panel.logic.colourBy(model, None)
    picture_3d(folder / "all.png", VIEW_PX, azimuth_deg=-62, elevation_deg=10, zoom=1.6)
    picture_slice(radiograph, folder / "slice.png", SMALL_PX, zoom=1.4)
    width, height = PANEL_PX
    panel.parent.resize(width, height)
    panel.parent.show()
    application.processEvents()
    canvas = QtGui.QImage(width + GAP_PX + VIEW_PX[0], height, QtGui.QImage.Format.Format_RGB32)
    canvas.fill(QtGui.QColor("#2b2b2b"))
    painter = QtGui.QPainter(canvas)
    painter.drawPixmap(QtCore.QPoint(0, 0), panel.parent.grab())
    left, below = width + GAP_PX, VIEW_PX[1] + GAP_PX
    painter.drawImage(left, 0, QtGui.QImage(str(folder / "all.png")))
    painter.drawImage(left, below, QtGui.QImage(str(folder / "slice.png")))
    painter.drawImage(left + SMALL_PX[0] + GAP_PX, below, QtGui.QImage(str(folder / "close.png")))
    painter.end()
    return canvas


if __name__ == "__main__":
    main()
