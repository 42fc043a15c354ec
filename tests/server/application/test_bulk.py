"""Long-running operations, a chunk at a time, each in a transaction of its own."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from antiphon.v1 import state_pb2
from antiphon_server.application import bulk, listings
from antiphon_server.application.bulk import (
    CHUNK,
    GROUP,
    MEMORY,
    MOST_FAILURES,
    CancelBulk,
    FailBulk,
    ForgetBulks,
    RunChunk,
    RunningBulks,
    StartBulk,
)
from antiphon_server.application.bulk_verbs import transition_of
from antiphon_server.application.edits import Delete
from antiphon_server.application.handing_over import hand_over_freed
from antiphon_server.domain.bulk import BulkState, BulkVerb
from antiphon_server.domain.errors import FailedPrecondition, Internal, InvalidArgument, NotFound
from antiphon_server.domain.filters import parse_filter
from antiphon_server.domain.states import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    FAILED,
    PENDING,
    RUNNING,
    SCHEDULED,
    StateType,
    VerdictKind,
)
from antiphon_server.storage import tables
from antiphon_server.storage.writer import Outcome, Writer
from writing import RETRY_ONCE, Writing, flow_run, new_id, propose

Keys = Sequence[tuple[int, str]]


def start(writing: Writing, verb: BulkVerb, filter: str = "", **more: Any) -> str:
    return str(writing.do(StartBulk(new_id(), verb, filter, more.pop("total", 0), **more)))


def state_bytes(type_: StateType, **fields: Any) -> bytes:
    return state_pb2.State(type=int(type_), **fields).SerializeToString()  # type: ignore[arg-type]


def keys_of(writing: Writing, *run_ids: str) -> Keys:
    """The keys of runs, in order; of all runs where none is named."""
    rows = writing.rows(tables.flow_runs)
    return sorted((row.create_time, row.id) for row in rows if not run_ids or row.id in run_ids)


def chunk(writing: Writing, id: str, keys: Keys, *, last: bool = True, **more: Any) -> RunChunk:
    """The next chunk of an operation."""
    row = writing.row(tables.operations, id=id)
    after = (row.cursor_time, row.cursor_id) if row.cursor_id is not None else None
    return RunChunk(id, after, keys, parse_filter(row.filter, listings.FLOW_RUNS.filters), last, **more)


def run(writing: Writing, id: str, keys: Keys | None = None) -> Any:
    """Works through it in one chunk, whatever the time; gives its row."""
    goes_on = writing.do(chunk(writing, id, keys_of(writing) if keys is None else keys))
    assert goes_on is False
    return writing.row(tables.operations, id=id)


def counts(row: Any) -> tuple[int, int, int]:
    return row.succeeded_count, row.failed_count, row.skipped_count


def state_of(writing: Writing, run_id: str) -> Any:
    return writing.row(tables.flow_runs, id=run_id).state_name


@pytest.fixture(autouse=True)
def no_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not cut the chunks of a test."""
    monkeypatch.setattr(bulk, "BUDGET", 3600.0)


def test_it_is_stored_as_it_was_asked_for(writing: Writing) -> None:
    id = start(writing, BulkVerb.CANCEL, "name = x", total=7, reason="enough")
    row = writing.row(tables.operations)
    assert (row.id, row.verb, row.filter, row.reason, row.state) == (id, 1, "name = x", "enough", BulkState.RUNNING)
    assert (row.total_count, *counts(row), row.create_time, row.end_time) == (7, 0, 0, 0, writing.now, None)
    assert writing.changes is not None
    assert writing.changes.operations == [id]
    assert writing.do(RunningBulks()) == [id]


def test_cancel_asks_holders_ends_what_nobody_runs_and_passes_over_what_has_ended(writing: Writing) -> None:
    free, held, asked, ended = (writing.flow_run(session_id=holder) for holder in (None, "s", "t", None))
    writing.propose(free, SCHEDULED)
    for each in (held, asked):
        writing.propose(each, RUNNING, session_id="s" if each == held else "t")
    writing.propose(asked, CANCELLING)
    writing.propose(ended, COMPLETED)
    row = run(writing, start(writing, BulkVerb.CANCEL, reason="enough"))
    assert (row.state, counts(row), row.end_time) == (BulkState.SUCCEEDED, (2, 0, 2), writing.now)
    assert [state_of(writing, each) for each in (free, held, asked, ended)] == [
        "Cancelled",
        "Cancelling",
        "Cancelling",
        "Completed",
    ]
    assert writing.row(tables.transitions, id=transition_of(row.id, free)).message == "enough"
    assert writing.changes is not None
    assert [(each["session_id"], each["kind"], each["reason"]) for each in writing.changes.commands] == [
        ("s", "cancel_run", "enough")
    ]


