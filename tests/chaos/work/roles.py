"""What a process is for: each role is a function that goes on until `stopping` is set.

python -m chaos.work.roles NAME
"""

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any

from antiphon import tags
from antiphon.exceptions import AntiphonException
from antiphon.flow_runs import resume_flow_run
from antiphon.service_client import ServiceClient
from antiphon.task_worker import TaskWorker
from antiphon.v1 import flow_run_service_pb2 as runs_pb
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.workers.process import ProcessWorker
from chaos.names import MARK, PAUSABLE, POOL
from chaos.work import code, registers, watching
from chaos.work.noting import note_leases, note_sessions
from chaos.work.program import chance, follow_the_harness, journal, stopping


def _call(function: Callable[..., Any], *arguments: Any) -> None:
    """User code that may fail, by plan or by what the harness does to it."""
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001 - what it was is in the journal; the process goes on to the next
        journal.note("failed", of=getattr(function, "__name__", ""), error=type(error).__name__, text=str(error)[:300])
        stopping.wait(0.1)


def flows() -> None:
    number = chance.randrange(1000)
    with tags(MARK):
        while not stopping.is_set():
            number += 1
            _call(chance.choice([code.whole, code.whole, code.failing]), number)


def pausers() -> None:
    with tags(MARK, PAUSABLE):
        while not stopping.is_set():
            _call(chance.choice([code.pausing, code.slow]), chance.randrange(1000))


def operators() -> None:
    """Resumes what pauses, pauses and cancels what others run."""
    with ServiceClient() as client:
        while not stopping.wait(chance.uniform(0.1, 0.5)):
            _call(_operate, client)


def _operate(client: ServiceClient) -> None:
    def find(state: str) -> list[FlowRun]:
        asked = f'state.type = {state} AND tags : "{PAUSABLE}"'
        request = runs_pb.ListFlowRunsRequest(filter=asked, page_size=20, order_by="create_time desc")
        return list(client.call(client.flow_runs.ListFlowRuns, request).flow_runs)

    for run in find("PAUSED"):
        if chance.random() < 0.6:
            _tell("resume", run.id, lambda id=run.id: resume_flow_run(id))  # type: ignore[misc]
    for run in find("RUNNING"):
        if chance.random() < 0.15:
            request: Any = runs_pb.CancelFlowRunRequest(id=run.id, reason="chaos")
            _tell("cancel", run.id, lambda request=request: client.call(client.flow_runs.CancelFlowRun, request))  # type: ignore[misc]
        elif chance.random() < 0.15:
            request = runs_pb.PauseFlowRunRequest(id=run.id, reason="chaos")
            request.timeout.FromSeconds(12)
            _tell("pause", run.id, lambda request=request: client.call(client.flow_runs.PauseFlowRun, request))  # type: ignore[misc]


def _tell(verb: str, run: str, call: Callable[[], Any]) -> None:
    journal.note("asks", verb=verb, run=run)
    try:
        call()
    except AntiphonException as error:
        journal.note("asked", verb=verb, run=run, error=str(error)[:200])
        return
    journal.note("asked", verb=verb, run=run, error="")


def queuers() -> None:
    """Queues background tasks, and hears of some of their ends."""
    number = 0
    while not stopping.wait(chance.uniform(0.05, 0.3)):
        number += 1
        _call(_queue, number)


def _queue(number: int) -> None:
    future = chance.choice([code.later, code.later, code.later_limited]).delay(number)
    journal.note("queued", run=str(future.task_run_id))
    if number % 4 == 0:
        future.wait(timeout=5)
        if future.state.is_final():
            journal.note("heard", run=str(future.task_run_id), state=str(future.state.id), name=future.state.name)


def task_workers() -> None:
    worker = TaskWorker(code.later, code.later_limited, limit=4)

    async def work() -> None:
        asyncio.get_running_loop().run_in_executor(None, _then, worker.stop)
        await worker.astart()

    asyncio.run(work())


def _then(stop: Callable[[], None]) -> None:
    stopping.wait()
    try:
        stop()
    except RuntimeError:
        return  # it has ended


def workers() -> None:
    # Under one name in all of its lives, as under systemd: who comes back gets it from the one that was killed.
    worker = ProcessWorker(POOL, name=sys.argv[1], limit=3)
    threading.Thread(target=_then, args=(worker.stop,), daemon=True).start()
    asyncio.run(worker.start())


ROLES: dict[str, Callable[[], None]] = {
    "flows": flows,
    "pausers": pausers,
    "operators": operators,
    "queuers": queuers,
    "task-workers": task_workers,
    "workers": workers,
    "registers": registers.play,
    "watchers": watching.follow,
}


def main() -> None:
    follow_the_harness()
    note_sessions()
    note_leases()
    role = sys.argv[1].rpartition("-")[0]
    journal.note("starts", role=role)
    ROLES[role]()
    journal.note("ends", role=role)


if __name__ == "__main__":
    main()
