"""How the command line ends, and how it says what went wrong."""

from rich.text import Text

from antiphon.cli.safe_console import SafeConsole
from antiphon.exceptions import AntiphonException, ObjectNotFound, ServerError, ServerUnreachable

#: Also where the watched run failed or crashed. 2 (wrong usage) and 130 (Ctrl-C) come from Typer.
ERROR = 1
NOT_FOUND = 3
UNREACHABLE = 4
RUN_CANCELLED = 5

_HINTS = {
    "CALENDAR_NOT_FOUND": "`antiphon calendar ls` has those there are, `antiphon calendar create` makes one.",
    "CALENDAR_IN_USE": "`antiphon deployment schedule update DEPLOYMENT SCHEDULE --exclude OTHER` names others.",
    "DEPLOYMENT_VERSION_NOT_FOUND": "`antiphon deployment versions DEPLOYMENT` has those there are.",
    "PARAMETERS_INVALID": "`antiphon deployment inspect DEPLOYMENT --json` has the schema.",
}


def exit_code_of(error: AntiphonException) -> int:
    """The code with which the program ends after `error`."""
    if isinstance(error, ObjectNotFound):
        return NOT_FOUND
    if isinstance(error, ServerUnreachable) or (isinstance(error, ServerError) and error.code == "DEADLINE_EXCEEDED"):
        return UNREACHABLE
    return ERROR


def print_error(message: str) -> None:
    """Say what went wrong, on stderr."""
    _say("Error: ", "bold red", message)


def hint_of(error: AntiphonException) -> str:
    """The command that helps with what a server refused, where its own words name none; else empty."""
    return _HINTS.get(error.reason, "") if isinstance(error, ServerError) else ""


def print_note(message: str) -> None:
    """Say something beside the answer, on stderr."""
    _say("Note: ", "yellow", message)


def _say(label: str, style: str, message: str) -> None:
    # Not by settings: these may be what is wrong. NO_COLOR and a stderr that is no terminal are respected by Rich.
    SafeConsole(stderr=True, highlight=False).print(Text.assemble((label, style), message), soft_wrap=True)