def test_delete_takes_all_that_belongs_to_a_run(writing: Writing) -> None:
    kept, *gone = (writing.flow_run(name=name) for name in ("kept", "a", "b"))
    for each in (kept, *gone):
        writing.task_run(each)
        writing.propose(each, RUNNING, session_id="s")
    row = run(writing, start(writing, BulkVerb.DELETE, "name != kept"))
    assert counts(row) == (2, 0, 0)
    assert [each.id for each in writing.rows(tables.flow_runs)] == [kept]
    assert [each.flow_run_id for each in writing.rows(tables.task_runs)] == [kept]
    assert [each.run_id for each in writing.rows(tables.transitions)] == [kept]
    assert writing.changes is not None
    assert sorted(each["flow_run_id"] for each in writing.changes.commands) == sorted(gone)


def test_retry_asks_the_policy_and_is_told_why_not(writing: Writing) -> None:
    failed, running = writing.flow_run(), writing.flow_run()
    writing.propose(failed, FAILED)
    writing.propose(running, RUNNING)
    row = run(writing, start(writing, BulkVerb.RETRY))
    assert (row.state, counts(row)) == (BulkState.SUCCEEDED, (0, 1, 1))
    ((run_id, reason, message),) = json.loads(row.failures)
    assert (run_id, reason) == (failed, "RerunAfterEnd")
    assert "has no deployment" in message
    assert [state_of(writing, each) for each in (failed, running)] == ["Failed", "Running"]
    asked = writing.row(tables.transitions, id=transition_of(row.id, failed))
    assert (asked.verdict, asked.wrote_state) == (VerdictKind.ABORT, False)


def test_set_state_proposes_what_it_was_given(writing: Writing) -> None:
    runs = [writing.flow_run() for _ in range(3)]
    writing.propose(runs[2], COMPLETED, data=b"kept")
    state = state_bytes(SCHEDULED, name="Late", message="by hand")
    row = run(writing, start(writing, BulkVerb.SET_STATE, proposed_state=state))
    assert counts(row) == (2, 1, 0)
    assert [state_of(writing, each) for each in runs] == ["Late", "Late", "Completed"]
    for each in runs[:2]:
        written = writing.row(tables.transitions, id=transition_of(row.id, each))
        assert (written.message, written.create_time) == ("by hand", writing.now)
        # Each has its own: the rule that puts a time must not write into that of another run.
        assert writing.row(tables.flow_runs, id=each).next_scheduled_start_time == writing.now


def test_set_state_by_force_passes_rules_by(writing: Writing) -> None:
    done = writing.flow_run()
    writing.propose(done, CANCELLED)
    state = state_bytes(PENDING)
    refused = run(writing, start(writing, BulkVerb.SET_STATE, proposed_state=state))
    assert (counts(refused), json.loads(refused.failures)[0][1]) == ((0, 1, 0), "LawfulMove")
    forced = run(writing, start(writing, BulkVerb.SET_STATE, proposed_state=state, force=True))
    assert counts(forced) == (1, 0, 0)
    assert state_of(writing, done) == "Pending"


@pytest.mark.parametrize(
    ("origin", "type_", "outcome", "state"),
    [
        (SCHEDULED, CANCELLING, (1, 0, 0), "Cancelled"),  # A REJECT, and yet what was wanted.
        (RUNNING, FAILED, (0, 1, 0), "AwaitingRetry"),  # A REJECT that leaves the run elsewhere.
    ],
)
def test_a_verdict_that_leaves_a_run_elsewhere_is_a_failure(
    writing: Writing, origin: StateType, type_: StateType, outcome: tuple[int, int, int], state: str
) -> None:
    from_policy = writing.flow_run(retry_policy=RETRY_ONCE)
    writing.propose(from_policy, origin)
    row = run(writing, start(writing, BulkVerb.SET_STATE, proposed_state=state_bytes(type_)))
    assert (counts(row), state_of(writing, from_policy)) == (outcome, state)


def test_a_verdict_to_wait_is_a_failure(writing: Writing) -> None:
    due = writing.flow_run()
    writing.propose(due, SCHEDULED, due=writing.now + 3600 * 1_000_000)
    row = run(writing, start(writing, BulkVerb.SET_STATE, proposed_state=state_bytes(RUNNING)))
    assert (counts(row), json.loads(row.failures)[0][:2]) == ((0, 1, 0), [due, "WaitForScheduledTime"])
    assert writing.rows(tables.waits) == []


