"""How others register one bone to one film, through their public interfaces, from the same start, on the same part of
the film at 1 mm, and with the same bone: what it has beyond soft tissue.

nanodrr: its `Registration`, by Adam on half of multi-scale and half of gradient correlation, as xvr refines poses with
it. SimpleITK: its correlation metric between film and DRR, made greatest by Powell's method over the six numbers of the
pose; the DRR is ours, as SimpleITK has none.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch
from nanodrr.data import Subject
from nanodrr.metrics import GradientNormalizedCrossCorrelation2d, MultiscaleNormalizedCrossCorrelation2d
from nanodrr.registration import Registration
from scipy.optimize import minimize

from ReVertLib.ct_registration.bone import CtBone
from ReVertLib.ct_registration.patches import Scale, resampled
from ReVertLib.ct_registration.records import View
from ReVertLib.ct_registration.refine import UNITS, stepped
from ReVertLib.geometry.transform import RigidTransform
from ReVertLib.projection.projector import Projector

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from other_projectors import subject

SCALE = Scale(1.0, 4.0)
STEPS, RATES = 150, (0.01, 1.0)
"""Of Adam; its rates are for radians and mm."""
SAMPLES = 120
BOUNDS, OPTIONS = (-8.0, 8.0), {"maxfev": 400, "xtol": 0.01}
"""Of Powell's method: how far it may go, in UNITS, and how many DRRs it may ask for."""


def by_nanodrr(bone: CtBone, start: RigidTransform, view: View) -> RigidTransform:
    """The pose after STEPS steps, camera from LPS."""
    film, _, geometry = resampled(view, start.apply(bone.mesh_lps.vertices), SCALE)
    rows, columns = film.shape
    # nanodrr's pixels begin half a pixel before ours.
    shifted = geometry.cropped(-0.5, -0.5)
    arrays = np.linalg.inv(shifted.matrix)[None], start.inverse.matrix[None], [geometry.sdd_mm]
    k_inv, rt_inv, sdd = (torch.as_tensor(np.asarray(a), dtype=torch.float32) for a in arrays)
    work = Registration(_subject(bone), rt_inv, k_inv, sdd, rows, columns)
    optimiser = torch.optim.Adam(
        [{"params": [work._rot], "lr": RATES[0]}, {"params": [work._xyz], "lr": RATES[1]}], maximize=True
    )
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    metrics = (
        MultiscaleNormalizedCrossCorrelation2d([None, 9], [0.5, 0.5]),
        GradientNormalizedCrossCorrelation2d(patch_size=11, sigma=1.0),
    )
    for _ in range(STEPS):
        optimiser.zero_grad()
        drr = work(n_samples=SAMPLES)
        similarity = sum(0.5 * metric(film[None, None], drr) for metric in metrics)
        similarity.mean().backward()
        optimiser.step()
        scheduler.step()
    return RigidTransform.from_matrix(np.linalg.inv(work.pose[0].detach().double().numpy()))


def by_simpleitk(bone: CtBone, start: RigidTransform, view: View) -> RigidTransform:
    """The pose after some hundred DRRs, camera from LPS."""
    film, _, geometry = resampled(view, start.apply(bone.mesh_lps.vertices), SCALE)
    projector, size_px = Projector(bone.mu), film.shape[::-1]
    fixed = sitk.GetImageFromArray(film.numpy())
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetInitialTransform(sitk.TranslationTransform(2))

    def misfit(step: np.ndarray) -> float:
        drr = projector.line_integrals(stepped(start, bone.centre_lps, step), geometry, size_px)
        return method.MetricEvaluate(fixed, sitk.GetImageFromArray(drr))

    found = minimize(misfit, np.zeros(len(UNITS)), method="Powell", bounds=[BOUNDS] * 6, options=OPTIONS)
    return stepped(start, bone.centre_lps, found.x)


def _subject(bone: CtBone) -> Subject:
    """The bone as nanodrr has it, its isocentre the bone's middle, about which it turns."""
    made = subject(bone.mu)
    made.isocenter = torch.as_tensor(bone.centre_lps, dtype=torch.float32)
    return made
