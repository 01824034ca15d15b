"""Makes the bundled film again: `python Testing/studies/make_film.py PATIENT` writes Resources/film.

PATIENT is the first of `revert simulate-patients DATA SHAPES OUT --bones verse008 --seed 77`, whose films are those of
the tables in docs/film.md. The README beside the film is written by hand.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ReVertLib.dataset.cases import find_cases
from ReVertLib.files import whole_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import VERSE_LABELS
from ReVertLib.imaging.ct import read_ct
from ReVertLib.imaging.labels import label_centre_lps, read_label_map
from ReVertLib.projection.drr import DrrView, Scan, write_drr

CAMERA, SIZE_PX = Geometry(1150.0, 850.0, (0.9, 0.9), (223.5, 255.5)), (448, 512)
"""As in whole_films.py."""
BITS = 14
"""Of grey values: the file is a quarter smaller than with 16, and nobody sees it."""
MARGIN_PX = 2
OUT = Path(__file__).resolve().parents[2] / "Resources" / "film"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patient", type=Path)
    (case,) = find_cases(parser.parse_args().patient)
    centre = label_centre_lps(read_label_map(case.labels), VERSE_LABELS["L3"])
    drr = Scan(read_ct(case.ct), centre).drr(DrrView(), CAMERA, SIZE_PX)
    write_drr(replace(drr, pixels=drr.pixels >> (16 - BITS)), OUT / "film_ap.png")
    crop(case.labels, OUT / "segmentation.nii.gz")


def crop(labels_path: Path, out: Path) -> None:
    """The box around L1 to L5; other labels go."""
    image = sitk.ReadImage(str(labels_path))
    array = sitk.GetArrayViewFromImage(image)
    wanted = np.isin(array, list(VERSE_LABELS.values()))
    ends = [(int(at.min()) - MARGIN_PX, int(at.max()) + 1 + MARGIN_PX) for at in np.nonzero(wanted)]
    kept = sitk.GetImageFromArray((array * wanted).astype(np.uint8))
    kept.CopyInformation(image)
    with whole_file(out) as temporary:
        region = tuple(slice(*end) for end in reversed(ends))
        sitk.WriteImage(kept[region], str(temporary), useCompression=True, compressionLevel=9)


if __name__ == "__main__":
    main()
