"""What others measure on two masks: what the benchmark holds our metrics of surfaces against.

Each function takes two masks (k, j, i) bool of one grid and its spacing in mm, the same along all axes, and returns
(Dice, HD95, ASSD), the latter in mm. They are imported when they are called; ImportError when one is not installed.
"""

import numpy as np
import SimpleITK as sitk
import torch

Figures = tuple[float, float, float]


def by_monai(mask: np.ndarray, target: np.ndarray, spacing_mm: float) -> Figures:
    """MONAI: distance maps around the outermost voxels."""
    from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance

    masks = [torch.as_tensor(m, dtype=torch.float32)[None, None] for m in (mask, target)]
    options = {"include_background": True, "spacing": spacing_mm}
    hd95_mm = compute_hausdorff_distance(*masks, percentile=95, **options)
    assd_mm = compute_average_surface_distance(*masks, symmetric=True, **options)
    return float(compute_dice(*masks)), float(hd95_mm), float(assd_mm)


def by_surface_distance(mask: np.ndarray, target: np.ndarray, spacing_mm: float) -> Figures:
    """google-deepmind's surface-distance: elements of area between voxels."""
    import surface_distance as sd

    distances = sd.compute_surface_distances(target, mask, (spacing_mm,) * 3)
    there_mm, back_mm = sd.compute_average_surface_distance(distances)
    hd95_mm = sd.compute_robust_hausdorff(distances, 95)
    return float(sd.compute_dice_coefficient(target, mask)), float(hd95_mm), float((there_mm + back_mm) / 2)


def by_simpleitk(mask: np.ndarray, target: np.ndarray, spacing_mm: float) -> Figures:
    """SimpleITK: Maurer's distance maps, read along the other one's outermost voxels."""
    images = [sitk.GetImageFromArray(m.astype(np.uint8)) for m in (mask, target)]
    for image in images:
        image.SetSpacing((spacing_mm,) * 3)
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*images)
    edges = [sitk.GetArrayViewFromImage(sitk.LabelContour(image)) > 0 for image in images]
    maps = [sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True) for image in images]
    there, back = (np.abs(sitk.GetArrayViewFromImage(maps[1 - i])[edges[i]]) for i in range(2))
    hd95_mm = max(np.percentile(there, 95), np.percentile(back, 95))
    return overlap.GetDiceCoefficient(), float(hd95_mm), float((there.mean() + back.mean()) / 2)
