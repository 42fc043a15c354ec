"""Calls that are made only where parameters fit the schema of their deployment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from antiphon_server.application.parameter_claims import Claiming, Unchecked, check
from antiphon_server.domain.errors import Aborted

T = TypeVar("T")

#: Looks at what a deployment has become meanwhile, before the caller is told to try again.
MOST_LOOKS = 5


async def checked(operation: Claiming, attempt: Callable[[], Awaitable[T]]) -> T:
    """The answer of `attempt`, which runs `operation` and may do so again. Raises InvalidArgument for a claim that is
    not true, and Aborted (DEPLOYMENT_CHANGED) where there are new ones each time."""
    for _ in range(MOST_LOOKS):
        try:
            return await attempt()
        except Unchecked as unchecked:
            await check(unchecked.claims)
            operation.checked = [*operation.checked, *unchecked.claims]
    try:
        return await attempt()
    except Unchecked as unchecked:
        raise Aborted(unchecked.reason, unchecked.message) from None
