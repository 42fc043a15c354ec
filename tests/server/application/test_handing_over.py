"""Slots that come free go to those who wait: task runs and their tags, in the order of asking."""

from typing import Any

import pytest

from antiphon.v1 import state_pb2
from antiphon_server.application import proposals
from antiphon_server.application.edits import Delete
from antiphon_server.application.sessions import ExpireSessions, Frame, OpenSession, SpeakOnSession
from antiphon_server.domain.states import CANCELLED, COMPLETED, FAILED, RUNNING, VerdictKind
from antiphon_server.storage import tables
from limits import Limits, reclaim, speak
from writing import RETRY_ONCE, SECOND, TASK_RUN, Writing, new_id, propose

ACCEPT, REJECT, WAIT, ABORT = VerdictKind


class Tasks:
    """Task runs with a tag, each of a session of its own, named by letters."""

    def __init__(self, writing: Writing, *tags: str) -> None:
        self._writing = writing
        self._tags = list(tags)
        self.ids: dict[str, str] = {}

    def asks(self, name: str, **more: Any) -> VerdictKind:
        """A new task run asks to run; gives the verdict."""
        verdict = self._writing.do(self.asking(name, **more))
        return VerdictKind(verdict.kind)

    def asking(self, name: str, **more: Any) -> Any:
        body = {"tags": self._tags, "session_id": f"of {name}", **more}
        self.ids[name] = self._writing.task_run(None, **body)
        return speak(self.ids[name], RUNNING, by=body["session_id"])

    def ends(self, name: str) -> list[str]:
        """It completes; gives who is told to run because of that."""
        self._writing.propose(self.ids[name], COMPLETED, TASK_RUN, force=True)
        return self.told()

    def told(self, kind: VerdictKind = ACCEPT) -> list[str]:
        """Whose wait the last transaction ended."""
        assert self._writing.changes is not None
        final = self._writing.changes.final_verdicts
        assert [each.answer.kind for each in final] == [kind] * len(final)
        assert {each.sequence for each in final} <= {7}
        return [each.session_id.removeprefix("of ") for each in final]

    def running(self) -> set[str]:
        rows = {row.id: row.state_type for row in self._writing.rows(tables.task_runs)}
        return {name for name, id in self.ids.items() if rows.get(id) == RUNNING}


