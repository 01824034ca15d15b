"""What the sub-commands for a radiograph do: check everything first, work, then write whole files.

Every function takes the parsed arguments and `say`, where progress goes. Those of a researcher: research_commands.py.
"""

from __future__ import annotations

import json
import warnings
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ReVertLib import __version__
from ReVertLib.errors import InputError
from ReVertLib.files import check_writable, whole_file
from ReVertLib.geometry.camera import Geometry
from ReVertLib.geometry.levels import LEVELS
from ReVertLib.geometry.sidecar import complete_geometry, read_sidecar, sidecar_path
from ReVertLib.imaging.radiograph import Radiograph, read_radiograph
from ReVertLib.inference.verdict import verdict
from ReVertLib.mesh.io import MESH_SUFFIXES, read_mesh, write_mesh

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Film:
    """A radiograph with its geometry; spacing_source: in plain words, where the pixel spacing is from."""

    radiograph: Radiograph
    geometry: Geometry
    spacing_source: str


def reconstruct(options: Namespace, say: Say) -> None:
    """IMAGE... -> surfaces and a report."""
    outputs = _mesh_paths(options.images, options.output)
    if options.report:
        check_writable(options.report, "report")
    for path in options.images[1:]:  # the first is about to be read anyway
        _read(path, options)
    first = _read(options.images[0], options)
    from ReVertLib.inference.predictor import Predictor

    predictor = Predictor(options.weights, options.device)
    rows = []
    for path, output in zip(options.images, outputs, strict=True):
        film = first if path is options.images[0] else _read(path, options)
        result = predictor.reconstruct(film.radiograph.pixels, film.geometry)
        output.parent.mkdir(exist_ok=True)
        write_mesh(result.mesh, output)
        notes = ["bone was dark and has been inverted"] * film.radiograph.inverted + list(result.warnings)
        worth = verdict(result)
        done = f"{path.name}: {output} in {1000 * result.seconds:.0f} ms on {predictor.device}"
        say("; ".join([done, f"{worth.word}: {worth.reason}", *(note for note in notes if note != worth.reason)]))
        found = {"geometry": asdict(result.geometry), "spacing_source": film.spacing_source}
        state = {"inverted": film.radiograph.inverted, "seconds": round(result.seconds, 4), "warnings": notes}
        rows.append({"image": path.name, "mesh": output.name} | found | state | {"verdict": asdict(worth)})
    if options.report:
        about = {
            "revert": __version__,
            "architecture": predictor.architecture,
            "weights_sha256": predictor.weights_sha256,
            "device": str(predictor.device),
        }
        _write_json(options.report, about | {"frame": "camera, mm", "results": rows})


def _mesh_paths(images: list[Path], output: Path) -> list[Path]:
    """One surface file per image. Raises InputError for an output that cannot take them."""
    if len(images) == 1 and not output.is_dir():
        if output.suffix.lower() not in MESH_SUFFIXES:
            raise InputError(f"output: expected one of {', '.join(MESH_SUFFIXES)} for one image, got {output.name!r}")
        return [check_writable(output)]
    if output.exists() and not output.is_dir():
        raise InputError(f"output: expected a folder for several images, got the file {output.name!r}")
    paths = [output / f"{sidecar_path(image).stem}.stl" for image in images]
    if len(set(paths)) < len(paths):
        raise InputError("images: expected different names for one output folder, got the same name twice")
    check_writable(paths[0] if output.is_dir() else output)
    return paths


def _read(path: Path, options: Namespace) -> _Film:
    """The radiograph and its geometry: options over sidecar over what the file itself says."""
    radiograph = read_radiograph(path)
    layers = {radiograph.spacing_source: radiograph.parameters, "sidecar": _sidecar(path, options)}
    layers["command line"] = _given(options)
    known, source = {}, "none"
    for name, parameters in layers.items():
        known |= parameters
        source = name if "pixel_spacing_mm" in parameters else source
    return _Film(radiograph, complete_geometry(known, radiograph.pixels.shape[::-1]), source)


def _sidecar(path: Path, options: Namespace) -> dict:
    if options.geometry:
        return read_sidecar(options.geometry)
    beside = sidecar_path(path)
    return read_sidecar(beside) if beside.is_file() else {}


def _given(options: Namespace) -> dict:
    """The geometry named on the command line, by sidecar key."""
    spacing = options.pixel_spacing
    if spacing is not None and len(spacing) == 1:
        spacing = spacing * 2
    values = {
        "sdd_mm": options.sdd,
        "sod_mm": options.sod,
        "pixel_spacing_mm": spacing,
        "level": options.level,
        "box_px": options.box,
    }
    return {key: value for key, value in values.items() if value is not None}


def _write_json(path: Path, content: dict) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def compare(options: Namespace, say: Say) -> None:
    """MESH against TARGET, as a table and a report."""
    from ReVertLib.anatomy.template import control_mesh
    from ReVertLib.metrics.compare import compare as compare_meshes
    from ReVertLib.metrics.compare import comparison_report, comparison_table, read_target

    if options.report:
        check_writable(options.report, "report")
    if options.level not in (None, *LEVELS):
        raise InputError(f"level: expected one of {', '.join(LEVELS)}, got {options.level[:40]!r}")
    mesh = read_mesh(options.mesh)
    target, level = read_target(options.target, options.label)
    level = options.level or level
    comparison = compare_meshes(mesh, target, options.align, level, control_mesh(level))
    say(comparison_table(comparison).rstrip())
    if options.report:
        files = {"mesh": options.mesh.name, "target": options.target.name, "label": options.label}
        _write_json(options.report, files | comparison_report(comparison))


def drr(options: Namespace, say: Say) -> None:
    """CT and label map -> radiograph, sidecar, true surface."""
    from ReVertLib.drr.drr import DrrView, c_arm, check_drr_paths, vertebra_drr, write_drr
    from ReVertLib.imaging.labels import read_label_map
    from ReVertLib.imaging.volume import read_volume

    check_drr_paths(options.output, options.mesh)
    camera = c_arm(options.size, options.sdd, options.sod, options.pixel_spacing)
    ct, labels = read_volume(options.ct), read_label_map(options.segmentation)
    view = DrrView(options.yaw, options.pitch, options.roll)
    made = vertebra_drr(ct, labels, options.label, view, camera, (options.size, options.size), options.context)
    write_drr(made, options.output, options.mesh)
    for warning in made.warnings:
        warnings.warn(warning, stacklevel=1)
    say(f"{options.output}: {options.size} x {options.size} px, {made.geometry.level or f'label {options.label}'}")


def evaluate(options: Namespace, say: Say) -> None:
    """A data set and weights -> tables and plots."""
    from ReVertLib.evaluation.evaluate import evaluate as evaluate_weights

    paths = (options.dataset, options.weights, options.device, options.report)
    evaluate_weights(*paths, against=options.against, say=say)


def demo(options: Namespace, say: Say) -> None:
    """The bundled case through the whole line."""
    from .demo import run_demo

    run_demo(options.output, options.weights, options.device, say)
