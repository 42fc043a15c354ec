"""What the holders of a flow run were told, and how far they came, on real sockets."""

from collections.abc import Callable
from types import SimpleNamespace

from antiphon.v1.flow_run_command_pb2 import FlowRunCommandKind
from antiphon.v1.session_pb2 import CommandResult, CommandStage
from antiphon_server.domain.decision import Tell
from antiphon_server.rpc.read_conversions import command_message
from hand_session import HandSession
from world import World

Attach = Callable[..., HandSession]


def test_a_holder_that_was_asked_to_stop_is_seen_to_come_on(world: World, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    assert list(world.call("ListFlowRunCommands", {"id": run}).commands) == []
    world.call("CancelFlowRun", {"id": run, "reason": "enough"})
    command = session.next("command").command
    (told,) = world.call("ListFlowRunCommands", {"id": run.upper()}).commands
    assert (told.id, told.flow_run_id, told.session_id) == (command.id, run, session.welcome.session_id)
    assert (told.kind, told.reason) == (FlowRunCommandKind.FLOW_RUN_COMMAND_KIND_CANCEL, "enough")
    assert (told.stage, told.message, told.HasField("update_time")) == (0, "", False)
    for stage, message in [("RECEIVED", ""), ("APPLIED", "the flow was interrupted")]:
        kind = CommandStage.Value(f"COMMAND_STAGE_{stage}")
        said = CommandResult(command_id=command.id, stage=kind, message=message)
        session.say(session.durable(command_result=said))
        session.acked(session.sequence)
        (told,) = world.call("ListFlowRunCommands", {"id": run}).commands
        assert (told.stage, told.message) == (kind, message)
        assert told.update_time.ToMicroseconds() >= told.create_time.ToMicroseconds() > 0


def test_pages_come_oldest_first_and_hold_what_others_were_told_too(world: World, attach: Attach) -> None:
    first, second, other = attach(), attach(), attach()
    run, unrelated = first.create_flow_run(), other.create_flow_run()
    first.propose(run, "RUNNING")
    other.propose(unrelated, "RUNNING")
    second.propose(run, "RUNNING", force=True)
    world.call("CancelFlowRun", {"id": run})
    world.call("CancelFlowRun", {"id": unrelated})
    world.propose(run, "CANCELLED", force=True)
    seen, token, pages = [], "", 0
    while token or not pages:
        page = world.call("ListFlowRunCommands", {"id": run, "pageSize": 1, "pageToken": token})
        seen += [(FlowRunCommandKind.Name(each.kind)[22:], each.session_id) for each in page.commands]
        token, pages = page.next_page_token, pages + 1
    (one, two) = (session.welcome.session_id for session in (first, second))
    assert seen == [("REVOKE", one), ("CANCEL", two), ("REVOKE", two)]
    assert pages == 3
    token = world.call("ListFlowRunCommands", {"id": run, "pageSize": 1}).next_page_token
    refusal = world.refused("ListFlowRunCommands", {"id": unrelated, "pageToken": token})
    assert (refusal.reason, refusal.fields) == ("PAGE_TOKEN_INVALID", ("page_token",))


def test_who_was_told_of_a_pause_is_seen_as_well(world: World, attach: Attach) -> None:
    session = attach()
    made = {"name": "nightly", "flowName": "f"}
    deployment = world.call("CreateDeployment", {"deployment": made}).deployment.id
    run = session.create_flow_run(deployment_id=deployment)
    session.propose(run, "RUNNING")
    world.call("PauseFlowRun", {"id": run})
    world.call("ResumeFlowRun", {"id": run})
    session.propose(run, "RUNNING")
    world.call("SuspendFlowRun", {"id": run})
    told = world.call("ListFlowRunCommands", {"id": run}).commands
    assert [FlowRunCommandKind.Name(each.kind)[22:] for each in told] == ["PAUSE", "RESUME", "SUSPEND"]


def test_all_that_a_holder_is_told_has_its_kind() -> None:
    row = dict.fromkeys(("id", "flow_run_id", "session_id", "reason", "message"), "")
    times = {"stage": 0, "create_time": 0, "update_time": None}
    kinds = {command_message(SimpleNamespace(**row, **times, kind=tell.value)).kind for tell in Tell}
    assert kinds == set(FlowRunCommandKind.values()) - {0}


def test_places_and_consequences_are_explained_over_the_wire(world: World, attach: Attach) -> None:
    session = attach()
    run = session.create_flow_run()
    session.propose(run, "RUNNING")
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:x", "limit": 1}})
    holder, waiter = (session.create_task_run(run, tags=["x"]) for _ in range(2))
    for each in (holder, waiter):
        session.propose(each, "RUNNING", task=True)
    asked = {"proposal": {"transitionId": run, "taskRunId": waiter, "state": {"type": "STATE_TYPE_RUNNING"}}}
    verdict = world.call("ExplainTransition", {**asked, "asHolder": True}).verdict
    assert verdict.kind == 3
    assert verdict.findings[-1].facts["ahead in the queue of tag 'x'"] == "0"
    assert world.call("ExplainTransition", asked).verdict.findings[-1].rule == "HeldBySession"
    stopping = {"transitionId": holder, "flowRunId": run, "state": {"type": "STATE_TYPE_CANCELLING"}}
    told = world.call("ExplainTransition", {"proposal": stopping}).consequences
    assert told[0] == f"session {session.welcome.session_id} is told to stop"
