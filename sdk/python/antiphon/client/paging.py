"""Lists with a limit and an offset, as people ask for them, out of the server's pages."""

from typing import Any, Final

from google.protobuf.message import Message

from antiphon.client.operation import ClientBase
from antiphon.engine.dual import Work
from antiphon.engine.server_calls import Method
from antiphon.exceptions import ServerError

#: How many items a list has where no limit is given.
DEFAULT_LIMIT: Final = 200
_PAGE_SIZE: Final = 500


def read_list(
    client: ClientBase,
    method: Method,
    request: Any,
    kind: type[Message],
    field: str,
    *,
    limit: int | None = None,
    offset: int | None = 0,
) -> Work[list[Any]]:
    """Gives the messages in `field` of page after page: at most `limit` (None is 200) behind the first `offset`.

    What is skipped is read all the same, since the server's pages are found by what came before. Raises ValueError for
    numbers below 0, and as `ClientBase.call`.
    """
    skipped, wanted = whole("offset", offset or 0), whole("limit", DEFAULT_LIMIT if limit is None else limit)
    items: list[Any] = []
    left, size = skipped + wanted if wanted else 0, _PAGE_SIZE
    while left > 0:
        request.page_size = min(left, size)
        try:
            page: Any = yield from client.call(method, request, kind)
        except ServerError as error:
            # Items so large that a page of them does not fit a message.
            if error.code != "RESOURCE_EXHAUSTED" or request.page_size == 1:
                raise
            size = request.page_size // 2
            continue
        found = getattr(page, field)
        left -= len(found)
        items.extend(found[skipped:])
        skipped = max(0, skipped - len(found))
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    return items


def read_all(client: ClientBase, method: Method, request: Any, kind: type[Message], field: str) -> Work[list[Any]]:
    """Gives the messages in `field` of all pages."""
    return (yield from read_list(client, method, request, kind, field, limit=_ALL))


#: More than any list has.
_ALL: Final = 2**62


def whole(name: str, number: int) -> int:
    """Return a number of items. Raises ValueError, which names what it was, for one below 0."""
    if number < 0:
        raise ValueError(f"{name} is a number from 0 on, not {number}.")
    return number
