"""Calls that come whether or not earlier ones are answered: `python -m bench.jobs.offer TARGET RATE SECONDS`.

Each call makes a flow run. RATE calls begin each second (an open loop: a server that is slow gets no fewer); with a
rate of 0 it is 64 callers, one call after another each, which is how a server's capacity is found. Nothing is tried
again. At the end each run whose making was acknowledged is looked for in the server's list.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2, status_pb2

from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CreateFlowRunRequest, ListFlowRunsRequest
from antiphon.v1.flow_run_service_pb2_grpc import FlowRunServiceStub
from bench.figures import percentile
from bench.wire import new_id

_CALLERS = 64
#: Seconds that a call may take before it counts as failed.
_PATIENCE = 20.0
_PAGE = 500
_OPTIONS = (("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1))


@dataclass
class Tally:
    """What became of the calls."""

    seconds: list[float] = field(default_factory=list)
    acked: set[str] = field(default_factory=set)
    #: Turned away with a time to come again; reset by gRPC; and any other end, of which there should be none.
    refused: int = 0
    reset: int = 0
    failed: int = 0


class Offering:
    """One process's calls."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = FlowRunServiceStub(channel)
        # Bytes: what a call costs here is taken from the server's processor.
        self._create = channel.unary_unary("/antiphon.v1.FlowRunService/CreateFlowRun")
        #: By which its runs are found again.
        self._flow_name = f"offered-{new_id()}"
        self.tally = Tally()

    def pack(self) -> tuple[str, bytes]:
        """The id of a new run, and the request to make it."""
        run_id = new_id()
        request = CreateFlowRunRequest(flow_run=FlowRun(id=run_id, flow_name=self._flow_name))
        return run_id, request.SerializeToString()

    async def call(self, run_id: str, request: bytes) -> None:
        start = time.perf_counter()
        try:
            await self._create(request, timeout=_PATIENCE)
        except grpc.aio.AioRpcError as error:
            self._failed(error)
        else:
            self.tally.seconds.append(time.perf_counter() - start)
            self.tally.acked.add(run_id)

    def _failed(self, error: grpc.aio.AioRpcError) -> None:
        if error.code() is grpc.StatusCode.UNAVAILABLE and names_a_time(error):
            self.tally.refused += 1
        elif error.code() is grpc.StatusCode.CANCELLED:
            self.tally.reset += 1
        else:
            self.tally.failed += 1

    async def offer(self, rate: float, seconds: float) -> float:
        """Begins calls at a rate until the time is over; the seconds that this took. All are answered then."""
        under_way: set[asyncio.Task[None]] = set()
        calls = [self.pack() for _ in range(round(rate * seconds))]
        start, begun = time.perf_counter(), 0
        while begun < len(calls):
            due = min(round((time.perf_counter() - start) * rate) + 1, len(calls))
            for run_id, request in calls[begun:due]:
                task = asyncio.create_task(self.call(run_id, request))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            begun = due
            await asyncio.sleep(0.001)
        took = time.perf_counter() - start
        await asyncio.gather(*under_way)
        return took

    async def saturate(self, seconds: float) -> float:
        """Has callers call one after another until the time is over; the seconds that this took."""
        start = time.perf_counter()

        async def caller() -> None:
            while time.perf_counter() - start < seconds:
                await self.call(*self.pack())

        await asyncio.gather(*(caller() for _ in range(_CALLERS)))
        return time.perf_counter() - start

    async def lost(self) -> int:
        """How many acknowledged runs the server does not have."""
        found = {run_id async for run_id in self._stored()}
        return len(self.tally.acked - found)

    async def _stored(self) -> AsyncIterator[str]:
        request = ListFlowRunsRequest(filter=f'flow_name = "{self._flow_name}"', page_size=_PAGE)
        while True:
            page = await self._stub.ListFlowRuns(request, timeout=_PATIENCE)
            for run in page.flow_runs:
                yield run.id
            request.page_token = page.next_page_token
            if not request.page_token:
                return


def names_a_time(error: grpc.aio.AioRpcError) -> bool:
    """Whether a refusal says when to come again."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            details = status_pb2.Status.FromString(value).details
            return any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in details)
    return False


async def main(target: str, rate: float, seconds: float) -> dict[str, float]:
    async with grpc.aio.insecure_channel(target, options=_OPTIONS) as channel:
        offering = Offering(channel)
        took = await (offering.offer(rate, seconds) if rate else offering.saturate(seconds))
        tally = offering.tally
        return {
            "admitted": len(tally.seconds) / took,
            "refused": tally.refused / took,
            "reset": tally.reset / took,
            "failed": tally.failed,
            "p50": percentile(tally.seconds, 50) * 1000,
            "p99": percentile(tally.seconds, 99) * 1000,
            "lost": await offering.lost(),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))))
