"""Follows a stream of the server over cuts of the connection and restarts of the server."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from antiphon.exceptions import ServerError
from antiphon.service_client import ServiceClient

Item = TypeVar("Item")

#: Codes of a stream that was cut rather than refused.
_CUTS = frozenset({"UNAVAILABLE", "CANCELLED"})
#: Connections in a row that may break before anything came.
_MOST_FRUITLESS = 5


def over_cuts(
    client: ServiceClient,
    watch: Callable[[str], Iterator[Item]],
    reconnect_timeout: float,
    *,
    cursor_of: Callable[[Item], str] = lambda item: "",
    given_up: Callable[[], bool] = lambda: False,
) -> Iterator[Item]:
    """Yield what `watch` yields until it ends in peace; after a cut it is called again, with the last item's cursor.

    Its first cursor is empty, and so is the one after the server has forgotten where the last one was. Raises what
    `watch` raises where that is no cut, or `given_up` says that nobody cares any more; ServerUnreachable where no
    server answers within `reconnect_timeout` seconds.
    """
    cursor, fruitless = "", 0
    while True:
        try:
            for item in watch(cursor):
                cursor, fruitless = cursor_of(item), 0
                yield item
            return
        except ServerError as error:
            fruitless += 1
            if given_up() or fruitless > _MOST_FRUITLESS:
                raise
            if error.reason == "CURSOR_TOO_OLD":
                cursor = ""  # the snapshot that comes brings everything up to date
            elif error.code in _CUTS:
                client.reconnect(reconnect_timeout)
            else:
                raise
