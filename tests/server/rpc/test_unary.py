"""Every unary RPC does what it says."""

import base64
import os
from typing import Any

import pytest

from antiphon_server.application.bulk import CancelBulk, StartBulk
from antiphon_server.domain.bulk import BulkVerb
from block_calls import BLOCKS_DO
from deployment_calls import DEPLOYMENTS_DO
from hand_session import new_id
from in_writer import in_writer
from stores import POSTGRESQL
from user_calls import USER_DOES
from work_calls import WORK_DOES, Ask, Check
from world import MISSING, UNARY, World, mask, opened, proposed

#: RPC -> (request, what must hold of the answer).
#: Where there may be several servers.
SHARED = ("replicas",) if POSTGRESQL else ()
DOES: dict[str, tuple[Ask, Check]] = {
    "GetServerInfo": (lambda w: {}, lambda r, w: r.server_info.process_id == os.getpid()),
    "ListSessions": (lambda w: {}, lambda r, w: [each.client for each in r.sessions] == ["the worker that has gone"]),
    "ListServices": (
        lambda w: {},
        lambda r, w: (
            {"scheduler", "sessions", "deadlines", "late-runs", "housekeeping", "operations", *SHARED}
            == {each.name for each in r.services}
            and {each.state for each in r.services} == {1}
        ),
    ),
    "StopServer": (lambda w: {"reason": "enough"}, lambda r, w: w.server.server.asked_to_stop.is_set()),
    "CreateFlow": (
        lambda w: {"flow": {"name": "new", "tags": ["x"]}},
        lambda r, w: (r.flow.name, list(r.flow.tags), r.flow.etag) == ("new", ["x"], "1") and bool(r.flow.id),
    ),
    "GetFlow": (lambda w: {"id": w.flow}, lambda r, w: (r.flow.id, r.flow.name) == (w.flow, "etl")),
    "ListFlows": (lambda w: {"filter": "name = etl"}, lambda r, w: [each.id for each in r.flows] == [w.flow]),
    "UpdateFlow": (
        lambda w: mask("flow", w.flow, etag="1"),
        lambda r, w: (r.flow.name, list(r.flow.tags), r.flow.etag) == ("etl", ["new"], "2"),
    ),
    "DeleteFlow": (lambda w: {"id": w.flow}, lambda r, w: not w.call("ListFlowRuns").flow_runs),
    "CreateFlowRun": (
        lambda w: {"flowRun": {"flowId": w.flow, "id": MISSING, "retryPolicy": {"maxRetries": 2, "delays": ["3s"]}}},
        lambda r, w: (
            (r.flow_run.id, r.flow_run.flow_name, r.flow_run.retry_policy.max_retries) == (MISSING, "etl", 2)
            and not r.flow_run.HasField("state")
        ),
    ),
    "GetFlowRun": (
        lambda w: {"id": w.run.upper()},
        lambda r, w: (r.flow_run.name, r.flow_run.state.id) == ("one", w.state),
    ),
    "ListFlowRuns": (
        lambda w: {"filter": "state.type = SCHEDULED"},
        lambda r, w: [each.id for each in r.flow_runs] == [w.run],
    ),
    "UpdateFlowRun": (
        lambda w: mask("flowRun", w.run, "name,tags", name="two"),
        lambda r, w: (r.flow_run.name, list(r.flow_run.tags)) == ("two", ["new"]),
    ),
    "DeleteFlowRun": (
        lambda w: {"id": w.run},
        lambda r, w: w.refused("GetTaskRun", {"id": w.task}).reason == "TASK_RUN_NOT_FOUND",
    ),
    "ListFlowRunStates": (lambda w: {"id": w.run}, lambda r, w: [each.name for each in r.states] == ["Scheduled"]),
    "ListFlowRunCommands": (lambda w: {"id": w.run}, lambda r, w: list(r.commands) == []),
    "CancelFlowRun": (
        lambda w: {"id": w.run, "reason": "enough"},
        lambda r, w: (r.flow_run.state.name, r.flow_run.state.message) == ("Cancelled", "enough"),
    ),
    "PauseFlowRun": (
        lambda w: {"id": running(w), "reason": "wait"},
        lambda r, w: (r.flow_run.state.name, r.flow_run.state.message) == ("Paused", "wait"),
    ),
    "SuspendFlowRun": (
        lambda w: {"id": running(w, deployed=True)},
        lambda r, w: (r.flow_run.state.name, r.flow_run.state.details.pause_reschedule) == ("Suspended", True),
    ),
    "ResumeFlowRun": (
        lambda w: {"id": paused(w), "input": answer()},
        lambda r, w: (r.flow_run.state.name, r.flow_run.run_count) == ("Running", 1),
    ),
    "GetFlowRunInput": (
        lambda w: {"flowRunId": answered(w).upper(), "key": "k"},
        lambda r, w: (r.flow_run_input.key, r.flow_run_input.value.data) == ("k", b"7"),
    ),
    "ListFlowRunInputs": (
        lambda w: {"flowRunId": answered(w)},
        lambda r, w: [each.value.data for each in r.flow_run_inputs] == [b"7"],
    ),
    "CreateFlowRunInput": (
        lambda w: {"flowRunInput": {"flowRunId": w.run.upper(), "key": "k", "value": answer(), "sender": "me"}},
        lambda r, w: (r.flow_run_input.key, r.flow_run_input.value.data, r.flow_run_input.sender) == ("k", b"7", "me"),
    ),
    "DeleteFlowRunInput": (
        lambda w: {"flowRunId": answered(w), "key": "k"},
        lambda r, w: r.ByteSize() == 0,
    ),
    "ReceiveFlowRunInputs": (
        lambda w: {"flowRunId": answered(w), "keyPrefix": "k"},
        lambda r, w: [each.value.data for each in r.flow_run_inputs] == [b"7"],
    ),
    "AwaitFlowRun": (
        lambda w: {"id": w.run},
        lambda r, w: (r.flow_run.id, r.flow_run.state.id) == (w.run, w.state),
    ),
    "BulkCancelFlowRuns": (
        lambda w: {"filter": "name = one", "reason": "enough"},
        lambda r, w: (
            (r.operation.verb, r.operation.state, r.operation.total_count, r.operation.reason) == (1, 1, 1, "enough")
            and w.ended(r.operation.id).succeeded_count == 1
            and w.call("GetFlowRun", {"id": w.run}).flow_run.state.message == "enough"
        ),
    ),
    "BulkDeleteFlowRuns": (
        lambda w: {"all": True},
        lambda r, w: w.ended(r.operation.id).verb == 2 and not w.call("ListFlowRuns").flow_runs,
    ),
    "BulkRetryFlowRuns": (
        lambda w: {"filter": "flow_name = etl"},
        lambda r, w: (w.ended(r.operation.id).verb, w.ended(r.operation.id).skipped_count) == (3, 1),
    ),
    "BulkSetFlowRunState": (
        lambda w: {"filter": "name = one", "state": {"type": "STATE_TYPE_FAILED", "name": "Lost"}, "force": True},
        lambda r, w: (
            (r.operation.verb, r.operation.proposed_state.name, r.operation.force) == (4, "Lost", True)
            and w.ended(r.operation.id).succeeded_count == 1
            and w.call("GetFlowRun", {"id": w.run}).flow_run.state.name == "Lost"
        ),
    ),
    "GetOperation": (
        lambda w: {"id": w.operation().id.upper()},
        lambda r, w: (r.operation.state, r.operation.done_count) == (2, 0),
    ),
    "ListOperations": (
        lambda w: {"filter": f'state = SUCCEEDED AND verb = CANCEL AND id = "{w.operation().id}"'},
        lambda r, w: [each.filter for each in r.operations] == ["name = nobody"],
    ),
    "CancelOperation": (lambda w: {"id": stopped(w)}, lambda r, w: r.operation.state == 3),
    "CreateLogs": (
        lambda w: {"logs": [{"message": "more", "createTime": "2026-01-02T00:00:00Z"}]},
        lambda r, w: [line.message for line in w.call("ListLogs").logs] == ["hello", "more"],
    ),
    "ListLogs": (
        lambda w: {"filter": f'flow_run_id = "{w.run}" AND level >= 20'},
        lambda r, w: [line.message for line in r.logs] == ["hello"],
    ),
    "OpenSession": (
        lambda w: {"hello": {"client": "unary"}},
        lambda r, w: (r.welcome.epoch, w.call("ListSessions").sessions[0].client) == (1, "unary"),
    ),
    "ExchangeFrames": (
        lambda w: {**opened(w), "frames": [{"sequence": "1", "proposal": proposed(w.run, "RUNNING")}]},
        lambda r, w: (
            [frame.WhichOneof("body") for frame in r.frames] == ["verdict", "ack"]
            and w.call("GetFlowRun", {"id": w.run}).flow_run.session_id != ""
        ),
    ),
    "CreateTaskRun": (
        lambda w: {"taskRun": {"taskKey": "load", "dynamicKey": "1", "upstreamTaskRunIds": [w.task]}},
        lambda r, w: (r.task_run.name, list(r.task_run.upstream_task_run_ids)) == ("load-1", [w.task]),
    ),
    "GetTaskRun": (
        lambda w: {"id": w.task},
        lambda r, w: (r.task_run.flow_run_id, r.task_run.state.name) == (w.run, "Pending"),
    ),
    "ListTaskRuns": (
        lambda w: {"filter": f'flow_run_id = "{w.run}"'},
        lambda r, w: [each.id for each in r.task_runs] == [w.task],
    ),
    "UpdateTaskRun": (
        lambda w: mask("taskRun", w.task, "name", name="two"),
        lambda r, w: (r.task_run.name, list(r.task_run.tags)) == ("two", []),
    ),
    "DeleteTaskRun": (lambda w: {"id": w.task}, lambda r, w: not w.call("ListTaskRuns").task_runs),
    "ListTaskRunStates": (lambda w: {"id": w.task}, lambda r, w: [each.name for each in r.states] == ["Pending"]),
    "ProposeTransition": (
        lambda w: {"proposal": proposed(w.run, "RUNNING")},
        lambda r, w: (r.verdict.kind, r.verdict.state.name, r.verdict.run_count) == (1, "Running", 1),
    ),
    "ExplainTransition": (
        lambda w: {"proposal": proposed(w.task, "FAILED", task=True)},
        lambda r, w: (
            r.verdict.state.name == "Failed" and w.call("GetTaskRun", {"id": w.task}).task_run.state.name == "Pending"
        ),
    ),
}
DOES |= WORK_DOES | DEPLOYMENTS_DO | USER_DOES | BLOCKS_DO


