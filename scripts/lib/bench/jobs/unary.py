"""ProposeTransition by many callers at once: `python -m bench.jobs.unary TARGET CALLERS RUNS`.

Task runs are created before the clock starts; then each caller leads runs of its own through their whole life, one call
after another.
"""

import asyncio
import json
import sys
import time

import grpc

from antiphon.v1.flow_run_service_pb2 import CreateFlowRunRequest
from antiphon.v1.flow_run_service_pb2_grpc import FlowRunServiceStub
from antiphon.v1.state_pb2 import STATE_TYPE_RUNNING
from antiphon.v1.task_run_service_pb2 import CreateTaskRunRequest
from antiphon.v1.task_run_service_pb2_grpc import TaskRunServiceStub
from antiphon.v1.transition_service_pb2 import ProposeTransitionRequest, ProposeTransitionResponse
from antiphon.v1.transition_service_pb2_grpc import TransitionServiceStub
from bench.figures import percentile
from bench.wire import LIFE, accepted, new_flow_run, new_task_run, propose_flow, propose_task

_CREATED_AT_ONCE = 64


async def create(channel: grpc.aio.Channel, runs: int) -> list[str]:
    flow_run = new_flow_run()
    await FlowRunServiceStub(channel).CreateFlowRun(CreateFlowRunRequest(flow_run=flow_run))
    running = ProposeTransitionRequest(proposal=propose_flow(flow_run.id, STATE_TYPE_RUNNING))
    accepted((await TransitionServiceStub(channel).ProposeTransition(running)).verdict)
    task_runs = [new_task_run(flow_run.id) for _ in range(runs)]
    stub = TaskRunServiceStub(channel)
    for start in range(0, runs, _CREATED_AT_ONCE):
        requests = [CreateTaskRunRequest(task_run=run) for run in task_runs[start : start + _CREATED_AT_ONCE]]
        await asyncio.gather(*map(stub.CreateTaskRun, requests))
    return [task_run.id for task_run in task_runs]


async def lead(channel: grpc.aio.Channel, task_run_ids: list[str]) -> list[float]:
    """Returns the seconds of each call."""
    stub = TransitionServiceStub(channel)
    seconds = []
    for task_run_id in task_run_ids:
        for state in LIFE:
            request = ProposeTransitionRequest(proposal=propose_task(task_run_id, state))
            start = time.perf_counter()
            answer: ProposeTransitionResponse = await stub.ProposeTransition(request)
            seconds.append(time.perf_counter() - start)
            accepted(answer.verdict)
    return seconds


async def main(target: str, callers: int, runs: int) -> dict[str, float]:
    async with grpc.aio.insecure_channel(target, options=(("grpc.enable_http_proxy", 0),)) as channel:
        await lead(channel, await create(channel, 5))
        task_run_ids = await create(channel, runs)
        start = time.perf_counter()
        shares = await asyncio.gather(*(lead(channel, task_run_ids[caller::callers]) for caller in range(callers)))
        elapsed = time.perf_counter() - start
    seconds = [value for share in shares for value in share]
    return {
        "rate": len(seconds) / elapsed,
        "p50": percentile(seconds, 50) * 1000,
        "p99": percentile(seconds, 99) * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
