"""What would be decided is what is decided, whichever rule has the last word; and nothing is written."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from antiphon_server.application.explaining import ExplainTransition
from antiphon_server.domain.model import Proposal, StateDetails
from antiphon_server.domain.states import (
    CANCELLING,
    COMPLETED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    SCHEDULED,
)
from limits import Limits
from writing import FLOW_RUN, RETRY_ONCE, SECOND, TASK_RUN, Writing, proposal

Asked = Callable[[Writing, Limits], Proposal]
KEY = StateDetails(cache_key="k")


def run_again(writing: Writing, _: Limits) -> Proposal:
    task = writing.task_run(None)
    for type_ in (RUNNING, FAILED):
        writing.propose(task, type_, TASK_RUN)
    return proposal(task, RUNNING, TASK_RUN)


def known_result(writing: Writing, _: Limits) -> Proposal:
    writing.propose(writing.task_run(None), COMPLETED, TASK_RUN, data=b"result", details=KEY)
    return proposal(writing.task_run(None), RUNNING, TASK_RUN, details=KEY)


def paused_flow(writing: Writing, _: Limits) -> Proposal:
    around = writing.flow_run()
    for type_ in (RUNNING, PAUSED):
        writing.propose(around, type_)
    return proposal(writing.task_run(around), RUNNING, TASK_RUN)


def slots_taken(writing: Writing, limits: Limits) -> Proposal:
    deployment = limits.deployment(1)
    writing.propose(writing.flow_run(deployment_id=deployment), PENDING)
    return proposal(writing.flow_run(deployment_id=deployment), PENDING)


def slot_free(writing: Writing, limits: Limits) -> Proposal:
    return proposal(writing.flow_run(deployment_id=limits.deployment(1)), PENDING, FLOW_RUN)


def pause_over(writing: Writing, _: Limits) -> Proposal:
    run = writing.flow_run()
    writing.propose(run, RUNNING)
    writing.propose(run, PAUSED, details=StateDetails(pause_expire_time=writing.now))
    writing.now += SECOND
    return proposal(run, RUNNING)


def cancelled_at_once(writing: Writing, _: Limits) -> Proposal:
    run = writing.flow_run()
    writing.propose(run, SCHEDULED)
    return proposal(run, CANCELLING)


def retried(writing: Writing, _: Limits) -> Proposal:
    run = writing.flow_run(retry_policy=RETRY_ONCE)
    writing.propose(run, RUNNING)
    return proposal(run, FAILED, message="boom", data=b"error")


def due_later(writing: Writing, _: Limits) -> Proposal:
    run = writing.flow_run()
    writing.propose(run, SCHEDULED, due=writing.now + SECOND)
    return proposal(run, RUNNING)


CASES: list[Asked] = [
    run_again,
    known_result,
    paused_flow,
    slots_taken,
    slot_free,
    pause_over,
    cancelled_at_once,
    retried,
    due_later,
]


@pytest.mark.parametrize("asked", CASES, ids=lambda asked: asked.__name__)
def test_what_is_explained_is_what_is_decided(writing: Writing, limits: Limits, asked: Asked) -> None:
    wish = asked(writing, limits)
    before = writing.everything()
    explained: Any = writing.do(ExplainTransition(wish)).verdict
    assert writing.everything() == before
    body = {"id": wish.transition_id, "message": wish.state.message, "data": wish.state.data}
    decided = writing.propose(wish.run_id, wish.state.type, wish.kind, details=wish.state.details, **body)
    # The explanation tells places in queues besides.
    told = tuple((*each[:3], {}, each[4]) for each in explained.findings)
    assert replace(explained, findings=told) == replace(
        decided, findings=tuple((*each[:3], {}, each[4]) for each in decided.findings)
    )
