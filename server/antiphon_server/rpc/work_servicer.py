"""WorkService, loaded on demand."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from antiphon.v1 import work_pool_pb2, work_service_pb2_grpc, worker_pb2
from antiphon.v1 import work_service_pb2 as pb
from antiphon_server.application import listings
from antiphon_server.application.sessions import ReadCommands
from antiphon_server.application.takers import Taker
from antiphon_server.application.work_dispatch import WorkDispatch
from antiphon_server.application.workers import Came, ComeToWork, DeleteWorker
from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.rpc.mutations import mutate
from antiphon_server.rpc.parts import Parts
from antiphon_server.rpc.reads import listed
from antiphon_server.rpc.session_servicer import attaching, tell_all
from antiphon_server.rpc.validation import check
from antiphon_server.rpc.work_pool_conversions import work_pool_message
from antiphon_server.rpc.work_stream import WorkerSays, WorkStream
from antiphon_server.rpc.worker_conversions import claim_message, coming_from, worker_message
from antiphon_server.wire_times import duration_to_micros, micros_to_duration


class WorkServicer(work_service_pb2_grpc.WorkServiceServicer):
    def __init__(self, parts: Parts, dispatch: WorkDispatch) -> None:
        self._parts = parts
        self._core = parts.core
        self._dispatch = dispatch

    async def Work(  # type: ignore[override]  # the stubs know generators only, the library takes this too
        self, request_iterator: AsyncIterator[pb.WorkRequest], context: Any
    ) -> None:
        requests, parts = aiter(request_iterator), self._parts
        first = await anext(requests, None)
        if first is None:
            return
        hello = _hello(first)
        coming = coming_from(hello)
        session = attaching(hello.resume_token, hello.client, parts.tokens, parts.ttl)
        with parts.hub.gates.arrivals.passed():
            came: Came = await self._core.run(ComeToWork(coming, session, parts.hub.attached()))
        stream = WorkStream(came.session.id, came.session.epoch, parts.hub.gates.outgoing)
        parts.hub.attach(stream)
        taker = _taker(hello, came, stream)
        says = WorkerSays(self._core, self._dispatch, parts.ttl, stream, taker, partial(parts.hub.detach, stream))
        tasks: list[asyncio.Future[None]] = []
        try:
            stream.push([pb.WorkResponse(welcome=await self._welcome(came))])
            if hello.resume_token:
                self._core.submit(ReadCommands(stream.session_id), partial(tell_all, stream), owner=stream.session_id)
            if parts.hub.draining is not None:
                stream.tell(parts.hub.draining)
            lost = set(came.lost)
            holds = [claim for claim in coming.holds if claim not in lost]
            await self._dispatch.come(taker, holds)
            tasks += map(asyncio.ensure_future, (says.listen(requests), self._dispatch.deliver(taker)))
            await stream.pump(context.write)
        finally:
            for task in tasks:
                task.cancel()
            parts.hub.detach(stream)
            stream.over()
            self._dispatch.leave(taker)

    async def _welcome(self, came: Came) -> pb.WorkerWelcome:
        welcome = pb.WorkerWelcome(
            session_id=came.session.id,
            resume_token=self._parts.tokens.issue(came.session.id),
            lease_timeout=micros_to_duration(self._parts.ttl),
            lost=map(claim_message, came.lost),
        )
        if came.worker_id is not None and came.work_pool_id is not None:
            welcome.worker.CopyFrom(await self._worker(came.worker_id))
            welcome.work_pool.CopyFrom(await self._work_pool(came.work_pool_id))
        return welcome

    async def _worker(self, id: str) -> worker_pb2.Worker:
        return worker_message(await self._parts.queries.worker(id), self._parts.ttl)

    async def _work_pool(self, id: str) -> work_pool_pb2.WorkPool:
        return work_pool_message(await self._parts.queries.work_pool(id))

    async def GetWorker(self, request: pb.GetWorkerRequest, context: Any) -> pb.GetWorkerResponse:
        names = {"name": request.name.name, "work_pool_name": request.name.work_pool_name}
        row = await self._parts.queries.worker(request.id, **names)
        return pb.GetWorkerResponse(worker=worker_message(row, self._parts.ttl))

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: Any) -> pb.ListWorkersResponse:
        page = await listed(self._parts.queries, listings.WORKERS, request)
        return pb.ListWorkersResponse(
            workers=(worker_message(row, self._parts.ttl) for row in page.rows), next_page_token=page.next_page_token
        )

    async def DeleteWorker(self, request: pb.DeleteWorkerRequest, context: Any) -> pb.DeleteWorkerResponse:
        return await mutate(
            self._core,
            request,
            DeleteWorker(request.id.lower(), request.etag),
            pb.DeleteWorkerResponse,
            lambda *_: pb.DeleteWorkerResponse(),
        )


def _hello(first: pb.WorkRequest) -> pb.WorkerHello:
    if first.WhichOneof("body") != "hello":
        raise InvalidArgument("HELLO_MISSING", "a stream begins with WorkerHello; send it first", field="hello")
    check(first)
    hello = first.hello
    if bool(hello.work_pool_name) == bool(hello.deployment_ids):
        raise InvalidArgument(
            "WORK_SOURCE_MISSING",
            "name the work pool to take runs from or, without one, the deployments to serve",
            field="hello.work_pool_name",
        )
    if hello.HasField("create_work_pool") and hello.create_work_pool.name != hello.work_pool_name:
        raise InvalidArgument(
            "WORK_POOL_NAME_DIFFERS",
            f"the pool to make is called {hello.create_work_pool.name!r}, and the one to take from "
            f"{hello.work_pool_name!r}; give both one name",
            field="hello.create_work_pool.name",
        )
    return hello


def _taker(hello: pb.WorkerHello, came: Came, stream: WorkStream) -> Taker:
    name = f"worker {hello.name!r} of work pool {hello.work_pool_name!r}" if hello.work_pool_name else "who serves it"
    return Taker(
        came.session.id,
        name,
        stream.deliver,
        work_pool_id=came.work_pool_id,
        queue_names=hello.work_queue_names,
        deployment_ids=[id.lower() for id in hello.deployment_ids],
        labels=dict(hello.labels),
        prefetch=duration_to_micros(hello.prefetch, "hello.prefetch") if hello.HasField("prefetch") else 0,
    )


def add_to(server: Any, parts: Parts) -> None:
    dispatch = WorkDispatch(parts.core, parts.reader)
    running = asyncio.get_running_loop().create_task(dispatch.run())

    def stop() -> None:
        running.cancel()
        dispatch.stop()

    parts.core.at_stop(stop)
    work_service_pb2_grpc.add_WorkServiceServicer_to_server(WorkServicer(parts, dispatch), server)
