"""What the command line shows of the log and of warnings, and where; and when a bar of progress is drawn."""

import ctypes
import errno
import io
import logging
import os
import subprocess
import sys
import warnings
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest
import tiny

from ReVertLib.__main__ import main
from ReVertLib.cli.output import own_streams, print_line, shown_output
from ReVertLib.progress import log, progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


@contextmanager
def terminal():
    """Standard error and output as one terminal; its text is what a user sees, in order."""
    stream = Terminal()
    with redirect_stdout(stream), redirect_stderr(stream):
        yield stream


def speak():
    log.info("a line of 100 %")
    log.warning("a warning")
    warnings.warn("a Python warning", stacklevel=1)


def test_information_goes_to_stdout_and_warnings_to_stderr(capsys):
    with shown_output(quiet=False):
        speak()
    out, err = capsys.readouterr()
    assert out == "a line of 100 %\n"
    assert err == "revert: warning: a warning\nrevert: warning: a Python warning\n"


def test_quiet_keeps_warnings(capsys):
    with shown_output(quiet=True):
        speak()
    assert capsys.readouterr() == ("", "revert: warning: a warning\nrevert: warning: a Python warning\n")


def test_the_log_is_as_it_was_afterwards(capsys):
    before = (log.level, list(log.handlers), warnings.showwarning)
    with pytest.raises(KeyError), shown_output(quiet=False):
        raise KeyError
    assert (log.level, log.handlers, warnings.showwarning) == before
    log.info("nobody listens")
    assert capsys.readouterr() == ("", "")


def test_a_bar_says_what_how_many_and_the_time_left():
    with terminal() as stream, shown_output(quiet=False):
        assert list(progress([1, 2, 3], "vertebrae")) == [1, 2, 3]
    shown = stream.getvalue()
    assert "vertebrae:   0%" in shown
    assert "0/3 [00:00<?" in shown
    assert shown.split("\r")[-1].strip() == ""  # the bar goes when all is done


def test_lines_stand_above_a_bar_and_do_not_tear_it():
    with terminal() as stream, shown_output(quiet=False):
        for number in progress(iter("ab"), "steps", total=12, done=10, beside=lambda: "3 samples/s"):
            log.info(f"line {number}")
    pieces = stream.getvalue().replace("\r", "\n").split("\n")
    assert [piece for piece in pieces if "line" in piece] == ["line a", "line b"]
    assert any("10/12" in piece for piece in pieces)
    assert any("3 samples/s" in piece for piece in pieces)


@pytest.mark.parametrize("quiet", [True, False])
def test_no_bar_without_a_terminal_and_none_when_quiet(quiet):
    stream = Terminal() if quiet else io.StringIO()
    with redirect_stderr(stream), shown_output(quiet):
        assert list(progress("ab", "steps")) == ["a", "b"]
    assert stream.getvalue() == ""


def test_the_library_alone_draws_no_bar():
    assert not log.isEnabledFor(logging.INFO)
    with terminal() as stream:
        assert list(progress("ab", "steps")) == ["a", "b"]
    assert stream.getvalue() == ""


def test_what_libraries_write_goes_nowhere_and_lines_are_shown(capfd):
    with own_streams():
        os.write(1, b"chatter\n")
        os.write(2, b"chatter\n")
        ctypes.CDLL(None).puts(b"chatter that C holds back")
        print_line("a line", "stdout")
        print_line("a warning", "stderr")
    os.write(1, b"afterwards\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr() == ("a line\nafterwards\n", "a warning\nafterwards\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ENAMETOOLONG])
def test_what_the_disk_refuses_is_one_line(capsys, monkeypatch, number):
    def fail(_):
        raise OSError(number, os.strerror(number), "/home/somebody/L3.csv")

    monkeypatch.setattr("ReVertLib.cli.compare.run", fail)
    assert main(["compare", "a.stl", "b.stl"]) == 2
    expected = f"revert: L3.csv: expected to be read and written, got {os.strerror(number)}\n"
    assert capsys.readouterr() == ("", expected)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "memory: expected enough for this work, got too little"),
        (
            BrokenProcessPool("A process in the process pool was terminated abruptly"),
            "workers: expected processes that end by themselves, got one that was ended, perhaps for want of memory",
        ),
    ],
)
def test_what_the_machine_lacks_is_one_line(capsys, monkeypatch, error, line):
    def fail(_):
        raise error

    monkeypatch.setattr("ReVertLib.cli.compare.run", fail)
    assert main(["compare", "a.stl", "b.stl"]) == 2
    assert capsys.readouterr() == ("", f"revert: {line}\n")


