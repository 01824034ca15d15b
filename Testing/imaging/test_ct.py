"""CTs in Hounsfield units: others are refused, padding is air and metal is bounded."""

import numpy as np
import pytest
from tiny import write_volume

from ReVertLib.api.drr import drr
from ReVertLib.errors import InputError
from ReVertLib.imaging.ct import in_hounsfield, read_ct
from ReVertLib.imaging.volume import Volume


def body(air=0.2) -> np.ndarray:
    """Soft tissue of -100 to 80 HU with a bone of 150 to 900 HU in it, and air before it."""
    rng = np.random.default_rng(0)
    array = rng.integers(-100, 80, (30, 40, 40)).astype(np.int16)
    array[8:22, 14:26, 14:26] = rng.integers(150, 900, (14, 12, 12))
    array[:, : int(40 * air)] = -1000
    return array


def checked(array):
    return in_hounsfield(Volume(array, np.eye(4)), "CT a").array


@pytest.mark.parametrize("air", [0.0, 0.02, 0.2, 0.6])
@pytest.mark.parametrize("kind", [np.int16, np.int32, np.float32])
def test_hounsfield_units_are_left_alone(air, kind):
    array = body(air).astype(kind)
    assert checked(array) is array


OTHERS = {
    "1024 too high": (lambda hu: (hu + 1024).astype(np.uint16), r"got \d+ % above (200|700): scaled, or 1024 too high"),
    "1000 too high": (lambda hu: hu + 1000, r"got \d+ % above (200|700): scaled, or 1024 too high"),
    "8192 too high": (lambda hu: hu + 8192, r"got \d+ % above (200|700): scaled, or 1024 too high"),
    "0 to 1": (lambda hu: (hu + 1024) / 4095.0, "got values from .+: scaled to 1, or attenuation"),
    "thousands": (lambda hu: hu / 1000.0, "got values from .+: scaled to 1, or attenuation"),
    "8 bits": (lambda hu: ((hu + 1024) / 4095.0 * 255).astype(np.uint8), "got values from .+: in 8 bits, or cut"),
    "a window": (lambda hu: np.clip(hu, -160, 240), r"got values from -\d+ to 240: in 8 bits, or cut to a window"),
    "1/mm": (lambda hu: 0.0192 * (1 + hu / 1000.0), "got values from .+: scaled to 1, or attenuation"),
    "1/cm": (lambda hu: 0.192 * (1 + hu / 1000.0), "got values from .+: scaled to 1, or attenuation"),
    "0 to 1000": (lambda hu: (hu + 1024) / 3.0, r"got \d+ % above (200|700): scaled, or 1024 too high"),
    "16 bits": (lambda hu: ((hu + 1024) * 32).astype(np.int32), "got values from "),
}


@pytest.mark.parametrize("air", [0.02, 0.2, 0.6])
@pytest.mark.parametrize("name", OTHERS)
def test_other_units_are_refused(name, air):
    change, message = OTHERS[name]
    with pytest.raises(InputError, match=rf"CT a: expected Hounsfield units \(air -1000, .+\), {message}"):
        checked(change(body(air).astype(np.int32)))


@pytest.mark.parametrize("padding", [-2000, -3024, -32768])
def test_padding_is_air(padding):
    array = body()
    array[:, :3] = padding
    found = checked(array)
    assert found.min() == -1024
    assert found.dtype == array.dtype
    assert np.array_equal(found[:, 3:], array[:, 3:])
    shifted = array.astype(np.int32) + 1024
    shifted[:, :3] = padding
    with pytest.raises(InputError, match="expected Hounsfield units"):
        checked(shifted)


def test_metal_is_bounded_and_said():
    array = body().astype(np.float32)
    array[10:12, 20:22, 20:22] = 12000
    with pytest.warns(UserWarning, match=r"CT a: 0.017 % is above 3071 HU \(metal\) and counts as 3071"):
        found = checked(array)
    assert found.max() == 3071
    assert np.array_equal(found[array < 3000], array[array < 3000])


def test_files_and_arrays_are_checked(tmp_path):
    shifted = Volume(body() + np.int16(1024), np.eye(4))
    write_volume(tmp_path / "ct.nii.gz", shifted)
    with pytest.raises(InputError, match=r"CT ct.nii.gz: expected Hounsfield units"):
        read_ct(tmp_path / "ct.nii.gz")
    for ct in (tmp_path / "ct.nii.gz", shifted, (shifted.array, shifted.ijk_to_lps)):
        with pytest.raises(InputError, match=r"CT.*: expected Hounsfield units"):
            drr(ct)


@pytest.mark.parametrize("air", [0.2, 0.6])
def test_air_that_is_bright_is_refused(air):
    with pytest.raises(InputError, match=r"got \d+ % above (200|700): scaled, or 1024 too high"):
        checked(-body(air).astype(np.int32))


def test_more_metal_than_anybody_has_is_a_scale():
    array = body(0.6).astype(np.int32)
    array[array > -300] *= 100
    with pytest.raises(InputError, match=r"got \d+ % above (200|700|3071): scaled, or 1024 too high"):
        checked(np.minimum(array, 30_000))
