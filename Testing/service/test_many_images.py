"""Many images: each costs only itself, and no reason tells a name."""

from pathlib import Path

import pytest

from ReVertLib.errors import InputError
from ReVertLib.service.many_images import reconstruct_each, without_file_names


def test_what_cannot_be_read_costs_only_itself_and_no_weights_are_loaded_for_it():
    def read(path):
        raise InputError(f"image {path.name}: expected an image")

    def loaded():
        raise AssertionError("nothing to reconstruct")

    images = [Path("a.png"), Path("b.png")]
    failures = reconstruct_each(images, read, loaded, None)
    reasons = {"a.png": "image a.png: expected an image", "b.png": "image b.png: expected an image"}
    assert failures.reasons == reasons


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("image DOE.png: expected a whole PNG image", "image ...: expected a whole PNG image"),
        ("sidecar DOE.json: expected JSON", "sidecar ...: expected JSON"),
        ("sdd_mm: expected more than 0", "sdd_mm: expected more than 0"),
    ],
)
def test_reasons_without_names(reason, expected):
    assert without_file_names(reason, Path("/patients/DOE.png")) == expected
