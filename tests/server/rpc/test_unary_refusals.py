"""Every unary RPC refuses what is wrong: with a code, a reason that programs may rely on, and the field."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest

from antiphon.v1 import flow_run_service_pb2
from refusals import refusal_in
from world import MISSING, World, mask, opened, proposed

Ask = Callable[[World], Any]
INVALID, NOT_FOUND, EXISTS, ABORTED, FAILED, STRANGER = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.UNAUTHENTICATED,
)
BULK: list[tuple[str, dict[str, Any]]] = [
    ("BulkCancelFlowRuns", {}),
    ("BulkDeleteFlowRuns", {}),
    ("BulkRetryFlowRuns", {}),
    ("BulkSetFlowRunState", {"state": {"type": "STATE_TYPE_FAILED"}}),
]
BEAT: dict[str, Any] = {"heartbeat": {}}
LINE = {"message": "x", "createTime": "2026-01-01T00:00:00Z"}


def wrong_state(**state: Any) -> Ask:
    return lambda w: {"proposal": {**proposed(w.run, "RUNNING"), "state": state}}


def each_reader_of_pages(request: dict[str, Any], reason: str, field: str) -> list[tuple[Any, ...]]:
    names = ["ListFlows", "ListFlowRuns", "ListTaskRuns", "ListLogs", "ListConcurrencyLimits", "ListDeployments"]
    names += ["ListWorkPools", "ListWorkQueues", "ListArtifacts", "ListLatestArtifacts", "ListVariables"]
    names += ["ListBlockTypes", "ListBlockSchemas", "ListBlockDocuments"]
    names += ["ListSessions"] if "pageSize" in request or "pageToken" in request else []
    return [(name, lambda w: request, INVALID, reason, (field,)) for name in names]


#: (RPC, request, code, reason, fields of BadRequest)
REFUSES: list[tuple[str, Ask, grpc.StatusCode, str, tuple[str, ...]]] = [
    # Ids that name nothing, and ids that are none.
    *(
        (name, lambda w, more=more: {"id": MISSING, **more}, NOT_FOUND, reason, ())
        for name, reason, more in [
            ("GetFlow", "FLOW_NOT_FOUND", {}),
            ("DeleteFlow", "FLOW_NOT_FOUND", {}),
            ("GetFlowRun", "FLOW_RUN_NOT_FOUND", {}),
            ("DeleteFlowRun", "FLOW_RUN_NOT_FOUND", {}),
            ("CancelFlowRun", "FLOW_RUN_NOT_FOUND", {"reason": "x"}),
            ("ListFlowRunStates", "FLOW_RUN_NOT_FOUND", {}),
            ("ListFlowRunCommands", "FLOW_RUN_NOT_FOUND", {}),
            ("GetTaskRun", "TASK_RUN_NOT_FOUND", {}),
            ("DeleteTaskRun", "TASK_RUN_NOT_FOUND", {}),
            ("ListTaskRunStates", "TASK_RUN_NOT_FOUND", {}),
            ("GetOperation", "OPERATION_NOT_FOUND", {}),
            ("CancelOperation", "OPERATION_NOT_FOUND", {}),
            ("GetConcurrencyLimit", "CONCURRENCY_LIMIT_NOT_FOUND", {}),
            ("DeleteConcurrencyLimit", "CONCURRENCY_LIMIT_NOT_FOUND", {}),
            ("ResetConcurrencyLimit", "CONCURRENCY_LIMIT_NOT_FOUND", {}),
            ("ListSlots", "CONCURRENCY_LIMIT_NOT_FOUND", {}),
            ("ListSlotWaiters", "CONCURRENCY_LIMIT_NOT_FOUND", {}),
            ("GetDeployment", "DEPLOYMENT_NOT_FOUND", {}),
            ("DeleteDeployment", "DEPLOYMENT_NOT_FOUND", {}),
            ("PauseDeployment", "DEPLOYMENT_NOT_FOUND", {}),
            ("ResumeDeployment", "DEPLOYMENT_NOT_FOUND", {}),
            ("GetWorkPool", "WORK_POOL_NOT_FOUND", {}),
            ("DeleteWorkPool", "WORK_POOL_NOT_FOUND", {}),
            ("GetWorkQueue", "WORK_QUEUE_NOT_FOUND", {}),
            ("DeleteWorkQueue", "WORK_QUEUE_NOT_FOUND", {}),
            ("GetBlockType", "BLOCK_TYPE_NOT_FOUND", {}),
            ("DeleteBlockType", "BLOCK_TYPE_NOT_FOUND", {}),
            ("GetBlockSchema", "BLOCK_SCHEMA_NOT_FOUND", {}),
            ("DeleteBlockSchema", "BLOCK_SCHEMA_NOT_FOUND", {}),
            ("GetBlockDocument", "BLOCK_DOCUMENT_NOT_FOUND", {"includeSecrets": True}),
            ("DeleteBlockDocument", "BLOCK_DOCUMENT_NOT_FOUND", {}),
        ]
    ),
    *(
        (name, lambda w: {"id": "etl"}, INVALID, "FIELD_INVALID", ("id",))
        for name in ("GetFlow", "GetFlowRun", "GetTaskRun", "DeleteFlowRun", "CancelFlowRun", "ListTaskRunStates")
    ),
    *((name, lambda w: {"id": "x"}, INVALID, "FIELD_INVALID", ("id",)) for name in ("GetOperation", "CancelOperation")),
    # Operations over what is not said, or not said well.
    *(
        (name, lambda w, f=filter, m=more: {"filter": f, **m}, INVALID, reason, ("filter",))
        for name, more in BULK
        for filter, reason in [("", "FILTER_EMPTY"), (" ", "FILTER_EMPTY"), ("size > 3", "FILTER_INVALID")]
    ),
    *(
        (name, lambda w, m=more: {"filter": "size > 3", "dryRun": True, **m}, INVALID, "FILTER_INVALID", ("filter",))
        for name, more in BULK
    ),
    ("BulkSetFlowRunState", lambda w: {"all": True}, INVALID, "FIELD_INVALID", ("state",)),
    ("BulkSetFlowRunState", lambda w: {"all": True, "state": {}}, INVALID, "FIELD_INVALID", ("state.type",)),
    *(
        (
            "BulkSetFlowRunState",
            lambda w, name=name: flow_run_service_pb2.BulkSetFlowRunStateRequest(
                all=True, state={"type": 1, "details": {name: {"seconds": 253_402_300_800}}}
            ),
            INVALID,
            "TIME_INVALID",
            (f"state.details.{name}",),
        )
        for name in ("scheduled_time", "pause_expire_time", "cache_expire_time")
    ),
    ("ListOperations", lambda w: {"filter": "verb = SLEEP"}, INVALID, "FILTER_INVALID", ("filter",)),
    ("ListOperations", lambda w: {"pageToken": "forged"}, INVALID, "PAGE_TOKEN_INVALID", ("page_token",)),
    ("ListOperations", lambda w: {"pageSize": -1}, INVALID, "FIELD_INVALID", ("page_size",)),
    ("CancelOperation", lambda w: {"id": w.operation().id}, FAILED, "OPERATION_DONE", ()),
    # What is missing, clashes, or hangs on what is not there.
    ("CreateFlow", lambda w: {}, INVALID, "FIELD_INVALID", ("flow",)),
    ("CreateFlow", lambda w: {"flow": {"name": "etl"}}, EXISTS, "FLOW_EXISTS", ()),
    ("CreateFlowRun", lambda w: {}, INVALID, "FIELD_INVALID", ("flow_run",)),
    ("CreateFlowRun", lambda w: {"flowRun": {"name": "x"}}, INVALID, "FLOW_MISSING", ("flow_run.flow_name",)),
    ("CreateFlowRun", lambda w: {"flowRun": {"flowId": MISSING}}, NOT_FOUND, "FLOW_NOT_FOUND", ()),
    ("CreateFlowRun", lambda w: {"flowRun": {"flowName": "etl", "id": w.run}}, EXISTS, "FLOW_RUN_EXISTS", ()),
    (
        "CreateFlowRun",
        lambda w: {"flowRun": {"flowName": "f", "parentTaskRunId": MISSING}},
        NOT_FOUND,
        "TASK_RUN_NOT_FOUND",
        (),
    ),
    (
        "CreateFlowRun",
        lambda w: {"flowRun": {"flowName": "f", "tags": ["ok", ""]}, "requestId": "once"},
        INVALID,
        "FIELD_INVALID",
        ("flow_run.tags[1]", "request_id"),
    ),
    ("CreateTaskRun", lambda w: {"taskRun": {}}, INVALID, "FIELD_INVALID", ("task_run.task_key",)),
    (
        "CreateTaskRun",
        lambda w: {"taskRun": {"taskKey": "t", "flowRunId": MISSING}},
        NOT_FOUND,
        "FLOW_RUN_NOT_FOUND",
        (),
    ),
    ("CreateTaskRun", lambda w: {"taskRun": {"taskKey": "t", "id": w.task}}, EXISTS, "TASK_RUN_EXISTS", ()),
    # Numbers and spans that cannot be.
    (
        "CreateFlowRun",
        lambda w: {"flowRun": {"flowName": "f", "retryPolicy": {"maxRetries": -1, "jitterFactor": -1}}},
        INVALID,
        "FIELD_INVALID",
        ("flow_run.retry_policy.max_retries", "flow_run.retry_policy.jitter_factor"),
    ),
    (
        "CreateFlowRun",
        lambda w: {"flowRun": {"flowName": "f", "retryPolicy": {"maxRetries": 1, "delays": ["-1s"]}}},
        INVALID,
        "FIELD_INVALID",
        ("flow_run.retry_policy.delays[0]",),
    ),
    *each_reader_of_pages({"pageSize": -1}, "FIELD_INVALID", "page_size"),
    ("ListFlowRunStates", lambda w: {"id": w.run, "pageSize": -1}, INVALID, "FIELD_INVALID", ("page_size",)),
    ("ListFlowRunCommands", lambda w: {"id": w.run, "pageSize": -1}, INVALID, "FIELD_INVALID", ("page_size",)),
    ("ListFlowRunCommands", lambda w: {"id": w.run, "pageToken": "x"}, INVALID, "PAGE_TOKEN_INVALID", ("page_token",)),
    # Wrong questions.
    *each_reader_of_pages({"pageToken": "forged"}, "PAGE_TOKEN_INVALID", "page_token"),
    *each_reader_of_pages({"filter": "size > 3"}, "FILTER_INVALID", "filter"),
    *each_reader_of_pages({"orderBy": "size"}, "ORDER_BY_INVALID", "order_by"),
    ("ListFlowRunStates", lambda w: {"id": w.run, "pageToken": "x"}, INVALID, "PAGE_TOKEN_INVALID", ("page_token",)),
    # Edits.
    *(
        (name, lambda w, t=thing, f=field: {t: {"id": getattr(w, f)}}, INVALID, "FIELD_INVALID", ("update_mask",))
        for name, thing, field in [("UpdateFlowRun", "flowRun", "run"), ("UpdateFlow", "flow", "flow")]
    ),
    ("UpdateFlowRun", lambda w: mask("flowRun", w.run, ""), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
    ("UpdateFlowRun", lambda w: mask("flowRun", w.run, "state"), INVALID, "UPDATE_MASK_INVALID", ("update_mask",)),
    (
        "UpdateFlow",
        lambda w: mask("flow", w.flow, "name", name="new"),
        INVALID,
        "UPDATE_MASK_INVALID",
        ("update_mask",),
    ),
    (
        "UpdateTaskRun",
        lambda w: mask("taskRun", w.task, "taskKey", taskKey="t"),
        INVALID,
        "UPDATE_MASK_INVALID",
        ("update_mask",),
    ),
    ("UpdateFlowRun", lambda w: mask("flowRun", w.run, etag="1"), ABORTED, "ETAG_MISMATCH", ()),
    ("UpdateFlow", lambda w: mask("flow", w.flow, etag="9"), ABORTED, "ETAG_MISMATCH", ()),
    ("UpdateTaskRun", lambda w: mask("taskRun", w.task, etag="1"), ABORTED, "ETAG_MISMATCH", ()),
    ("DeleteFlowRun", lambda w: {"id": w.run, "etag": "1"}, ABORTED, "ETAG_MISMATCH", ()),
    ("UpdateFlowRun", lambda w: mask("flowRun", MISSING), NOT_FOUND, "FLOW_RUN_NOT_FOUND", ()),
    ("UpdateFlow", lambda w: mask("flow", MISSING), NOT_FOUND, "FLOW_NOT_FOUND", ()),
    ("UpdateTaskRun", lambda w: mask("taskRun", MISSING), NOT_FOUND, "TASK_RUN_NOT_FOUND", ()),
    # Proposals.
    ("ProposeTransition", lambda w: {}, INVALID, "FIELD_INVALID", ("proposal",)),
    ("ProposeTransition", lambda w: {"proposal": proposed(MISSING, "RUNNING")}, NOT_FOUND, "FLOW_RUN_NOT_FOUND", ()),
    (
        "ExplainTransition",
        lambda w: {"proposal": proposed(MISSING, "RUNNING", task=True)},
        NOT_FOUND,
        "TASK_RUN_NOT_FOUND",
        (),
    ),
    ("ProposeTransition", wrong_state(), INVALID, "FIELD_INVALID", ("proposal.state.type",)),
    ("ProposeTransition", wrong_state(type=42), INVALID, "FIELD_INVALID", ("proposal.state.type",)),
    ("ProposeTransition", wrong_state(type=3, name="x" * 201), INVALID, "FIELD_INVALID", ("proposal.state.name",)),
    (
        "ProposeTransition",
        lambda w: {"proposal": proposed(w.run, "RUNNING", transition_id=w.state)},
        EXISTS,
        "TRANSITION_ID_REUSED",
        (),
    ),
    (
        "ProposeTransition",
        lambda w: {"proposal": {"transitionId": MISSING, "state": {"type": 3}}},
        INVALID,
        "FIELD_INVALID",
        ("proposal.run",),
    ),
    # Logs and sessions.
    ("CreateLogs", lambda w: {}, INVALID, "FIELD_INVALID", ("logs",)),
    ("CreateLogs", lambda w: {"logs": [{"message": "x"}]}, INVALID, "FIELD_INVALID", ("logs[0].create_time",)),
    ("CreateLogs", lambda w: {"logs": [LINE, {**LINE, "level": -1}]}, INVALID, "FIELD_INVALID", ("logs[1].level",)),
    ("OpenSession", lambda w: {"hello": {"resumeToken": "forged"}}, STRANGER, "RESUME_TOKEN_INVALID", ()),
    ("OpenSession", lambda w: {}, INVALID, "FIELD_INVALID", ("hello",)),
    ("ExchangeFrames", lambda w: {"resumeToken": f"{MISSING}.00"}, STRANGER, "RESUME_TOKEN_INVALID", ()),
    ("ExchangeFrames", lambda w: {}, INVALID, "FIELD_INVALID", ("resume_token",)),
    ("ExchangeFrames", lambda w: {**opened(w), "frames": [BEAT] * 1025}, INVALID, "FIELD_INVALID", ("frames",)),
    ("ExchangeFrames", lambda w: {**opened(w), "epoch": 7}, ABORTED, "SESSION_SUPERSEDED", ()),
    ("ExchangeFrames", lambda w: {**opened(w), "frames": [{"hello": {}}]}, INVALID, "FRAME_INVALID", ("frames[0]",)),
    ("ExchangeFrames", lambda w: {**opened(w), "frames": [{}]}, INVALID, "FRAME_INVALID", ("frames[0]",)),
    (
        "ExchangeFrames",
        lambda w: {**opened(w), "frames": [{"proposal": proposed(w.run, "RUNNING")}]},
        INVALID,
        "FRAME_INVALID",
        ("frames[0].sequence",),
    ),
    (
        "ExchangeFrames",
        lambda w: {**opened(w), "frames": [{"sequence": "2", "proposal": proposed(w.run, "RUNNING")}]},
        FAILED,
        "SEQUENCE_GAP",
        (),
    ),
    ("StopServer", lambda w: {"reason": "x" * 1001}, INVALID, "FIELD_INVALID", ("reason",)),
]


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "fields"),
    REFUSES,
    ids=[f"{i}-{row[0]}-{row[3]}" for i, row in enumerate(REFUSES)],
)
def test_it_refuses_what_is_wrong(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, fields: tuple[str, ...]
) -> None:
    refusal = world.refused(name, ask(world))
    assert (refusal.code, refusal.reason, refusal.fields) == (code, reason, fields), refusal
    assert refusal.preconditions == ((reason,) if code is FAILED else ())


def test_a_gap_behind_frames_that_are_answered_is_told_with_the_answers(world: World) -> None:
    session = opened(world)
    first, lost = proposed(world.run, "RUNNING"), proposed(world.run, "COMPLETED")
    frames = [{"sequence": "1", "proposal": first}, {"sequence": "3", "proposal": lost}, {"goodbye": {}}, BEAT]
    verdict, ack, gap, _ = world.call("ExchangeFrames", {**session, "frames": frames}).frames
    assert (verdict.verdict.sequence, verdict.verdict.verdict.state.name, ack.ack.sequence) == (1, "Running", 1)
    refusal = refusal_in(gap.error.status)
    assert (gap.error.sequence, refusal.code, refusal.reason) == (3, FAILED, "SEQUENCE_GAP")
    assert "frame 3 came where 2 was due" in refusal.message
    assert world.call("GetFlowRun", {"id": world.run}).flow_run.state.name == "Running"
    frames[1]["sequence"] = "2"  # Goodbye was not heard, so the session goes on.
    answers = world.call("ExchangeFrames", {**session, "frames": frames[1:2]}).frames
    assert [each.WhichOneof("body") for each in answers] == ["verdict", "ack"]


def test_what_has_ended_is_not_cancelled(world: World) -> None:
    world.propose(world.run, "COMPLETED")
    refusal = world.refused("CancelFlowRun", {"id": world.run})
    assert (refusal.code, refusal.reason, refusal.preconditions) == (FAILED, "RUN_TERMINAL", ("RUN_TERMINAL",))
