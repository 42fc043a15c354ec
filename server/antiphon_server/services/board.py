"""What the services of this server do, for people: when each did its last round, how late, and with what success."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


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
    #: When the last round ended or, before the first one, when it was named, by `time.monotonic`.
    ended: float = field(default_factory=time.monotonic)


class Round:
    """One that goes on."""

    def __init__(self, service: ServiceStatus, began: int) -> None:
        self._service = service
        self._began = began
        service.running, service.start_time, service.lag, service.last_error = True, began, 0, ""

    def was_due(self, when: int | None) -> None:
        """When what it does was to be done; None where there is nothing to do."""
        self._service.lag = max(self._began - when, 0) if when is not None else 0

    def failed(self, error: Exception) -> None:
        """It has failed, though it goes on."""
        self._service.last_error = f"{type(error).__name__}: {error}"


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
    def round(self, name: str) -> Iterator[Round]:
        """Around a round of a service. Where the service has an interval, that and its last round tell when it was
        due."""
        service = self._services[name]
        made = Round(service, self._clock())
        if service.interval and service.end_time is not None:
            made.was_due(service.end_time + round(service.interval * 1e6))
        try:
            yield made
        except Exception as error:
            made.failed(error)
            raise
        finally:
            service.running, service.end_time, service.ended = False, self._clock(), time.monotonic()
            service.rounds += 1
            service.failures += bool(service.last_error)
