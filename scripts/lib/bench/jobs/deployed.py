"""Runs of a deployment with workers that are warm: `python -m bench.jobs.deployed latency|drain COUNT WORKERS`.

`latency` starts one run after the other and says how long it is from the call that makes a run until the worker has
taken it, and to the first line of the flow. `drain` starts all runs at once and says how many a second were run, each
in a process of its own.
"""

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from antiphon.logging import setup_logging
from antiphon.service_client import ServiceClient
from antiphon.v1.deployment_pb2 import Deployment
from antiphon.v1.deployment_service_pb2 import CreateDeploymentRequest, RunDeploymentRequest
from antiphon.v1.flow_run_service_pb2 import AwaitFlowRunRequest
from antiphon.workers.process import ProcessWorker
from bench.figures import percentile

_PATIENCE = 240.0
_FLOW = """
import os, time
from antiphon import flow
from antiphon.runtime import flow_run

@flow
def work():
    line = f"{{flow_run.id}} {{time.monotonic_ns()}}" + chr(10)
    descriptor = os.open({marks!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)
"""


class _Timed(ProcessWorker):
    """Notes when it has taken a run."""

    taken: ClassVar[dict[str, int]] = {}

    async def configure(self, offer: Any, flow_run: Any) -> Any:
        self.taken[offer.flow_run.id] = time.monotonic_ns()
        return await super().configure(offer, flow_run)


@contextmanager
def _at_work(worker: ProcessWorker) -> Iterator[None]:
    thread = threading.Thread(target=lambda: asyncio.run(worker.start(printer=lambda _: None)))
    thread.start()
    end = time.monotonic() + _PATIENCE
    while worker.id is None:
        if time.monotonic() > end or not thread.is_alive():
            raise RuntimeError("a worker did not come up")
        time.sleep(0.01)
    try:
        yield
    finally:
        worker.stop()
        thread.join(_PATIENCE)


def main(what: str, count: int, workers: int) -> dict[str, float]:
    os.environ["ANTIPHON_LOGGING_LEVEL"] = "WARNING"
    setup_logging()
    with tempfile.TemporaryDirectory() as name, ServiceClient() as client, ExitStack() as stack:
        folder = Path(name)
        marks = folder / "marks"
        (folder / "flows.py").write_text(_FLOW.format(marks=str(marks)))
        pool = f"bench-{time.time_ns()}"
        for number in range(workers):
            stack.enter_context(_at_work(_Timed(pool, name=f"worker {number}", limit=10, prefetch_seconds=0)))
        deployment = Deployment(name=pool, flow_name="work", entrypoint="flows.py:work", path=name, work_pool_name=pool)
        made = client.call(client.deployments.CreateDeployment, CreateDeploymentRequest(deployment=deployment))
        measured = _latency if what == "latency" else _drain
        return measured(client, made.deployment.id, marks, count)


def _latency(client: ServiceClient, deployment: str, marks: Path, count: int) -> dict[str, float]:
    begun = {}
    # The first one waits for what the others find warm.
    for number in range(count + 1):
        start = time.monotonic_ns()
        run = client.call(client.deployments.RunDeployment, RunDeploymentRequest(id=deployment)).flow_run.id
        if number:
            begun[run] = start
        _until_ended(client, run)
    called = _called(marks)
    taken = [(_Timed.taken[run] - start) / 1e6 for run, start in begun.items()]
    code = [(called[run] - start) / 1e6 for run, start in begun.items()]
    return {
        "taken_p50": percentile(taken, 50),
        "taken_p99": percentile(taken, 99),
        "code_p50": percentile(code, 50),
        "code_p99": percentile(code, 99),
    }


def _drain(client: ServiceClient, deployment: str, marks: Path, count: int) -> dict[str, float]:
    start = time.monotonic()
    runs = [
        client.call(client.deployments.RunDeployment, RunDeploymentRequest(id=deployment)).flow_run.id
        for _ in range(count)
    ]
    for run in runs:
        _until_ended(client, run)
    seconds = time.monotonic() - start
    lines = marks.read_text().splitlines()
    if len(lines) != count or set(_called(marks)) != set(runs):
        raise RuntimeError(f"{count} runs were made, and {len(lines)} have begun")
    return {"rate": count / seconds}


def _until_ended(client: ServiceClient, run: str) -> None:
    request = AwaitFlowRunRequest(id=run)
    request.wait_timeout.FromSeconds(int(_PATIENCE))
    answer = client.call(client.flow_runs.AwaitFlowRun, request, timeout=_PATIENCE + 5)
    if answer.flow_run.state.name != "Completed":
        raise RuntimeError(f"a run ended as {answer.flow_run.state.name}: {answer.flow_run.state.message}")


def _called(marks: Path) -> dict[str, int]:
    return {run: int(moment) for run, moment in (line.split() for line in marks.read_text().splitlines())}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
