"""How the shape model is measured: fits that are known, samplers whose order is known, and a whole report."""

from dataclasses import replace

import numpy as np
import pytest
from few_points import few_points  # noqa: F401
from log_lines import log_lines
from tiny import deformed, write_case

from ReVertLib.anatomy.symmetric_means import symmetric_means
from ReVertLib.anatomy.template import load_template
from ReVertLib.errors import InputError
from ReVertLib.evaluation import shape_model, shape_model_report
from ReVertLib.evaluation.shape_model import sampler_scores
from ReVertLib.shape import model
from ReVertLib.shape.model import ShapeLibrary, ShapeModel, Widths, modes_of

MEANS = symmetric_means()


def people(count=4):
    """Persons with L1 and L4, each as much larger than the mean as their number says, and bent by a wave."""
    x, y, z = MEANS[2].T
    wave = np.stack([np.sin(y / 15), np.cos(z / 12), np.sin(x / 20)], 1)
    rng = np.random.default_rng(0)
    rows = [a * 0.05 * MEANS[2] + b * 1.5 * wave for a, b in rng.normal(size=(2 * count, 2))]
    person = np.repeat([f"p{i}" for i in range(count)], 2)
    return ShapeLibrary(np.stack(rows), person, np.tile([20, 23], count), np.zeros(2 * count, bool))


def test_the_sampler_that_draws_people_scores_best(monkeypatch):
    monkeypatch.setattr(shape_model, "SAMPLES_PER_FOLD", 6)
    one = people(3)
    drawn_from = ShapeModel(MEANS, modes_of(one.differences), replace(Widths(), modes=1.0, local=0.01, fine_mm=0.01))
    far = replace(drawn_from, widths=replace(drawn_from.widths, broad_mm=8.0))
    rows = {row.sampler: row for row in sampler_scores(one, drawn_from)}
    worse = {row.sampler: row for row in sampler_scores(one, far)}
    assert list(rows) == ["people", "16 modes", "mixed", "wide"]
    assert rows["wide"].energy_mm < worse["wide"].energy_mm - 1.0
    assert rows["wide"].specificity_mm < worse["wide"].specificity_mm - 1.0
    assert np.isnan(rows["people"].energy_mm)


def test_distances_between_rows_are_over_corresponding_vertices():
    """Two shapes 3 mm apart at every vertex are 3 mm apart, whatever the number of vertices."""
    rows = shape_model._flat(np.array([np.zeros((50, 3)), np.tile([0.0, 3.0, 0.0], (50, 1))]))
    assert np.linalg.norm(rows[0] - rows[1]) == pytest.approx(3.0)


def test_a_report_is_written_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(shape_model, "SAMPLES_PER_FOLD", 4)
    monkeypatch.setattr(shape_model, "MODE_COUNTS", (0, 5))
    monkeypatch.setattr(shape_model, "BASIS_COUNTS", (5,))
    fits, real = {}, shape_model._fits  # of each case once: they take seconds
    monkeypatch.setattr(shape_model, "_fits", lambda case, *a: fits.get(case) or fits.setdefault(case, real(case, *a)))
    monkeypatch.setattr(model, "LOCAL_RANK", 10)
    monkeypatch.setattr(model, "FIELD_RANK", 20)
    monkeypatch.setattr(model.Widths.chosen.__func__, "__defaults__", (12,))
    mean, out = load_template().mean("L3"), tmp_path / "out"
    out.mkdir()
    shapes = {"a": deformed(mean), "b": deformed(mean, -1.0), "verse008": deformed(mean, 0.5)}
    for name, mesh in shapes.items():
        write_case(tmp_path / "data" / name, mesh, "L3", ct=False)
    rows = {"vertices": [shapes["a"].vertices, shapes["b"].vertices], "case": ["a", "b"], "label": [22, 22]}
    np.savez(tmp_path / "s.npz", **{k: np.array(v) for k, v in rows.items()}, mirrored=np.zeros(2, bool))
    files = (tmp_path / "data", tmp_path / "s.npz", out)
    with log_lines() as lines:
        shape_model_report.write_report(*files)
    assert sorted(p.name for p in out.iterdir()) == ["fits.csv", "report.md", "report.png", "shape_model.npz"]
    names = [f"{count} modes" for count in (0, 5)]
    text = (out / "report.md").read_text()
    assert all(f"| {name} |" in text for name in (*names, "all modes", "wide 5", "mixed", "people"))
    assert "Held out from everything: verse008" in text
    assert any(line.startswith("without a: 0 modes 0.") for line in lines)
    cases = [line.split(",")[0] for line in (out / "fits.csv").read_text().splitlines()[1:]]
    assert [cases.count(case) for case in ("a", "b", "verse008")] == [4, 4, 4]
    assert "| wide 5 |" in (out / "report.md").read_text().split("Held out")[1]
    (tmp_path / "data" / "verse008" / "segmentation.nii.gz").write_bytes(b"none")
    with pytest.raises(
        InputError, match="cases: expected the model to be fitted to all, got the others; not: verse008"
    ):
        shape_model_report.write_report(*files, held_out=())
    assert "Held out from everything: nobody" in (out / "report.md").read_text()


def test_compactness_by_hand():
    """One direction of 9 mm^2 and one of 1 mm^2: shares 0.9 and 1."""
    fields = np.zeros((2, 3000, 3))
    fields[0, 0, 0], fields[1, 1, 0] = 3.0, 1.0
    two = ShapeLibrary(fields, np.array(["a", "b"]), np.array([20, 20]), np.zeros(2, bool))
    assert shape_model_report.compactness(two) == pytest.approx([0.9, 1.0])