def test_first_come_first_served(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    assert [tasks.asks(name) for name in "abc"] == [ACCEPT, WAIT, WAIT]
    assert limits.holders(limit) == {tasks.ids["a"]}
    assert tasks.ends("a") == ["b"]
    assert (tasks.running(), limits.holders(limit)) == ({"b"}, {tasks.ids["b"]})
    assert writing.row(tables.task_runs, id=tasks.ids["b"]).session_id == "of b"
    assert tasks.ends("b") == ["c"]
    assert tasks.ends("c") == []
    assert (limits.holders(limit), limits.queued(limit), writing.rows(tables.waits)) == (set(), 0, [])


def test_a_higher_priority_is_served_first(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "db")
    for name, priority in (("a", 0), ("b", 0), ("c", 5), ("d", 5), ("e", -1)):
        tasks.asks(name, priority=priority)
    order = ["a"]
    while told := tasks.ends(order[-1]):
        order += told
    assert order == ["a", "c", "d", "b", "e"]


def test_the_verdict_of_a_wait_is_that_of_its_decision_and_is_remembered(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "db")
    tasks.asks("a")
    asking = tasks.asking("b")
    waits = writing.do(asking)
    assert (waits.kind, waits.findings[-1][0]) == (WAIT, "TakeTagSlots")
    assert dict(waits.findings[-1][3]) == {"tag 'db'": "1 of 1 slots taken"}
    assert waits.wait_until > writing.now
    assert writing.row(tables.waits).until_time is None, "only a slot ends it"
    tasks.ends("a")
    assert writing.changes is not None
    (told,) = writing.changes.final_verdicts
    final = told.answer
    assert (final.kind, final.state.name, final.run_count) == (ACCEPT, "Running", 1)
    assert writing.do(asking) == final, "who missed the push and asks again learns it"
    assert tasks.told() == []


def test_who_asks_again_while_it_waits_keeps_its_place(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "db")
    tasks.asks("a")
    first = tasks.asking("b")
    writing.do(first)
    tasks.asks("c")
    assert writing.do(first).kind is WAIT
    assert tasks.ends("a") == ["b"]


def test_a_message_that_ends_one_task_and_starts_another_overtakes_nobody(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    session = writing.do(OpenSession("test", 60 * SECOND)).id
    tasks = Tasks(writing, "db")
    assert tasks.asks("a", session_id=session) is ACCEPT
    assert tasks.asks("waiter") is WAIT
    completed = speak(tasks.ids["a"], COMPLETED, by=session)
    another = tasks.asking("b", session_id=session)
    spoken = writing.do(SpeakOnSession(session, 1, 60 * SECOND, [Frame(1, completed), Frame(2, another)]))
    assert [answer.kind for _, answer in spoken.answers] == [ACCEPT, WAIT]
    assert tasks.told() == ["waiter"]
    assert tasks.running() == {"waiter"}


def test_a_transaction_that_ends_one_task_and_starts_another_overtakes_nobody(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "db")
    for name in "ab":
        tasks.asks(name)
    ended = propose(tasks.ids["a"], COMPLETED, TASK_RUN, session_id="of a")
    answers = writing.together(ended, tasks.asking("c"))
    assert [answer.kind for answer in answers] == [ACCEPT, WAIT]
    assert tasks.told() == ["b"]


def test_a_limit_that_is_raised_lets_in_as_many(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    for name in "abcd":
        tasks.asks(name)
    limits.change(limit, slots=3)
    assert tasks.told() == ["b", "c"]
    assert tasks.running() == {"a", "b", "c"}


def test_a_limit_that_is_lowered_waits_until_enough_have_ended(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db", 2), Tasks(writing, "db")
    for name in "abcd":
        tasks.asks(name)
    limits.change(limit, slots=1)
    assert (tasks.told(), tasks.running()) == ([], {"a", "b"}), "what runs goes on"
    assert tasks.ends("a") == []
    assert tasks.ends("b") == ["c"]


def test_a_limit_of_nothing_turns_everybody_away(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    for name in "abc":
        tasks.asks(name)
    limits.change(limit, slots=0)
    assert (tasks.told(ABORT), tasks.running()) == (["b", "c"], {"a"})
    assert (limits.queued(limit), writing.rows(tables.waits)) == (0, [])
    assert tasks.asks("d") is ABORT


@pytest.mark.parametrize("how", ["deleted", "switched off"])
def test_a_limit_that_is_no_more_lets_everybody_in(writing: Writing, limits: Limits, how: str) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    for name in "abc":
        tasks.asks(name)
    if how == "deleted":
        limits.delete(limit)
    else:
        limits.change(limit, active=False)
    assert (tasks.told(), tasks.running()) == (["b", "c"], {"a", "b", "c"})
    assert limits.queued(limit) == 0
    assert tasks.ends("a") == []


def test_all_slots_are_taken_together_or_none(writing: Writing, limits: Limits) -> None:
    db, net = limits.tag("db"), limits.tag("net")
    holds, uses, both = Tasks(writing, "db"), Tasks(writing, "net"), Tasks(writing, "db", "net")
    holds.asks("a")
    uses.asks("b")
    assert both.asks("c") is WAIT
    assert (limits.queued(db), limits.queued(net)) == (1, 1)
    assert holds.ends("a") == []
    assert limits.holders(db) == set(), "who waits for another one holds none meanwhile"
    assert holds.asks("d") is ACCEPT, "nor keeps others from it"
    assert uses.ends("b") == []
    assert holds.ends("d") == ["c"]
    assert limits.holders(db) == limits.holders(net) == {both.ids["c"]}


def test_one_who_cannot_go_yet_holds_up_nobody_behind(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    limits.tag("net")
    holds, uses, both = Tasks(writing, "db"), Tasks(writing, "net"), Tasks(writing, "db", "net")
    holds.asks("a")
    uses.asks("b")
    both.asks("c")
    assert holds.asks("d") is WAIT
    assert holds.ends("a") == ["d"]
    assert uses.ends("b") == []
    assert holds.ends("d") == ["c"]


def test_whose_run_has_ended_meanwhile_gives_way(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "db")
    for name in "abc":
        tasks.asks(name)
    writing.propose(tasks.ids["b"], CANCELLED, TASK_RUN, force=True)
    writing.propose(tasks.ids["a"], COMPLETED, TASK_RUN, force=True)
    assert writing.changes is not None
    final = [(each.session_id, each.answer.kind) for each in writing.changes.final_verdicts]
    assert final == [("of b", ABORT), ("of c", ACCEPT)]


def test_what_is_deleted_neither_waits_nor_holds(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    for name in "abc":
        tasks.asks(name)
    writing.do(Delete("task run", tasks.ids["b"], ""))
    writing.do(Delete("task run", tasks.ids["a"], ""))
    assert tasks.told() == ["c"]
    assert (limits.holders(limit), limits.queued(limit)) == ({tasks.ids["c"]}, 0)


@pytest.mark.parametrize("lost", ["the holder", "a waiter"])
def test_a_session_that_is_lost_gives_way(writing: Writing, limits: Limits, lost: str) -> None:
    limits.tag("db")
    tasks, ttl = Tasks(writing, "db"), 60 * SECOND
    session = writing.do(OpenSession("test", ttl)).id
    names = ["gone", "b", "c"] if lost == "the holder" else ["b", "gone", "c"]
    for name in names:
        tasks.asks(name, **({"session_id": session} if name == "gone" else {}))
    writing.now += ttl + 1
    assert writing.do(ExpireSessions(writing.now)) == [session]
    assert tasks.told() == (["b"] if lost == "the holder" else [])
    assert tasks.ends("b") == ["c"]


def test_a_task_that_is_to_be_retried_gives_its_slot_back(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "db")
    assert tasks.asks("a", retry_policy=RETRY_ONCE) is ACCEPT
    tasks.asks("b")
    failed = writing.propose(tasks.ids["a"], FAILED, TASK_RUN, session_id="of a")
    assert (failed.kind, failed.state.name) == (REJECT, "AwaitingRetry")
    assert tasks.told() == ["b"]


def test_who_has_no_session_asks_again_and_stands_behind_those_who_wait(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    tasks.asks("a")
    task = writing.task_run(None, tags=["db"])
    asks = propose(task, RUNNING, TASK_RUN)
    before = writing.everything()
    assert writing.do(asks).kind is WAIT
    assert writing.everything() == before
    tasks.asks("b")
    assert tasks.ends("a") == ["b"]
    assert writing.do(asks).kind is WAIT
    tasks.ends("b")
    assert writing.do(asks).kind is ACCEPT
    assert limits.holders(limit) == {task}


def test_a_limit_that_decays_calls_the_next_when_its_time_has_come(writing: Writing, limits: Limits) -> None:
    limits.tag("api", 1, slot_decay_per_second=0.5)
    tasks = Tasks(writing, "api")
    assert [tasks.asks(name) for name in "abc"] == [ACCEPT, WAIT, WAIT]
    assert writing.changes is not None
    for name in "bc":
        writing.now += 2 * SECOND
        writing.do(reclaim())
        assert tasks.told() == [name]
        assert writing.changes.slot_expiry == writing.now + 2 * SECOND
    assert tasks.running() == {"a", "b", "c"}, "it bounds how many start, not how many run"


def test_force_takes_no_slot_and_gives_none_back(writing: Writing, limits: Limits) -> None:
    limit, tasks = limits.tag("db"), Tasks(writing, "db")
    tasks.asks("a")
    forced = writing.task_run(None, tags=["db"])
    assert writing.propose(forced, RUNNING, TASK_RUN, force=True).kind is ACCEPT
    tasks.asks("b")
    writing.propose(forced, COMPLETED, TASK_RUN)
    assert (tasks.told(), limits.holders(limit)) == ([], {tasks.ids["a"]})


def test_tags_without_a_limit_are_free(writing: Writing, limits: Limits) -> None:
    limits.tag("db")
    tasks = Tasks(writing, "other", new_id())
    assert [tasks.asks(name) for name in "abc"] == [ACCEPT] * 3
    assert writing.rows(tables.slots) == []


def test_who_is_decided_again_is_not_looked_at_again(
    writing: Writing, limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A big schema takes a second to check: the writer has no time for that."""
    limits.tag("db")
    holder, waiter = (writing.task_run(None, tags=["db"], session_id="s") for _ in range(2))
    details = state_pb2.StateDetails(input_schema="true")
    assert writing.do(speak(holder, RUNNING)).kind is VerdictKind.ACCEPT
    assert writing.do(speak(waiter, RUNNING, details=details)).kind is VerdictKind.WAIT
    monkeypatch.setattr(proposals, "check_schema", lambda *_: pytest.fail("it was checked when it came"))
    writing.do(speak(holder, COMPLETED))
    assert writing.row(tables.task_runs, id=waiter).state_type == RUNNING
