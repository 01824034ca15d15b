"""The Python packages the reconstruction needs and Slicer does not bring: which are missing, and installing them when
the user asks for it."""

import importlib
import logging
import traceback
from importlib.util import find_spec

import slicer
from slicer.i18n import tr as _

TORCH, RUNTIME = "torch", "onnxruntime"
PACKAGES = {RUNTIME: "onnxruntime", "safetensors": "safetensors", TORCH: "torch"}
"""Name for pip and name for an import. Any version will do, as pyproject.toml says."""


def missing(forCt=False):
    """Names for pip of the packages that are not there. PyTorch is needed to lay a CT into the beam (forCt) only, and
    where it is there it answers in place of ONNX Runtime. Imports none of them."""
    there = {name for name, module in PACKAGES.items() if find_spec(module) is not None}
    needed = {"safetensors", TORCH if forCt or TORCH in there else RUNTIME}
    return tuple(name for name in PACKAGES if name in needed - there)


def install(onProgress=lambda _text: None, forCt=False):
    """Installs what is missing, each time only after the user agrees; whether everything is there now.

    To be called on a click only. PyTorch comes through the PyTorch extension, which chooses the build for this machine:
    for CUDA where there is an NVIDIA driver, else the much smaller one for the CPU. The rest comes through Slicer's own
    installer. onProgress: called with one line before each step, as they block the application. When it ends without
    all packages, one message has said why. Never installs while Slicer runs its self tests. forCt: as for `missing`.
    """
    if slicer.app.testingEnabled():
        logging.info("ReVert: no packages are installed in testing mode")
        return not missing(forCt)
    try:
        complete = _installTorch(onProgress, forCt) and _installRest(onProgress, forCt)
    except Exception as error:  # whatever pip or the extension raises
        text = _("The packages could not be installed: {reason}").format(reason=error)
        slicer.util.errorDisplay(text, detailedText=traceback.format_exc())
        return False
    finally:
        onProgress("")
    return complete and _isComplete(forCt)


def _installTorch(onProgress, forCt):
    """Whether PyTorch is there, or installed without an error."""
    if TORCH not in missing(forCt):
        return True
    try:
        from PyTorchUtils import PyTorchUtilsLogic
    except ModuleNotFoundError:
        slicer.util.warningDisplay(
            _(
                "To lay a CT into the beam ReVert needs the PyTorch extension. Please open the Extensions Manager "
                '(menu View), install "PyTorch", restart Slicer and try again.'
            )
        )
        return False
    onProgress(_("Installing PyTorch: this takes minutes; the Python console shows its progress"))
    if PyTorchUtilsLogic().installTorch(askConfirmation=True) is None:
        _showDeclined(TORCH)
        return False
    return True


def _installRest(onProgress, forCt):
    """Whether the other packages are there, or installed without an error."""
    names = [name for name in missing(forCt) if name != TORCH]
    if not names:
        return True
    onProgress(_("Installing {names}").format(names=", ".join(names)))
    try:
        from slicer.packaging import pip_ensure
    except ImportError:  # Slicer before 5.12
        return _installWithConsent(names)
    try:
        pip_ensure(names, requester="ReVert")
    except RuntimeError as error:  # raised when the user declines
        logging.info("ReVert: %s", error)
        _showDeclined(", ".join(names))
        return False
    return True


def _installWithConsent(names):
    listed = ", ".join(names)
    text = _("ReVert needs Python packages that will be downloaded and installed into Slicer: {names}. Continue?")
    if not slicer.util.confirmOkCancelDisplay(text.format(names=listed), "ReVert"):
        _showDeclined(listed)
        return False
    slicer.util.pip_install(" ".join(names))
    return True


def _showDeclined(names):
    text = _("{names}: not installed, so this cannot be done. Click again to be asked again.")
    slicer.util.infoDisplay(text.format(names=names))


def _isComplete(forCt):
    """Whether everything can be found now, or a message that it cannot."""
    importlib.invalidate_caches()
    absent = missing(forCt)
    if absent:
        text = _("Installed, but not found: {names}. Please restart Slicer and try again.")
        slicer.util.errorDisplay(text.format(names=", ".join(absent)))
    return not absent
