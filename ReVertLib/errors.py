"""The one error a user can cause."""


class InputError(ValueError):
    """Something the user gave cannot be used. The message is one line: what, what was expected, what came.

    It never carries a patient identifier. The command line prints it and exits with code 2; the Slicer module
    shows it as an error.
    """


def one_line(error: BaseException) -> str:
    """The text of any exception on a single line, for messages that pass on a cause."""
    return " ".join(str(error).split()) or type(error).__name__
