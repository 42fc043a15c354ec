"""Words for how something has ended."""

import signal
from collections.abc import Sequence

#: The contract takes 10,000 characters.
MOST = 8_000


def exit_words(code: int) -> str:
    """Return what an exit code says, such as `exit code 137 (SIGKILL)`."""
    if code > 128:
        try:
            return f"exit code {code} ({signal.Signals(code - 128).name})"
        except ValueError:
            return f"exit code {code}"
    return f"exit code {code}"


def with_last_lines(message: str, lines: Sequence[str]) -> str:
    """Return the message and below it the last lines of the output, as much as there is room for."""
    if not lines:
        return message
    text = "\n".join(lines)
    room = MOST - len(message)
    if len(text) > room:
        text = "..." + text[-max(room, 0) :]
    return f"{message}\nThe last lines of its output:\n{text}"
