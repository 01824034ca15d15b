"""The `revert` command: one sub-command for each thing the library does.

Exit codes: 0 done, 2 bad input (one line on stderr says what, what was expected, what came), 3 a surface that is not to
be used (`reconstruct --strict`), 1 our fault, 130 stopped by the user. A sub-command's file has `NOTES` for its help,
`add_arguments` and `run`, and is imported only when it is asked for; heavy libraries are imported by its `run`.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
import textwrap
from concurrent.futures import BrokenExecutor

from ReVertLib import __version__
from ReVertLib.errors import InputError, one_line
from ReVertLib.startup import compute_matrices_alone, use_threads

from .old_names import renamed
from .output import own_streams, print_line, shown_output

NOTICE = "Research software, not a medical device."

COMMANDS = {
    "reconstruct": "The vertebra in a radiograph as a surface in the camera frame, mm.",
    "film": "All lumbar vertebrae on a whole film together, in one camera frame, with a report and a picture.",
    "fuse": "Two radiographs of one vertebra to one surface, in the first one's camera frame, mm.",
    "register": "A CT's vertebrae laid into the beam of one or two radiographs, each as a rigid piece.",
    "measure": "Lengths and angles of vertebrae from surfaces that ReVert made: endplates, pedicles, discs, lordosis.",
    "compare": (
        "Dice, HD95, ASSD, NSD, Chamfer and volume of a surface against the truth, the constant baseline beside it."
    ),
    "drr": "A radiograph computed from a CT, its geometry beside it, and the true surface in the camera frame.",
    "dataset": "DRRs, sidecars, poses and meshes of every lumbar vertebra in a folder of CTs; resumes when run again.",
    "shapes": "The template registered to every vertebra T11-L5 of a folder, and to its mirror image.",
    "shape-model": "A shape model of registered vertebrae, and how it does on people left out one at a time.",
    "simulate": "Synthetic training samples: sampled shapes, warped CTs and drawn bone; resumes when run again.",
    "simulate-patients": (
        "Synthetic patients, T11 to the sacrum and all around it, as CTs and label maps; resumes when run again."
    ),
    "realism": "How alike synthetic and real vertebrae look, measured and side by side.",
    "train": "Trains a network on synthetic samples or on a data set; resumes when run again.",
    "average": "The mean of the weights of several moments of one training, which does better than any of them.",
    "calibrate": "Teaches finished weights what error to expect and which images they know; surfaces stay as they are.",
    "export": "Weights as an ONNX file, for runtimes that need no torch.",
    "evaluate": "A page of tables and pictures: how far off weights are, with baselines and a ceiling beside them.",
    "demo": "Reconstructs the bundled real vertebra, compares it with its CT and draws one picture.",
}
"""Every sub-command and what it does; `shape-model` is the file shape_model.py."""


OPTIONAL = ("torch",)
"""Packages that some commands need and an installation may lack."""
_DISK_ERRORS = ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENAMETOOLONG")
_OF_THE_DISK = {getattr(errno, name) for name in _DISK_ERRORS if hasattr(errno, name)}
"""What a user can mend; any other such error is our fault."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line, as for every other bad input."""

    def error(self, message: str) -> None:
        raise InputError(f"{one_line(ValueError(message))}; see {self.prog} --help")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    compute_matrices_alone()
    with own_streams():
        return _run(*renamed(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str], notices: list[str]) -> int:
    for notice in notices:
        print_line(f"revert: warning: {notice}", "stderr")
    try:
        options = _parser(arguments).parse_args(arguments)
        if options.threads is not None:
            use_threads(options.threads)
        with shown_output(options.quiet):
            return options.run(options) or 0
    except InputError as error:
        print_line(f"revert: {error}", "stderr")
        return 2
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        print_line(
            f"revert: {error.name}: expected this Python package to be installed for {arguments[0]}, got none", "stderr"
        )
        return 2
    except (OSError, MemoryError, BrokenExecutor) as error:
        line = _of_the_machine(error)
        if line is None:
            raise
        print_line(f"revert: {line}", "stderr")
        return 2
    except KeyboardInterrupt:
        print_line("revert: stopped; what was finished is kept", "stderr")
        return 130


def _of_the_machine(error: Exception) -> str | None:
    """In one line, what a user can mend in the machine; None of what is our fault."""
    if isinstance(error, MemoryError):
        return "memory: expected enough for this work, got too little"
    if isinstance(error, BrokenExecutor):
        return "workers: expected processes that end by themselves, got one that was ended, perhaps for want of memory"
    if error.errno not in _OF_THE_DISK:
        return None
    name = os.path.basename(os.fsdecode(error.filename or "file"))
    return f"{name}: expected to be read and written, got {error.strerror}"


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    """The parser of all commands, of which only the one asked for has its arguments."""
    parser = _Parser(
        prog="revert", description=f"One radiograph of a lumbar vertebra in, its surface in mm out. {NOTICE}"
    )
    parser.add_argument("--version", action="version", version=f"revert {__version__}")
    adders = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for name, summary in COMMANDS.items():
        command = adders.add_parser(name, help=summary)
        if name in arguments[:1]:
            _fill(command, name, summary)
    return parser


def _fill(parser: argparse.ArgumentParser, name: str, summary: str) -> None:
    """Gives a command's parser its texts and arguments, and the function that runs it."""
    module = importlib.import_module(f"ReVertLib.cli.{name.replace('-', '_')}")
    parser.description = summary
    parser.epilog = "\n\n".join(f"{heading}:\n{_indented(text)}" for heading, text in module.NOTES.items())
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")
    parser.add_argument("--threads", type=int, metavar="N", help="of each process (default: one for each core)")
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)


def _indented(text: str) -> str:
    """Wrapped; an example stays in one piece, to be copied."""
    if text.startswith("revert "):
        return f"  {text}"
    return textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ")
