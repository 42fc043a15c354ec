"""A server with one of everything, asked by unary calls alone."""

import json
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from antiphon.v1 import (
    operation_service_pb2,
    operation_service_pb2_grpc,
    work_service_pb2,
    work_service_pb2_grpc,
)
from contract import METHODS
from hand_session import proposal
from refusals import Refusal, refused
from running_server import RunningServer

#: An id of nothing.
MISSING = "0190163d-8694-739b-aea5-966c26f8ad90"
UNARY = {method.name: method for method in METHODS if method.unary}


@dataclass
class World:
    """Ids of what is there, and calls. Requests are dicts as JSON has them, messages, or bytes."""

    server: RunningServer
    run: str = ""
    task: str = ""
    flow: str = ""
    state: str = ""
    limit: str = ""
    deployment: str = ""
    pool: str = ""
    queue: str = ""
    artifact: str = ""
    variable: str = ""
    block_type: str = ""
    schema: str = ""
    block: str = ""
    schedule: str = ""
    calendar: str = ""
    worker: str = ""

    def fill(self) -> None:
        """Makes a flow, a scheduled run of it, a pending task run in that, a line of its log, an artifact, a variable,
        what limits others (a limit of a tag, a deployment of the flow, a work pool with a queue), a block with its type
        and schema, and a schedule of the deployment, which rests, a calendar, and a worker that has gone."""
        run = self.call("CreateFlowRun", {"flowRun": {"flowName": "etl", "name": "one", "tags": ["a"]}}).flow_run
        self.run, self.flow = run.id, run.flow_id
        self.task = self.call("CreateTaskRun", {"taskRun": {"flowRunId": run.id, "taskKey": "clean"}}).task_run.id
        self.state = self.propose(run.id, "SCHEDULED").state.id
        self.propose(self.task, "PENDING", task=True)
        line = {"message": "hello", "level": 20, "createTime": "2026-01-01T00:00:00Z", "flowRunId": run.id}
        self.call("CreateLogs", {"logs": [line]})
        limit = {"name": "tag:scarce", "limit": 3}
        self.limit = self.call("CreateConcurrencyLimit", {"concurrencyLimit": limit}).concurrency_limit.id
        deployment = {"name": "nightly", "flowId": self.flow, "concurrencyLimit": 2}
        self.deployment = self.call("CreateDeployment", {"deployment": deployment}).deployment.id
        pool = {"name": "pool", "type": "process"}
        self.pool = self.call("CreateWorkPool", {"workPool": pool}).work_pool.id
        queue = {"name": "queue", "workPoolId": self.pool}
        self.queue = self.call("CreateWorkQueue", {"workQueue": queue}).work_queue.id
        self.worker = self._came_and_went(
            {"name": "gone", "workPoolName": "pool", "labels": {"zone": "x"}, "client": "the worker that has gone"}
        )
        artifact = {"key": "report", "type": "markdown", "data": "# One", "flowRunId": run.id, "metadata": {"a": "b"}}
        self.artifact = self.call("CreateArtifact", {"artifact": artifact}).artifact.id
        variable = {"name": "db_url", "value": '"here"', "tags": ["x"]}
        self.variable = self.call("CreateVariable", {"variable": variable}).variable.id

        registered = self.call("RegisterBlockType", login_type())
        self.block_type, self.schema = registered.block_type.id, registered.block_schema.id
        calendar = {"name": "holidays", "days": ["12-25"]}
        self.calendar = self.call("CreateCalendar", {"calendar": calendar}).calendar.id
        schedule = {"deploymentId": self.deployment, "slug": "daily", "cron": {"expression": "@daily"}, "paused": True}
        self.schedule = self.call("CreateSchedule", {"schedule": schedule}).schedule.id
        document = {"name": "prod", "blockSchemaId": self.schema, "data": LOGIN}
        self.block = self.call("CreateBlockDocument", {"blockDocument": document}).block_document.id

    def call(self, name: str, request: dict[str, Any] | Message | bytes = b"", **options: Any) -> Any:
        method = UNARY[name]
        if isinstance(request, dict):
            request = json_format.ParseDict(request, method.request())
        body = request if isinstance(request, bytes) else request.SerializeToString()
        return method.response.FromString(method.call(self.server.channel, body, **options))

    def refused(self, name: str, request: dict[str, Any] | Message | bytes = b"", **options: Any) -> Refusal:
        return refused(lambda: self.call(name, request, **options))

    def propose(self, run: str, type_: str, **fields: Any) -> Any:
        return self.call("ProposeTransition", {"proposal": proposed(run, type_, **fields)}).verdict

    def _came_and_went(self, hello: dict[str, Any]) -> str:
        """The id of a worker that came and said goodbye."""
        said = [{"hello": hello}, {"goodbye": {"reason": "enough"}}]
        stub = work_service_pb2_grpc.WorkServiceStub(self.server.channel)
        requests = [json_format.ParseDict(each, work_service_pb2.WorkRequest()) for each in said]
        welcome, *_ = stub.Work(iter(requests), timeout=60)
        return str(welcome.welcome.worker.id)

    def operation(self) -> Any:
        """A long-running operation that found nothing to do and has ended."""
        return self.ended(self.call("BulkCancelFlowRuns", {"filter": "name = nobody"}).operation.id)

    def ended(self, operation_id: str) -> Any:
        """The operation once it has ended."""
        stub = operation_service_pb2_grpc.OperationServiceStub(self.server.channel)
        watch = stub.WatchOperation(operation_service_pb2.WatchOperationRequest(id=operation_id), timeout=60)
        return [message.operation for message in watch][-1]


def proposed(run: str, type_: str, **fields: Any) -> dict[str, Any]:
    """A proposal as JSON has it."""
    return json_format.MessageToDict(proposal(run, type_, **fields))


#: A block's values.
LOGIN = '{"user": "ann", "password": "pw-7Kx", "headers": {"token": "tk-9Qz"}, "port": 5432}'


def login_type(slug: str = "login", capabilities: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """A request to register a block type and a schema of it; `fields` are keys of that besides the secret ones."""
    schema = {"type": "object", "secret_fields": ["password", "headers.*"], **fields}
    return {
        "blockType": {"name": slug.title(), "slug": slug},
        "blockSchema": {"fields": json.dumps(schema), "capabilities": capabilities, "version": "1.0"},
    }


def mask(thing: str, id: str, paths: str = "tags", **fields: Any) -> dict[str, Any]:
    """A request to update some fields of a thing."""
    return {thing: {"id": id, "tags": ["new"], **fields}, "updateMask": paths}


def opened(world: World) -> dict[str, Any]:
    """A session, as ExchangeFrames names it."""
    welcome = world.call("OpenSession", {"hello": {"client": "unary"}}).welcome
    return {"resumeToken": welcome.resume_token, "epoch": welcome.epoch}
