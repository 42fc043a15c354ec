"""One task run on its way through another process."""

from abc import ABC, abstractmethod
from concurrent.futures import Future
from dataclasses import dataclass
from typing import ClassVar

#: Seconds for which a task that was told to stop may clean up, before what runs it is ended.
GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent."""

    #: The task run's, for people who look at what runs it.
    name: str
    run_id: str
    #: `luggage.pack_call`.
    call: bytes
    #: `luggage.pack_flow`, the same object for all tasks of one attempt of a flow run; None outside of flows.
    flow: bytes | None


class Errand(ABC):
    """The sender's end of it. The methods are quick and may be called in any thread."""

    #: Whether the worker sees it where this process ends, and ends the run then.
    sees_our_end: ClassVar[bool] = False

    def __init__(self) -> None:
        #: Gets the bytes of an Answer, or WorkerLost. Cancelled where the parcel was taken back before anybody saw it.
        self.future: Future[bytes] = Future()

    def stop(self, reason: str) -> bool:
        """Have the task's code stopped as by a cancel; False where nobody can be told on this way."""
        return False

    @abstractmethod
    def kill(self) -> None:
        """End what runs it, and with that the errand."""
