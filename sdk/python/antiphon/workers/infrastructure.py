"""What starts and kills what runs runs, as those who take runs see it."""

from typing import Any, Protocol

from pydantic import BaseModel


class BaseWorkerResult(BaseModel):
    """How what ran a run has ended."""

    #: What it was, as `infrastructure_pid` of the run says it.
    identifier: str
    #: Its exit code; 0 where all went well.
    status_code: int
    #: Why, for people, such as `out of memory`; kept in the state of a run that had not ended by itself.
    message: str = ""

    def __bool__(self) -> bool:
        return self.status_code == 0


class InfrastructureStatus(Protocol):
    """Told by `BaseWorker.run` how far it has come."""

    def started(self, value: Any = None) -> None:
        """It runs now, and `value` names it. From then on it is ended by `kill_infrastructure`, before by
        cancelling `run`."""

    def claimed(self) -> None:
        """The run is RUNNING, held by the process itself: it goes on though the worker's lease runs out. For workers
        that hear of it, see `BaseWorker.hears_of_claims`."""
