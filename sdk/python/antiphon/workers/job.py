"""One claimed run in a worker: what runs it is started, watched, and killed where it must be."""

import asyncio
import logging
from typing import Any, ClassVar, Protocol

from antiphon.client.schemas.objects import FlowRun
from antiphon.exceptions import InfrastructureNotFound, ServerError
from antiphon.v1 import work_service_pb2 as pb
from antiphon.workers.infrastructure import BaseWorkerResult, InfrastructureStatus
from antiphon.workers.line_core import Claim

#: Seconds that what is killed gets to end by itself.
GRACE = 30
#: Seconds in which it is to be seen that what was killed has ended.
_PATIENCE = 10.0
#: The exit code of what did not come to one.
_NO_CODE = -1

logger = logging.getLogger("antiphon.worker")


class Crew(Protocol):
    """What starts and kills what runs runs: a worker, or who serves deployments."""

    hears_of_claims: ClassVar[bool]

    async def configure(self, offer: pb.WorkOffer, flow_run: FlowRun) -> Any:
        """The job of a run."""

    async def run(
        self, flow_run: FlowRun, configuration: Any, task_status: InfrastructureStatus | None = None
    ) -> BaseWorkerResult: ...

    async def kill_infrastructure(
        self, infrastructure_pid: str, configuration: Any, grace_seconds: int = GRACE
    ) -> None: ...


class Reports(Protocol):
    """Who hears what became of a claim."""

    def started(self, claim: Claim, infrastructure_pid: str) -> None: ...

    def exited(self, claim: Claim, infrastructure_pid: str, exit_code: int, message: str) -> None: ...

    def give_back(self, claim: Claim, reason: str) -> None: ...


class Job:
    """Belongs to the worker's event loop."""

    def __init__(self, crew: Crew, claim: Claim, offer: pb.WorkOffer, flow_run: FlowRun, reports: Reports) -> None:
        self.claim = claim
        self.flow_run = flow_run
        self._crew, self._offer, self._reports = crew, offer, reports
        #: What runs the run; empty before it runs.
        self._pid = ""
        #: The run is RUNNING, held by what runs it.
        self.has_claimed = False
        self._configuration: Any = None
        self._killed_for = ""
        self._grace = GRACE
        self._running: asyncio.Future[BaseWorkerResult] | None = None
        self._killing: asyncio.Task[None] | None = None

    def started(self, value: Any = None) -> None:
        """See InfrastructureStatus."""
        if not self._pid:
            self._pid = str(value) if value else str(self.flow_run.id)
            self._reports.started(self.claim, self._pid)
            logger.info("Flow run %r runs as %s", self.flow_run.name, self._pid)

    def claimed(self) -> None:
        """See InfrastructureStatus."""
        self.has_claimed = True

    async def live(self, before: "asyncio.Future[Any] | None" = None) -> None:
        """From the offer to the report of the end; after another one of the same claim, where that still ends."""
        if before is not None:
            await asyncio.wait([before])
        self._running = asyncio.ensure_future(self._run())
        if self._killed_for:
            self._running.cancel()
        try:
            result = await self._running
        except asyncio.CancelledError:
            if not self._killed_for:
                raise
            result = BaseWorkerResult(identifier=self._pid, status_code=_NO_CODE)
        except ServerError as error:
            if not self._pid and error.may_pass:
                # It is not the run's fault that its job cannot be made now.
                self._reports.give_back(self.claim, str(error))
                return
            result = self._failed(error)
        except Exception as error:  # noqa: BLE001 - whatever keeps a run from being run is said in its state
            result = self._failed(error)
        if self._killing is not None:
            await self._killing
        message = result.message
        if self._killed_for:
            message = f"it was killed: {self._killed_for}" + (f" ({message})" if message else "")
        self._reports.exited(self.claim, self._pid, result.status_code, message)

    def kill(self, reason: str, grace: int | None = None) -> None:
        """End what runs the run, which gets `grace` seconds to end by itself; 0 gives it no say."""
        if self._killed_for:
            return
        self._killed_for = reason
        self._grace = GRACE if grace is None else grace
        logger.warning("What runs flow run %r is killed: %s", self.flow_run.name, reason)
        if self._pid:
            self._killing = asyncio.ensure_future(self._kill())
        elif self._running is not None:
            self._running.cancel()

    async def _run(self) -> BaseWorkerResult:
        self._configuration = await self._crew.configure(self._offer, self.flow_run)
        return await self._crew.run(self.flow_run, self._configuration, self)

    def _failed(self, error: Exception) -> BaseWorkerResult:
        logger.error("Flow run %r could not be run: %s", self.flow_run.name, error, exc_info=error)
        if self._pid and not self._killed_for:
            # Nobody watches it any more, so it must not go on.
            self._killing = asyncio.ensure_future(self._kill())
        return BaseWorkerResult(identifier=self._pid, status_code=_NO_CODE, message=_in_words(error))

    async def _kill(self) -> None:
        try:
            await self._crew.kill_infrastructure(self._pid, self._configuration, self._grace)
        except InfrastructureNotFound as error:
            logger.info("%s", error)
        except Exception:
            logger.exception("%s could not be killed", self._pid)
        assert self._running is not None
        done, _ = await asyncio.wait([self._running], timeout=_PATIENCE)
        if not done:
            logger.warning("%s was killed, and no end of it was seen", self._pid)
            self._running.cancel()


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__
