"""What only who asks wants to know: places in queues, what the holder would be told, what would follow."""

from typing import Any

import pytest

from antiphon_server.application.explaining import ExplainTransition, Explanation
from antiphon_server.application.limits import CreateConcurrencyLimit
from antiphon_server.application.operations import ProposeOnSession
from antiphon_server.domain.states import CANCELLING, FAILED, PENDING, RUNNING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from writing import FLOW_RUN, RETRY_ONCE, SECOND, START, TASK_RUN, Writing, new_deployment, proposal

ACCEPT, REJECT, WAIT, ABORT = VerdictKind


def explain(writing: Writing, run: str, type_: Any, kind: Any = FLOW_RUN, **body: Any) -> Explanation:
    as_holder = body.pop("as_holder", False)
    before = writing.everything()
    explanation: Explanation = writing.do(ExplainTransition(proposal(run, type_, kind, **body), as_holder))
    assert writing.everything() == before
    return explanation


def facts(explanation: Explanation) -> dict[str, str]:
    """Of the finding that decided."""
    return dict(explanation.verdict.findings[-1][3])


class Crowd:
    """Task runs of one session that want the one slot of the tag x."""

    def __init__(self, writing: Writing) -> None:
        self.writing = writing
        writing.do(CreateConcurrencyLimit("tag:x", 1, True, 0.0))
        self.flow_run = writing.flow_run(session_id="s")
        writing.propose(self.flow_run, RUNNING, session_id="s")

    def task(self, **body: Any) -> str:
        return self.writing.task_run(self.flow_run, **{"tags": ["x"], "session_id": "s", **body})

    def ask(self, run: str) -> VerdictKind:
        """Asks for RUNNING on the session, a second after the one before."""
        self.writing.now += SECOND
        asked = proposal(run, RUNNING, TASK_RUN, session_id="s")
        kind: VerdictKind = self.writing.do(ProposeOnSession(asked, 1, b"")).kind
        return kind

    def place(self, run: str) -> dict[str, str]:
        explanation = explain(self.writing, run, RUNNING, TASK_RUN, as_holder=True)
        assert explanation.verdict.kind is WAIT
        assert explanation.consequences == ()
        return facts(explanation)


@pytest.fixture
def crowd(writing: Writing) -> Crowd:
    return Crowd(writing)


def test_who_waits_for_slots_learns_its_place_and_since_when(crowd: Crowd) -> None:
    holder, first, second, urgent, late = crowd.task(), crowd.task(), crowd.task(), crowd.task(priority=1), crowd.task()
    assert [crowd.ask(run) for run in (holder, first, second, urgent)] == [ACCEPT, WAIT, WAIT, WAIT]
    taken = {"tag 'x'": "1 of 1 slots taken"}
    ahead, since = "ahead in the queue of tag 'x'", "in the queue of tag 'x' since"
    assert crowd.place(urgent) == {**taken, ahead: "0", since: "2027-01-15T08:00:04Z"}
    assert crowd.place(first) == {**taken, ahead: "1", since: "2027-01-15T08:00:02Z"}
    assert crowd.place(second) == {**taken, ahead: "2", since: "2027-01-15T08:00:03Z"}
    assert crowd.place(late) == {**taken, ahead: "3"}, "it has not asked, so it is in no queue"
    assert crowd.place(crowd.task(priority=1)) == {**taken, ahead: "1"}


def test_only_limits_that_are_full_have_a_queue_to_tell_of(crowd: Crowd) -> None:
    crowd.writing.do(CreateConcurrencyLimit("tag:y", 5, True, 0.0))
    crowd.ask(crowd.task())
    run = crowd.task(tags=["x", "y"])
    crowd.ask(run)
    told = crowd.place(run)
    assert told["tag 'y'"] == "0 of 5 slots taken"
    assert "ahead in the queue of tag 'y'" not in told


def test_of_several_proposals_the_foremost_counts(crowd: Crowd) -> None:
    run = crowd.task()
    for asks in (crowd.task(), run, crowd.task(), run):
        crowd.ask(asks)
    assert crowd.place(run)["ahead in the queue of tag 'x'"] == "0"


