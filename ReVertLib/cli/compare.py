"""`revert compare`: a surface against the truth, as a table and a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from ReVertLib.files import check_writable, write_json
from ReVertLib.progress import log

from .common import add_labels
from .paths import check_apart

NOTES = {
    "needs": "two closed surfaces in mm, or one and a label map",
    "example": "revert compare L3.stl Resources/sample/segmentation.nii.gz --label 22 --align rigid",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mesh", type=Path, metavar="MESH")
    parser.add_argument("target", type=Path, metavar="TARGET", help="a mesh, a label map or a folder of them")
    parser.add_argument(
        "--label", type=int, metavar="N", help="of the label map, as it numbers them (VerSe: L1..L5 = 20..24)"
    )
    add_labels(parser)
    parser.add_argument("--level", metavar="L3", help="of the mean vertebra (default: by label, else L3)")
    parser.add_argument("--align", default="none", metavar="none|translation|rigid|similarity")
    parser.add_argument("--report", type=Path, metavar="JSON")


def run(options: argparse.Namespace) -> None:
    from ReVertLib.api.compare import compare
    from ReVertLib.metrics.compare import comparison_report, comparison_table

    check_apart([("report", options.report)], [("surface", options.mesh), ("target", options.target)])
    if options.report:
        check_writable(options.report, "report")
    found = compare(
        options.mesh, options.target, options.align, label=options.label, level=options.level, scheme=options.labels
    )
    log.info(comparison_table(found).rstrip())
    if options.report:
        files = {"mesh": options.mesh.name, "target": options.target.name, "label": options.label}
        write_json(options.report, files | comparison_report(found))
