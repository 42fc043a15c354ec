"""What the services of this server do, for people: when each did its last round, how late, and with what success."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class ServiceStatus:
    """Times in microseconds."""

    name: str
    #: What it does, in a sentence.
    about: str
    #: Seconds between two rounds; 0 where it works whenever there is something to do.
    interval: float
    #: Since this server started.
    rounds: int = 0
    failures: int = 0
    running: bool = False
    start_time: int | None = None
    end_time: int | None = None
    #: How late the last round began.
    lag: int = 0
    #: Of the last round, where it failed; empty else.
    last_error: str = ""


class Board:
    """One line a service. Belongs to the event loop."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._services: dict[str, ServiceStatus] = {}

    def add(self, name: str, about: str, interval: float = 0.0) -> None:
        """Names a service."""
        self._services[name] = ServiceStatus(name, about, interval)

    def all(self) -> list[ServiceStatus]:
        """In the order in which they were named."""
        return list(self._services.values())

    @contextmanager
    def round(self, name: str, *, due: int | None = None) -> Iterator[None]:
        """Around a round of a service. `due`: when what it does was to be done, where that is not told by its interval
        and its last round."""
        service, now = self._services[name], self._clock()
        if due is None and service.interval and service.end_time is not None:
            due = service.end_time + round(service.interval * 1e6)
        service.lag = max(now - due, 0) if due is not None else 0
        service.running, service.start_time, service.last_error = True, now, ""
        try:
            yield
        except Exception as error:
            service.failures += 1
            service.last_error = f"{type(error).__name__}: {error}"
            raise
        finally:
            service.running, service.end_time = False, self._clock()
            service.rounds += 1
