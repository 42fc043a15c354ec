"""A worker's stream of its own, which is opened again for as long as the worker lives."""

import logging
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from antiphon.exceptions import AntiphonException
from antiphon.session import forking
from antiphon.session.outage import Outage
from antiphon.session.stream_end import EndKind, StreamEnd
from antiphon.session.transport import Link, OnLink, Stream

#: Seconds of an outage before it is worth a word.
_WORTH_A_WORD = 1.0


class PatientLine(OnLink):
    """What such streams have in common: the link and its outages. A subclass is the link's owner (`transport.Link`).

    A server that goes away is looked for again for as long as the worker lives; only where none is found at the
    beginning, within `startup_timeout` seconds, or where it refuses, does the line end.
    """

    method: ClassVar[str]
    logger: ClassVar[logging.Logger]
    #: What is said when the server is back (`%.1f` is seconds), behind the cause while it is away, and before a bug.
    back_again: ClassVar[str]
    meanwhile: ClassVar[str]
    ended_by_bug: ClassVar[str]

    def __init__(
        self,
        name: str,
        connect: Callable[[], str],
        startup_timeout: float,
        failed: Callable[[AntiphonException], object],
    ) -> None:
        """`name` is that of the line's thread, and `connect` gives gRPC's target. `failed` is called there, at an end
        that nobody asked for."""
        self._startup_timeout = startup_timeout
        self._failed = failed
        self._lock = threading.Lock()
        self._stopped = False
        self._known = False
        self._warned = False
        self._outage = Outage()
        self._outage.begin()
        self._stream = Stream()
        owner: Any = self
        self._link = Link(name, connect, owner)
        forking.track(self)

    def start(self) -> None:
        """Begin."""
        self._link.start()

    # For forks

    def abandon(self) -> None:
        """In a forked child: the runs are the parent's."""
        self._lock = threading.Lock()
        self._stopped = True

    # For the link

    def stopped(self, error: Exception | None) -> None:
        """The link's thread ends."""
        if error is not None:
            self._failed(AntiphonException(f"{self.ended_by_bug}: {type(error).__name__}: {error}"))

    # For subclasses

    def _heard(self) -> None:
        """The server is there."""
        if self._outage.lasts:
            if self._warned:
                self.logger.info(self.back_again, self._outage.seconds)
            self._warned = False
            self._outage.end()

    def _is_fatal(self, end: StreamEnd) -> bool:
        """Whether the line ends with this stream; it has said so then."""
        fatal = end.kind is EndKind.REFUSED or (end.kind is EndKind.NOWHERE and not self._known)
        if fatal:
            self._failed(end.cause)
        return fatal

    def _delay(self, end: StreamEnd) -> float | None:
        """Seconds until the next attempt; None where there is none, and that has been said."""
        limit = None if self._known else self._startup_timeout
        delay = self._outage.next_delay(limit, end.retry_after, elsewhere=end.elsewhere)
        if delay is None:
            self._failed(end.cause)
        elif not self._warned and self._outage.seconds > _WORTH_A_WORD:
            self._warned = True
            self.logger.warning("%s. Trying again; %s", str(end.cause).rstrip("."), self.meanwhile)
        return delay