def running(world: World, *, deployed: bool = False) -> str:
    """A run in RUNNING; `deployed`: of the deployment."""
    run = {"flowName": "etl"} | ({"deploymentId": world.deployment} if deployed else {})
    id: str = world.call("CreateFlowRun", {"flowRun": run}).flow_run.id
    world.propose(id, "RUNNING")
    return id


def paused(world: World) -> str:
    id = running(world)
    world.call("PauseFlowRun", {"id": id, "pauseKey": "k"})
    return id


def answer() -> dict[str, Any]:
    return {"metadata": {"encoding": "json/plain"}, "data": base64.b64encode(b"7").decode()}


def answered(world: World) -> str:
    id = paused(world)
    world.call("ResumeFlowRun", {"id": id, "input": answer()})
    return id


def stopped(world: World) -> str:
    """An operation that was cancelled: of one that runs a test cannot say when it ends."""
    id = new_id()
    start = StartBulk(id, BulkVerb.CANCEL, "name = nobody", 0)
    in_writer(world.server, lambda it: (start.apply(it), CancelBulk(id).apply(it)))
    return id


def test_no_method_escapes() -> None:
    assert set(DOES) == set(UNARY)


@pytest.mark.parametrize("name", DOES)
def test_it_does_what_it_says(world: World, name: str) -> None:
    ask, holds = DOES[name]
    response = world.call(name, ask(world))
    assert holds(response, world), response