def queued(writing: Writing, *, waiters: int) -> list[str]:
    """Runs of a deployment with one slot that is taken; they were asked for without a session."""
    id = writing.do(new_deployment("nightly"))
    holder, *runs = [writing.flow_run(deployment_id=id) for _ in range(waiters + 1)]
    writing.propose(holder, PENDING)
    for run in runs:
        writing.now += SECOND
        assert writing.propose(run, PENDING).state.name == "AwaitingConcurrencySlot"
    return [id, *runs]


def test_a_run_that_awaits_a_slot_learns_its_place(writing: Writing) -> None:
    _deployment, first, second = queued(writing, waiters=2)
    ahead, since = (f"{words} the queue of deployment 'nightly'" for words in ("ahead in", "in"))
    told = explain(writing, second, PENDING)
    assert (told.verdict.kind, facts(told)[ahead], facts(told)[f"{since} since"]) == (
        REJECT,
        "1",
        "2027-01-15T08:00:02Z",
    )
    assert facts(explain(writing, first, PENDING))[ahead] == "0"
    # That its own time has not come decides here, and its place is told all the same.
    by_hand = explain(writing, second, RUNNING)
    assert (by_hand.verdict.findings[-1][0], facts(by_hand)[ahead]) == ("WaitForScheduledTime", "1")
    assert writing.row(tables.flow_runs, id=second).state_name == "AwaitingConcurrencySlot"


def test_who_would_be_queued_learns_what_it_would_find(writing: Writing) -> None:
    deployment, *_ = queued(writing, waiters=2)
    run = writing.flow_run(deployment_id=deployment)
    told = explain(writing, run, PENDING)
    assert facts(told)["ahead in the queue of deployment 'nightly'"] == "2"
    assert "in the queue of deployment 'nightly' since" not in facts(told)
    assert told.consequences[0] == "it stands in the queue of deployment 'nightly'"


def test_a_plain_refusal_has_no_places(writing: Writing) -> None:
    run = writing.flow_run(session_id="s")
    told = explain(writing, run, RUNNING)
    assert (told.verdict.kind, facts(told), told.consequences) == (ABORT, {}, ())


def test_the_holder_is_answered_where_others_are_told_that_it_is_not_theirs(writing: Writing) -> None:
    run = writing.flow_run(session_id="s")
    assert explain(writing, run, RUNNING).verdict.findings[-1][0] == "HeldBySession"
    assert explain(writing, run, RUNNING, as_holder=True).verdict.kind is ACCEPT
    free = writing.flow_run()
    assert explain(writing, free, RUNNING, as_holder=True).verdict.kind is ACCEPT, "nobody holds it"


def test_what_would_follow_is_told(writing: Writing) -> None:
    writing.do(CreateConcurrencyLimit("tag:x", 3, True, 0.0))
    run = writing.flow_run(session_id="s", retry_policy=RETRY_ONCE)
    writing.propose(run, SCHEDULED, due=START + 60 * SECOND, session_id="s")
    assert explain(writing, run, PENDING, as_holder=True).consequences == (
        "it is scheduled for 2027-01-15T08:01:00Z",
    ), "the time is kept; a session's claim needs no deadline"
    writing.now += 60 * SECOND
    writing.propose(run, RUNNING, session_id="s")
    writing.now += 10 * SECOND
    task = writing.task_run(run, tags=["x"], session_id="s")
    assert explain(writing, task, RUNNING, TASK_RUN, as_holder=True).consequences == (
        "it takes a slot of tag 'x' (1 of 3 then taken)",
    )
    assert explain(writing, run, CANCELLING).consequences == (
        "session s is told to stop",
        "its subflows are told to stop, and task runs that nobody works on are ended",
        "whoever has it must confirm that it stopped by 2027-01-15T08:06:10Z",
    )
    failed = explain(writing, run, FAILED, as_holder=True)
    assert failed.consequences == ("it is scheduled for 2027-01-15T08:01:20Z",)
