"""Results that are handed out instead of being computed again."""

from typing import Any

from antiphon_server.application.edits import Delete
from antiphon_server.application.explaining import ExplainTransition
from antiphon_server.domain.model import StateDetails
from antiphon_server.domain.states import COMPLETED, FAILED, RUNNING, VerdictKind
from antiphon_server.storage import tables
from antiphon_server.storage.records import decode_details
from writing import RETRY_ONCE, SECOND, START, TASK_RUN, Writing, new_id, proposal, propose, task_run

ACCEPT, REJECT = VerdictKind.ACCEPT, VerdictKind.REJECT


def made(writing: Writing, data: bytes = b"result", key: str = "k", expires: int | None = None) -> str:
    """A task run that completes and keeps its result under a key."""
    run = writing.task_run(None)
    writing.propose(run, RUNNING, TASK_RUN)
    details = StateDetails(cache_key=key, cache_expire_time=expires)
    writing.propose(run, COMPLETED, TASK_RUN, data=data, message=f"by {run}", details=details)
    return run


def asks(run: str, key: str = "k", **details: Any) -> Any:
    return propose(run, RUNNING, TASK_RUN, details=StateDetails(cache_key=key, **details))


def run_anew(writing: Writing, key: str = "k", **details: Any) -> Any:
    return writing.do(asks(writing.task_run(None), key, **details))


def test_who_names_the_key_gets_the_result(writing: Writing) -> None:
    maker = made(writing)
    run = writing.task_run(None)
    asking = asks(run)
    verdict = writing.do(asking)
    assert (verdict.kind, verdict.state.type, verdict.state.name) == (REJECT, COMPLETED, "Cached")
    assert (verdict.state.data, verdict.state.message) == (b"result", f"by {maker}")
    row = writing.row(tables.task_runs, id=run)
    assert (row.state_name, row.state_has_data, row.run_count, row.end_time) == ("Cached", True, 0, START)
    entered = writing.row(tables.transitions, id=row.state_id)
    details = decode_details(entered.details)
    assert details is not None
    assert (entered.data, details.cache_key) == (b"result", "k")
    assert writing.do(asking) == verdict
    assert len(writing.rows(tables.cache_entries)) == 1, "what was handed out is not kept a second time"


def test_another_key_or_none_is_computed(writing: Writing) -> None:
    made(writing)
    assert run_anew(writing, "another").kind is ACCEPT
    assert writing.propose(writing.task_run(None), RUNNING, TASK_RUN).kind is ACCEPT


def test_a_result_is_handed_out_until_it_expires(writing: Writing) -> None:
    made(writing, expires=START + 10 * SECOND)
    writing.now += 10 * SECOND - 1
    assert run_anew(writing).kind is REJECT
    writing.now += 1
    assert run_anew(writing).kind is ACCEPT


def test_who_refreshes_computes_and_its_result_counts_from_then_on(writing: Writing) -> None:
    made(writing, b"old")
    run = writing.task_run(None)
    assert writing.do(asks(run, refresh_cache=True)).kind is ACCEPT
    writing.now += SECOND
    writing.propose(run, COMPLETED, TASK_RUN, data=b"new", details=StateDetails(cache_key="k"))
    assert run_anew(writing).state.data == b"new"


def test_an_older_result_counts_again_when_the_newest_has_expired(writing: Writing) -> None:
    made(writing, b"old")
    writing.now += SECOND
    made(writing, b"new", expires=writing.now + SECOND)
    assert run_anew(writing).state.data == b"new"
    writing.now += SECOND
    assert run_anew(writing).state.data == b"old"


def test_what_was_deleted_is_not_handed_out(writing: Writing) -> None:
    made(writing, b"old")
    writing.now += SECOND
    newest = made(writing, b"new")
    writing.do(Delete("task run", newest, ""))
    assert run_anew(writing).state.data == b"old"


def test_what_is_deleted_in_the_same_transaction_is_not_handed_out(writing: Writing) -> None:
    maker, runs = made(writing), [writing.task_run(None) for _ in range(2)]
    before, _, after = writing.together(asks(runs[0]), Delete("task run", maker, ""), asks(runs[1]))
    assert (before.kind, after.kind) == (REJECT, ACCEPT)


def test_a_result_counts_in_the_transaction_that_makes_it(writing: Writing) -> None:
    maker, run = new_id(), new_id()
    details = StateDetails(cache_key="k")
    answers = writing.together(
        task_run(None, maker),
        propose(maker, RUNNING, TASK_RUN, details=details),
        propose(maker, COMPLETED, TASK_RUN, data=b"result", details=details),
        task_run(None, run),
        asks(run),
    )
    assert [answer.kind for answer in (answers[1], answers[2], answers[4])] == [ACCEPT, ACCEPT, REJECT]
    assert answers[4].state.data == b"result"


def test_only_a_completed_run_is_kept(writing: Writing) -> None:
    run = writing.task_run(None, retry_policy=RETRY_ONCE)
    writing.do(asks(run))
    details = StateDetails(cache_key="k")
    for _ in range(2):
        writing.propose(run, FAILED, TASK_RUN, data=b"error", details=details)
        writing.now += 20 * SECOND
        writing.propose(run, RUNNING, TASK_RUN)
    assert writing.rows(tables.cache_entries) == []


def test_a_key_that_is_too_long_costs_nobody_the_result(writing: Writing) -> None:
    key = "k" * 2001
    run = made(writing, key=key)
    assert writing.row(tables.task_runs, id=run).state_name == "Completed"
    assert run_anew(writing, key).kind is ACCEPT


def test_to_explain_shows_what_is_known(writing: Writing) -> None:
    made(writing)
    run = writing.task_run(None)
    before = writing.everything()
    asked = proposal(run, RUNNING, TASK_RUN, details=StateDetails(cache_key="k"))
    verdict = writing.do(ExplainTransition(asked)).verdict
    assert (verdict.kind, verdict.state.name, verdict.state.data) == (REJECT, "Cached", b"result")
    assert writing.everything() == before
