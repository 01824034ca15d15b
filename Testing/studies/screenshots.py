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
CAPTION_PX = 40
WIDE_PX = (1240, 590)
SMALL_PX = (616, 602)
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
    """Panel, 3D view of everything, the slice view, and the surface with its distances, each with what it shows."""
    radiograph, model = panel.state.radiograph, panel.state.model
    panel.ui.showViewCheckBox.setChecked(False)
    picture_3d(folder / "close.png", SMALL_PX, azimuth_deg=-35, elevation_deg=14, shown=[model], air=1.5)
    panel.ui.showViewCheckBox.setChecked(True)
    panel.logic.removeAlignment(model)
    panel.logic.colourBy(model, None)
    picture_3d(folder / "all.png", WIDE_PX, azimuth_deg=30, elevation_deg=12)
    picture_slice(radiograph, folder / "slice.png", SMALL_PX, zoom=1.4)
    width, height = PANEL_PX
    panel.parent.resize(width, height)
    panel.parent.show()
    application.processEvents()
    canvas = QtGui.QImage(width + GAP_PX + WIDE_PX[0], height, QtGui.QImage.Format.Format_RGB32)
    canvas.fill(QtGui.QColor("#2b2b2b"))
    painter = QtGui.QPainter(canvas)
    painter.drawPixmap(QtCore.QPoint(0, 0), panel.parent.grab())
    left, below = width + GAP_PX, CAPTION_PX + WIDE_PX[1] + GAP_PX
    for name, x, y, caption in (
        ("all", left, 0, "L3 before the X-ray source, behind it the computed radiograph (DRR) on the detector"),
        ("slice", left, below, "computed radiograph (DRR), silhouette of the surface"),
        ("close", left + SMALL_PX[0] + GAP_PX, below, "distance to the CT segmentation"),
    ):
        _captioned(painter, QtGui.QImage(str(folder / f"{name}.png")), x, y, caption)
    painter.end()
    return canvas


def _captioned(painter, picture, x, y, caption):
    """A picture with its text above it."""
    font = painter.font()
    font.setPixelSize(CAPTION_PX * 11 // 20)
    painter.setFont(font)
    painter.setPen(QtGui.QColor("white"))
    rectangle = QtCore.QRect(x, y, picture.width(), CAPTION_PX)
    painter.drawText(rectangle, QtCore.Qt.AlignmentFlag.AlignCenter, caption)
    painter.drawImage(x, y + CAPTION_PX, picture)


if __name__ == "__main__":
    main()
