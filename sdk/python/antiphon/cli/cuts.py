"""Follows a stream of the server over cuts of the connection and restarts of the server."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from antiphon.exceptions import ServerError
from antiphon.service_client import ServiceClient
from antiphon.stream_cuts import Cuts

Item = TypeVar("Item")


def over_cuts(
    client: ServiceClient,
    watch: Callable[[str], Iterator[Item]],
    reconnect_timeout: float,
    *,
    cursor_of: Callable[[Item], str] = lambda item: "",
    given_up: Callable[[], bool] = lambda: False,
) -> Iterator[Item]:
    """Yield what `watch` yields until it ends in peace; after a cut it is called again, with the last item's cursor.

    Its first cursor is empty, and so is the one after the server has forgotten where the last one was: then a snapshot
    comes that brings everything up to date. Raises what `watch` raises where that is no cut, or `given_up` says that
    nobody cares any more; ServerUnreachable where no server answers within `reconnect_timeout` seconds.
    """
    cuts = Cuts()
    while True:
        try:
            for item in watch(cuts.cursor):
                cuts.came(cursor_of(item))
                yield item
            return
        except ServerError as error:
            if given_up():
                raise
            if cuts.failed(error):
                client.wait_out(error, reconnect_timeout)