def test_other_errors_of_the_system_are_our_fault(monkeypatch):
    def fail(_):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", "L3.csv")

    monkeypatch.setattr("ReVertLib.cli.compare.run", fail)
    with pytest.raises(FileNotFoundError):
        main(["compare", "a.stl", "b.stl"])


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tiny.weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def copied(resources):
    """Copies the sample to an image's path (bytes), and its sidecar beside it."""

    def copy(image):
        for suffix in (b".png", b".json"):
            with open(os.path.splitext(image)[0] + suffix, "wb") as file:
                file.write((resources / f"sample/verse008_L3_ap{suffix.decode()}").read_bytes())
        return image

    return copy


@pytest.fixture(scope="module")
def reconstruct(root, copied, weights):
    """Runs `revert reconstruct` on a copy of the sample in a process of its own; the shell's redirections behind it."""

    def run(image, output, redirection="", **environment):
        command = [sys.executable, "-m", "ReVertLib", "reconstruct", copied(image), "-o", output, "--weights", weights]
        line = ["sh", "-c", f'"$@" {redirection}', "sh", *command]
        return subprocess.run(line, check=False, cwd=root, capture_output=True, env=os.environ | environment)

    return run


SPEAKING = """
import sys
from ReVertLib.cli import compare, main
from ReVertLib.progress import log

def run(options):
    log.info(f"{options.mesh.name} is here")
    options.target.write_text("whole")

compare.run = run
sys.exit(main.main(["compare", *sys.argv[1:]]))
"""
"""A command that says a file's name and writes another, and imports nothing heavy."""


@pytest.fixture(scope="module")
def speak_of(root):
    """Runs such a command in a process of its own; the shell's redirections behind it."""

    def run(name, output, redirection="", **environment):
        line = ["sh", "-c", f'"$@" {redirection}', "sh", sys.executable, "-c", SPEAKING, name, output]
        return subprocess.run(line, check=False, cwd=root, capture_output=True, env=os.environ | environment)

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("redirection", [">&-", ">&- 2>&-", ">/dev/full", "| true"])
def test_output_that_nobody_takes_stops_no_work(speak_of, tmp_path, redirection):
    done = speak_of("a.stl", tmp_path / "out", redirection)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "out").read_text() == "whole"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_what_a_console_cannot_show_is_escaped(speak_of, tmp_path, encoding):
    done = speak_of("腰.stl", tmp_path / "out", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == ("腰.stl" if encoding == "utf-8" else r"\u8170.stl").encode() + b" is here\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_a_reconstruction_goes_on_when_nobody_takes_its_output(reconstruct, tmp_path):
    """Files that heavy libraries open get the numbers of the closed streams."""
    done = reconstruct(os.fsencode(tmp_path / "film.png"), tmp_path / "腰.stl", ">&- 2>&-", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "腰.stl").stat().st_size > 100_000


@pytest.fixture(scope="module")
def plain(copied, weights, tmp_path_factory):
    """The surface of the sample, by names that everybody can read."""
    folder = tmp_path_factory.mktemp("plain")
    image, surface = os.fsdecode(copied(os.fsencode(folder / "film.png"))), folder / "plain.ply"
    assert main(["reconstruct", image, "-o", str(surface), "--weights", str(weights)]) == 0
    return surface.read_bytes()


C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", [b"w\xe4rbel", "腰".encode()])
def test_names_that_are_not_utf8_are_read_and_written(reconstruct, plain, tmp_path, name):
    """Where a system speaks ASCII, and as this one does; in processes of their own, as pytest's cannot pass on what is
    said of such names."""
    for place, locale in ((b"C", C_LOCALE), (b"own", {})):
        folder = os.path.join(os.fsencode(tmp_path), place + name)
        os.mkdir(folder)
        image, surface = (os.path.join(folder, name + suffix) for suffix in (b".png", b".ply"))
        done = reconstruct(image, surface, **locale)
        assert (done.returncode, done.stderr) == (0, b"")
        assert sorted(os.listdir(folder)) == [name + suffix for suffix in (b".json", b".ply", b".png")]
        with open(surface, "rb") as file:
            assert file.read() == plain
