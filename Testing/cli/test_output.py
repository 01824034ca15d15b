"""What the command line shows of the log and of warnings, and where; and when a bar of progress is drawn."""

import io
import logging
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from ReVertLib.cli.output import shown_output
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
        for number in progress(iter("ab"), "steps", total=12, done=10):
            log.info(f"line {number}")
    pieces = stream.getvalue().replace("\r", "\n").split("\n")
    assert [piece for piece in pieces if "line" in piece] == ["line a", "line b"]
    assert any("10/12" in piece for piece in pieces)


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
