"""Writes the picture of the module into Resources/Screenshots: `make screenshots`.

What is seen is real: the panel with its child process, the sample film, and the 3D and slice views as Slicer's own
displayable managers draw them. Only the frame around them is Qt's instead of Slicer's. `--dark FILE` also writes the
panel in a dark theme.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Testing" / "support"))

import slicer_host  # noqa: E402 - the stand-ins of the tests are found by the line above
from qt_host import QtCore, QtGui, application  # noqa: E402
from scene_pictures import picture_3d, picture_slice  # noqa: E402
from slicer_host import run_until  # noqa: E402

FOLDER = ROOT / "Resources" / "Screenshots"
PANEL_PX = (520, 1330)
CAPTION_PX = 40
VIEW_PX = (616, 1290)
GAP_PX = 8
SCALE = 0.7
"""Of the picture that is written, in a palette of COLOURS: it is loaded with every look at the front page."""
COLOURS = 256
START_S = 900


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dark", type=Path)
    dark = parser.parse_args().dark
    module = slicer_host.load()
    panel = module.ReVertWidget()
    loaded = panel.logic.loadSampleData("film")
    panel.state.radiograph, panel.state.segmentation = loaded.radiograph, loaded.segmentation
    assert run_until(lambda: panel.worker.isReady, START_S), panel.worker.log
    for button in (panel.ui.findButton, panel.ui.reconstructButton, panel.ui.compareAllButton):
        button.click()
        assert run_until(lambda: not panel.runner.isRunning, START_S)
        run_until(lambda: False, 0.5)
    assert [text for kind, text in slicer_host.messages if kind == "error"] == []
    with tempfile.TemporaryDirectory() as folder:
        _compose(panel, Path(folder)).save(f"{folder}/module.png")
        _write_small(Path(folder) / "module.png", FOLDER / "module.png")
    if dark:
        application.setStyle("Fusion")
        application.setPalette(_dark())
        application.processEvents()
        panel.refresh()
        _grabbed(panel).save(str(dark))
    panel.cleanup()
    run_until(lambda: False, 0.5)


def _write_small(path, out):
    with Image.open(path) as picture:
        size = [round(SCALE * side) for side in picture.size]
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(out, optimize=True)


def _dark():
    palette, colour = QtGui.QPalette(), QtGui.QPalette.ColorRole
    for role in (colour.Window, colour.Button, colour.Base, colour.AlternateBase, colour.ToolTipBase):
        palette.setColor(role, QtGui.QColor("#2b2b2b"))
    for role in (colour.WindowText, colour.ButtonText, colour.Text, colour.ToolTipText):
        palette.setColor(role, QtGui.QColor("#e8e8e8"))
    palette.setColor(colour.Light, QtGui.QColor("#454545"))
    return palette


def _grabbed(panel):
    panel.parent.resize(*PANEL_PX)
    panel.parent.show()
    application.processEvents()
    return panel.parent.grab()


def _compose(panel, folder):
    """Panel, the film with boxes and names, and all surfaces before the detector, each with what it shows."""
    models = [node for node, _segment in results_of(panel)]
    for model in models:
        panel.logic.removeAlignment(model)
    panel.ui.showViewCheckBox.setChecked(False)
    picture_3d(folder / "all.png", VIEW_PX, azimuth_deg=-35, elevation_deg=10, shown=models, air=1.25)
    for model in models:
        panel.logic.colourBy(model, None)  # or the legend covers the film, too
    picture_slice(panel.state.radiograph, folder / "slice.png", VIEW_PX, zoom=1.5)
    panel.ui.showViewCheckBox.setChecked(True)
    width, height = PANEL_PX
    grabbed = _grabbed(panel)
    canvas = QtGui.QImage(width + 2 * (GAP_PX + VIEW_PX[0]), height, QtGui.QImage.Format.Format_RGB32)
    canvas.fill(QtGui.QColor("#2b2b2b"))
    painter = QtGui.QPainter(canvas)
    painter.drawPixmap(QtCore.QPoint(0, 0), grabbed)
    left = width + GAP_PX
    for name, x, caption in (
        ("slice", left, "computed film (DRR): what was found, and silhouettes"),
        ("all", left + VIEW_PX[0] + GAP_PX, "L1 to L5, their distance to the CT"),
    ):
        _captioned(painter, QtGui.QImage(str(folder / f"{name}.png")), x, 0, caption)
    painter.end()
    return canvas


def results_of(panel):
    """Models and their segments."""
    from ReVertSlicer.scene import results_table

    return results_table.pairs(panel.state.segmentation)


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
