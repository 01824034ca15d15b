"""The library in three functions: a radiograph to a surface, a surface against the truth, a CT to radiographs.

    import ReVertLib as revert

    result = revert.reconstruct("L3.png", {"sdd_mm": 1020, "sod_mm": 600, "pixel_spacing_mm": (0.99, 0.99)}, level="L3")
    comparison = revert.compare(result, "L3_truth.stl")
    radiographs = revert.drr("ct.nii.gz", "segmentation.nii.gz", label=22, views=[0, 25, 90])

All lengths are in mm, angles in degrees, arrays are numpy's. Surfaces are in the camera frame: origin at the X-ray
source, +Z toward the detector, +X along image columns, +Y along image rows; label maps and CTs are in DICOM's LPS. What
cannot be used raises `InputError`, whose one line says what, what was expected and what came.
"""