def test_one_runs_error_is_its_own(writing: Writing) -> None:
    first, clash, last = (writing.flow_run() for _ in range(3))
    id = start(writing, BulkVerb.CANCEL)
    writing.propose(clash, PENDING, id=transition_of(id, clash))
    row = run(writing, id)
    assert (row.state, counts(row)) == (BulkState.SUCCEEDED, (2, 1, 0))
    assert json.loads(row.failures)[0][:2] == [clash, "TRANSITION_ID_REUSED"]
    assert [state_of(writing, each) for each in (first, clash, last)] == ["Cancelled", "Pending", "Cancelled"]


def test_failures_are_counted_all_and_told_in_part(writing: Writing) -> None:
    for _ in range(MOST_FAILURES + 5):
        writing.propose(writing.flow_run(), FAILED)
    id, keys = start(writing, BulkVerb.RETRY), keys_of(writing)
    assert writing.do(chunk(writing, id, keys[:10], last=False)) is True
    row = run(writing, id, keys[10:])
    assert row.failed_count == MOST_FAILURES + 5
    assert [run_id for run_id, *_ in json.loads(row.failures)] == [run_id for _, run_id in keys[:MOST_FAILURES]]


def test_progress_and_runs_are_of_one_transaction(writing: Writing) -> None:
    for _ in range(3):
        writing.flow_run()
    id, keys = start(writing, BulkVerb.CANCEL, total=3), keys_of(writing)

    class Bug:
        def needs(self, needs: Any) -> None: ...

        def apply(self, working_set: Any) -> None:
            raise ValueError("a bug in the same transaction")

    # The transaction is undone, then each has one of its own: so the chunk is done once.
    first = chunk(writing, id, keys[:2], last=False)
    outcomes: list[Outcome] = []
    writer = Writer(writing.engine, lambda: writing.now, outcomes.append, hand_over_freed)
    for operation in (Bug(), first, first):
        writer.submit(operation, lambda answer: None)
    writer.start()
    writer.stop()
    bug, *answers = (answer for outcome in outcomes for _, answer in outcome.answers)
    assert (type(bug), answers) == (ValueError, [True, True])
    row = writing.row(tables.operations)
    assert (counts(row), (row.cursor_time, row.cursor_id)) == ((2, 0, 0), keys[1])


def test_a_chunk_that_is_done_again_changes_nothing(writing: Writing) -> None:
    for _ in range(4):
        writing.flow_run()
    id, keys = start(writing, BulkVerb.SET_STATE, proposed_state=state_bytes(SCHEDULED)), keys_of(writing)
    again = chunk(writing, id, keys[:2], last=False)
    assert writing.together(again, again) == [True, True]
    before = writing.everything()
    assert writing.do(again) is True
    assert writing.everything() == before
    run(writing, id, keys[2:])
    before = writing.everything()
    assert writing.do(again) is False
    assert writing.everything() == before


def test_what_matches_no_more_is_passed_over(writing: Writing) -> None:
    stays, moved, deleted = (writing.flow_run() for _ in range(3))
    for each in (stays, moved, deleted):
        writing.propose(each, RUNNING)
    id = start(writing, BulkVerb.CANCEL, "state.type = RUNNING", total=3)
    found = chunk(writing, id, keys_of(writing))
    # In the very transaction of the chunk, and not yet written when its turn comes.
    assert writing.together(propose(moved, COMPLETED), Delete("flow run", deleted, ""), found)[-1] is False
    row = writing.row(tables.operations)
    assert (counts(row), row.total_count) == ((1, 0, 0), 1)
    assert [state_of(writing, each) for each in (stays, moved)] == ["Cancelling", "Completed"]


@pytest.mark.parametrize("filter", ['flow_name = "other"', 'flow_name = "other" AND state.name = Running', "tags:t"])
def test_any_filter_of_lists_says_which(writing: Writing, filter: str) -> None:
    runs = [writing.flow_run(flow_name=name, tags=tags) for name, tags in (("flow", []), ("other", ["t"]))]
    for each in runs:
        writing.propose(each, RUNNING)
    assert counts(run(writing, start(writing, BulkVerb.CANCEL, filter))) == (1, 0, 0)
    assert [state_of(writing, each) for each in runs] == ["Running", "Cancelling"]


