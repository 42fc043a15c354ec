"""When a stream of the server that broke is opened again, and where it goes on."""

from antiphon.exceptions import ServerError
from antiphon.server_errors import BUSY

__all__ = ["Cuts"]

#: Codes of a stream that was cut rather than refused.
_CUTS = frozenset({"UNAVAILABLE", "CANCELLED"})
#: Reasons of a server that lets a stream begin anew, though nothing is wrong with its line: it was read too slowly, or
#: the server has too much to do.
_PASSING = frozenset({"SLOW_READER", BUSY})
#: Connections in a row that may break before anything came.
_MOST_FRUITLESS = 5


class Cuts:
    """The cuts of one stream. Knows nothing of how it is read."""

    def __init__(self, cursor: str = "") -> None:
        #: Where the stream goes on; empty where it begins anew.
        self.cursor = cursor
        self._fruitless = 0

    def came(self, cursor: str) -> None:
        """Something was read that has this cursor."""
        self.cursor, self._fruitless = cursor, 0

    def failed(self, error: ServerError) -> bool:
        """Return whether to wait the error out before the next try. Raises the error where no other try is of use."""
        if error.reason != BUSY or not error.retry_after:  # That paces us.
            self._fruitless += 1
        if self._fruitless > _MOST_FRUITLESS:
            raise error
        if error.reason == "CURSOR_TOO_OLD":
            self.cursor = ""
            return False
        if error.code in _CUTS or error.reason in _PASSING:
            return True
        raise error
