"""Makes the bundled cases again: `python Testing/studies/make_sample.py CASE` writes Resources/sample and /demo.

CASE is the folder of VerSe's verse008 with its CT and label map. The README beside each is written by hand.
"""

import argparse
from pathlib import Path

import SimpleITK as sitk

from ReVertLib.dataset.cases import find_cases
from ReVertLib.files import whole_file
from ReVertLib.imaging.labels import label_region, read_label_map
from ReVertLib.imaging.volume import read_volume
from ReVertLib.projection.drr import SIZE_PX, DrrView, Vertebra, c_arm, write_drr

CASES = {"sample": ("L3", 22), "demo": ("L1", 20)}
"""Level and label of each folder."""

MARGIN_MM = 6.0
VIEWS = {"ap": DrrView(), "lateral": DrrView(yaw_deg=90), "oblique": DrrView(yaw_deg=25)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", type=Path)
    (case,) = find_cases(parser.parse_args().case)
    for folder, (level, label) in CASES.items():
        out = Path(__file__).resolve().parents[2] / "Resources" / folder
        crop(case.ct, case.labels, label, out)
        vertebra = Vertebra(read_volume(out / "ct.nii.gz"), read_label_map(out / "segmentation.nii.gz"), label)
        for name, view in VIEWS.items():
            write_drr(vertebra.drr(view, c_arm(), (SIZE_PX, SIZE_PX)), out / f"verse008_{level}_{name}.png")


def crop(ct_path: Path, labels_path: Path, label: int, out: Path) -> None:
    """The box around the label from both files; other labels go."""
    labels = read_label_map(labels_path)
    lower, upper = label_region(labels, label, MARGIN_MM)
    box = [slice(max(int(a), 0), int(b)) for a, b in zip(lower, upper, strict=True)]
    ct, mask = sitk.ReadImage(str(ct_path)), sitk.ReadImage(str(labels_path))
    _write(sitk.Cast(ct[tuple(box)], sitk.sitkInt16), out / "ct.nii.gz")
    _write(sitk.Cast((mask[tuple(box)] == label) * label, sitk.sitkUInt8), out / "segmentation.nii.gz")


def _write(image: sitk.Image, path: Path) -> None:
    with whole_file(path) as temporary:
        sitk.WriteImage(image, str(temporary), useCompression=True, compressionLevel=9)


if __name__ == "__main__":
    main()
