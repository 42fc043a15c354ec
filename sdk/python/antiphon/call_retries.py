"""When a unary call is made again: gRPC's own retry policy (gRFC A6) in the terms of a service config, done here, since
gRPC cannot be let do it (see `channels`).

Only calls that nobody answered, or that a server said it could not take now, are made again: UNAVAILABLE. That is safe
for reads, and for changes since they carry a `request_id`, by which a server answers the second time as the first.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from google.protobuf.message import Message

from antiphon.exceptions import ServerError
from antiphon.ids import new_id
from antiphon.server_errors import BUSY

Request = TypeVar("Request", bound=Message)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Names and meanings are those of a service config's `retryPolicy` and `retryThrottling`; times are seconds."""

    max_attempts: int = 5
    initial_backoff: float = 0.05
    max_backoff: float = 1.0
    backoff_multiplier: float = 2.0
    max_tokens: float = 10.0
    token_ratio: float = 0.1
    retryable_codes: frozenset[str] = frozenset({"UNAVAILABLE"})


class CallRetries:
    """The retries of one client's calls. Safe in any thread: of two that count at once one may go uncounted."""

    def __init__(
        self, policy: RetryPolicy | None = None, jitter: Callable[[float, float], float] = random.uniform
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._jitter = jitter
        #: A failure costs one, a success gives a little back; where half are gone nothing is retried, so that clients
        #: do not add to the load of servers that are overwhelmed.
        self._tokens = self._policy.max_tokens

    def begin(self) -> "Tries":
        """Return what decides for one call."""
        return Tries(self, self._policy, self._jitter)

    def failed(self) -> bool:
        """Count a failure; whether retries are to be had still."""
        self._tokens = max(self._tokens - 1.0, 0.0)
        return self._tokens > self._policy.max_tokens / 2

    def succeeded(self) -> None:
        """Count a success."""
        self._tokens = min(self._tokens + self._policy.token_ratio, self._policy.max_tokens)


class Tries:
    """The attempts of one call."""

    def __init__(self, retries: CallRetries, policy: RetryPolicy, jitter: Callable[[float, float], float]) -> None:
        self._retries, self._policy, self._jitter = retries, policy, jitter
        self._made = 0

    def delay(self, problem: ServerError, left: float) -> float | None:
        """Return the seconds until the next attempt, within the `left` ones of the deadline; None where there is none.

        Any delay up to the bound is as likely (full jitter), behind what the server asked for. One that is busy is
        asked for as long as the deadline lets its callers: mostly it says when to come again, and paces them by that;
        where it cannot even say so, the bound grows with each attempt.
        """
        policy = self._policy
        if problem.code not in policy.retryable_codes:
            return None
        if problem.reason == BUSY and problem.retry_after:
            delay = problem.retry_after + self._jitter(0.0, problem.retry_after / 2)
            return delay if delay < left else None
        self._made += 1
        if problem.reason != BUSY and (not self._retries.failed() or self._made >= policy.max_attempts):
            return None
        bound = min(policy.max_backoff, policy.initial_backoff * policy.backoff_multiplier ** (self._made - 1))
        delay = (problem.retry_after or 0.0) + self._jitter(0.0, bound)
        return delay if delay < left else None


def with_request_id(request: Request) -> Request:
    """Return the request with a `request_id` where it can have one and has none: a copy, since the caller may change
    his and ask for something else by it."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name:
        return request
    named: Any = type(request)()
    named.CopyFrom(request)
    named.request_id = named.request_id or new_id()
    return cast(Request, named)
