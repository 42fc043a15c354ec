"""What rules look at is loaded for a whole batch together: more proposals take no more reads."""

from collections.abc import Callable
from typing import Any

import pytest

from antiphon_server.domain.model import StateDetails
from antiphon_server.domain.states import COMPLETED, FAILED, PENDING, RUNNING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from limits import Limits
from writing import FLOW_RUN, RETRY_ONCE, TASK_RUN, Writing, new_id, propose, task_run

Make = Callable[[Writing, Limits], Any]


def tagged(writing: Writing, limits: Limits) -> Any:
    tag = new_id()
    limits.tag(tag)
    return propose(writing.task_run(None, tags=[tag]), RUNNING, TASK_RUN)


def ending(writing: Writing, limits: Limits) -> Any:
    asked = tagged(writing, limits)
    writing.do(asked)
    return propose(asked.proposal.run_id, COMPLETED, TASK_RUN)


def cached(writing: Writing, limits: Limits) -> Any:
    key = StateDetails(cache_key=new_id())
    writing.propose(writing.task_run(None), COMPLETED, TASK_RUN, details=key)
    return propose(writing.task_run(None), RUNNING, TASK_RUN, details=key)


def inner(writing: Writing, limits: Limits) -> Any:
    around = writing.flow_run()
    writing.propose(around, RUNNING)
    return propose(writing.task_run(around), RUNNING, TASK_RUN)


def deployed(writing: Writing, limits: Limits, **more: Any) -> Any:
    run = writing.flow_run(deployment_id=limits.deployment(1), **more)
    writing.propose(run, SCHEDULED)
    return propose(run, PENDING)


def claimed(writing: Writing, limits: Limits) -> Any:
    run = deployed(writing, limits, work_queue_id=limits.queue(1)).proposal.run_id
    return propose(run, PENDING, claim=True)


def retried(writing: Writing, limits: Limits) -> Any:
    run = deployed(writing, limits, retry_policy=RETRY_ONCE).proposal.run_id
    writing.propose(run, RUNNING)
    return propose(run, FAILED, FLOW_RUN)


def reads(writing: Writing, statements: list[str], operations: list[Any]) -> int:
    statements.clear()
    answers = writing.together(*operations)
    kinds = {answer.kind for answer in answers}
    assert len(kinds) == 1
    assert kinds <= {VerdictKind.ACCEPT, VerdictKind.REJECT}
    return len([each for each in statements if each.lstrip().startswith("SELECT")])


@pytest.mark.parametrize("make", [tagged, inner, deployed, claimed, retried], ids=lambda make: make.__name__)
def test_many_proposals_take_no_more_reads_than_one(
    writing: Writing, limits: Limits, statements: list[str], make: Make
) -> None:
    one = reads(writing, statements, [make(writing, limits)])
    assert reads(writing, statements, [make(writing, limits) for _ in range(20)]) == one


def test_slots_that_are_given_back_take_one_read_each_for_who_waits(
    writing: Writing, limits: Limits, statements: list[str]
) -> None:
    one = reads(writing, statements, [ending(writing, limits)])
    assert reads(writing, statements, [ending(writing, limits) for _ in range(20)]) == one + 19


def test_cached_results_take_one_read_for_each_that_is_handed_out(
    writing: Writing, limits: Limits, statements: list[str]
) -> None:
    one = reads(writing, statements, [cached(writing, limits)])
    assert reads(writing, statements, [cached(writing, limits) for _ in range(20)]) == one + 19


def test_a_run_that_the_batch_makes_is_bound_as_well(writing: Writing, limits: Limits) -> None:
    """It was not there when the batch was loaded."""
    limit = limits.tag("db", 1)
    runs = [new_id(), new_id()]
    answers = writing.together(
        *(task_run(None, run, tags=["db"]) for run in runs), *(propose(run, RUNNING, TASK_RUN) for run in runs)
    )
    assert [answer.kind for answer in answers[2:]] == [VerdictKind.ACCEPT, VerdictKind.WAIT]
    assert limits.holders(limit) == {runs[0]}
    assert writing.row(tables.task_runs, id=runs[0]).holds_slots