def test_a_chunk_ends_when_its_time_is_over(writing: Writing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BUDGET", 0.0)
    for _ in range(GROUP + 3):
        writing.flow_run()
    id, keys = start(writing, BulkVerb.CANCEL), keys_of(writing)
    assert writing.do(chunk(writing, id, keys)) is True
    row = writing.row(tables.operations)
    assert (counts(row), (row.cursor_time, row.cursor_id)) == ((GROUP, 0, 0), keys[GROUP - 1])
    assert counts(run(writing, id, keys[GROUP:])) == (GROUP + 3, 0, 0)


def test_the_total_is_never_less_than_what_is_done(writing: Writing) -> None:
    for _ in range(3):
        writing.flow_run()
    id, keys = start(writing, BulkVerb.CANCEL, total=1), keys_of(writing)
    writing.do(chunk(writing, id, keys[:2], last=False))
    assert writing.row(tables.operations).total_count == 2
    assert run(writing, id, keys[2:]).total_count == 3


def test_what_is_cancelled_changes_nothing_more(writing: Writing) -> None:
    for _ in range(4):
        writing.flow_run()
    id, keys = start(writing, BulkVerb.CANCEL, total=4), keys_of(writing)
    writing.do(chunk(writing, id, keys[:2], last=False))
    rest = chunk(writing, id, keys[2:])
    writing.now += 5
    assert writing.together(CancelBulk(id), rest) == [None, False]
    row = writing.row(tables.operations)
    assert (row.state, counts(row), row.end_time, row.total_count) == (BulkState.CANCELLED, (2, 0, 0), writing.now, 4)
    assert [state_of(writing, run_id) for _, run_id in keys] == ["Cancelled"] * 2 + [None] * 2
    writing.do(CancelBulk(id))
    assert writing.row(tables.operations) == row
    assert writing.do(RunningBulks()) == []


def test_what_has_ended_cannot_be_cancelled(writing: Writing) -> None:
    id = start(writing, BulkVerb.CANCEL)
    run(writing, id)
    with pytest.raises(FailedPrecondition) as refused:
        writing.do(CancelBulk(id))
    assert refused.value.reason == "OPERATION_DONE"
    with pytest.raises(NotFound) as unknown:
        writing.do(CancelBulk(new_id()))
    assert unknown.value.reason == "OPERATION_NOT_FOUND"


def test_what_cannot_go_on_fails_and_says_why(writing: Writing) -> None:
    id = start(writing, BulkVerb.CANCEL)
    writing.do(FailBulk(id, InvalidArgument("FILTER_INVALID", "this release has no field `size`")))
    row = writing.row(tables.operations)
    assert (row.state, row.end_time) == (BulkState.FAILED, writing.now)
    assert json.loads(row.error) == ["InvalidArgument", "FILTER_INVALID", "this release has no field `size`"]
    writing.now += 1
    writing.do(FailBulk(id, Internal("INTERNAL", "another")))
    assert writing.row(tables.operations) == row


def test_runs_that_cannot_be_handled_count_as_failed(writing: Writing) -> None:
    runs = [writing.flow_run() for _ in range(2)]
    id, keys = start(writing, BulkVerb.CANCEL), keys_of(writing)
    writing.do(chunk(writing, id, keys[:1], last=False, broken=Internal("INTERNAL", "a bug")))
    row = run(writing, id, keys[1:])
    assert (counts(row), json.loads(row.failures)) == ((1, 1, 0), [[runs[0], "INTERNAL", "a bug"]])
    assert state_of(writing, runs[0]) is None


def test_operations_are_forgotten_a_week_after_their_end(writing: Writing) -> None:
    ended, stopped, running = (start(writing, BulkVerb.CANCEL) for _ in range(3))
    run(writing, ended)
    writing.now += 10
    writing.do(CancelBulk(stopped))
    writing.now += MEMORY - 9
    assert writing.do(ForgetBulks()) is False
    assert {row.id for row in writing.rows(tables.operations)} == {stopped, running}
    writing.now += 10 * MEMORY
    writing.do(ForgetBulks())
    assert {row.id for row in writing.rows(tables.operations)} == {running}


def test_a_chunk_asks_for_its_rows_at_once(writing: Writing, statements: list[str]) -> None:
    writing.together(*(flow_run() for _ in range(CHUNK)))
    found = chunk(writing, start(writing, BulkVerb.CANCEL), keys_of(writing))
    statements.clear()
    writing.do(found)
    assert counts(writing.row(tables.operations)) == (CHUNK, 0, 0)
    reads = [each for each in statements if each.startswith("SELECT")]
    assert len(reads) <= 10, reads
