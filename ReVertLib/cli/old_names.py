"""Names of commands and options that 0.1 had; they go on working for one release, with a notice."""

from __future__ import annotations

COMMANDS = {"world": "simulate", "spines": "simulate-patients", "likeness": "realism"}
OPTIONS = {"train": {"--filmed": "--augmented", "--live": "--simulate", "--volumes": "--buffer"}}
"""By command, in today's names."""


def renamed(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments in today's names, and a notice for each name that was an old one."""
    if not arguments:
        return arguments, []
    command = COMMANDS.get(arguments[0], arguments[0])
    options, found = OPTIONS.get(command, {}), [command]
    notices = [_notice(f"revert {arguments[0]}", f"revert {command}")] * (command != arguments[0])
    for argument in arguments[1:]:
        name, equals, value = argument.partition("=")
        found.append(options.get(name, name) + equals + value)
        if name in options:
            notices.append(_notice(name, options[name]))
    return found, notices


def _notice(old: str, new: str) -> str:
    return f"{old} is now {new}; the old name works until the next release"
