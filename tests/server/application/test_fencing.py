"""Claims: one may hand a run to another by its fencing token, and who comes with an old one is turned away."""

from typing import Any

import pytest
from uuid_utils import uuid7

from antiphon_server.application import transitions
from antiphon_server.domain.deadlines import CLAIM, overdue
from antiphon_server.domain.model import RunKind
from antiphon_server.domain.states import CANCELLED, COMPLETED, PENDING, RUNNING, SCHEDULED, VerdictKind
from antiphon_server.storage import tables
from antiphon_server.storage.working_set import WorkingSet
from limits import Act, Limits
from writing import Writing, proposal

ACCEPT, REJECT, WAIT, ABORT = VerdictKind


@pytest.fixture
def run(writing: Writing, limits: Limits) -> str:
    """Scheduled, of a deployment: somebody may claim it again and again."""
    id = writing.flow_run(deployment_id=limits.deployment(None))
    writing.propose(id, SCHEDULED)
    return id


def claim(writing: Writing, run: str, **more: Any) -> int:
    verdict = writing.propose(run, PENDING, **more)
    assert verdict.kind is ACCEPT
    return int(verdict.fencing_token)


def give_back(run: str) -> Act:
    """What a service does when the time of a claim is over."""

    def act(working_set: WorkingSet) -> Any:
        working_set.load_runs(RunKind.FLOW_RUN, {run})
        found = working_set.run(RunKind.FLOW_RUN, run)
        assert found is not None
        proposal = overdue(found, str(uuid7()), working_set.now)
        assert proposal is not None
        return transitions.propose(working_set, proposal)

    return Act(act)


def held(writing: Writing, run: str) -> Any:
    return writing.row(tables.flow_runs, id=run)


def test_a_claim_has_a_token_and_a_deadline(writing: Writing, run: str) -> None:
    assert claim(writing, run) == 1
    row = held(writing, run)
    assert (row.fencing_token, row.session_id, row.deadline_time) == (1, None, row.state_time + CLAIM)


def test_another_session_goes_on_with_the_token(writing: Writing, run: str) -> None:
    token = claim(writing, run)
    verdict = writing.propose(run, RUNNING, session_id="child", fencing_token=token)
    assert (verdict.kind, verdict.fencing_token) == (ACCEPT, 1)
    row = held(writing, run)
    assert (row.session_id, row.launcher_session_id, row.deadline_time) == ("child", None, None)
    assert writing.propose(run, COMPLETED, session_id="child", fencing_token=token).kind is ACCEPT


def test_who_was_sent_by_a_session_goes_on_with_the_token(writing: Writing, run: str) -> None:
    token = claim(writing, run, session_id="worker")
    assert held(writing, run).deadline_time == held(writing, run).state_time + CLAIM, "the child may never come"
    refused = writing.propose(run, RUNNING, session_id="child")
    assert (refused.kind, refused.findings[-1][0]) == (ABORT, "HeldBySession")
    assert writing.propose(run, RUNNING, session_id="child", fencing_token=token + 1).kind is ABORT
    assert writing.propose(run, RUNNING, session_id="child", fencing_token=token).kind is ACCEPT
    row = held(writing, run)
    assert (row.session_id, row.launcher_session_id) == ("child", "worker")
    late = writing.propose(run, RUNNING, session_id="twin", fencing_token=token)
    assert (late.kind, late.findings[-1][0]) == (ABORT, "HeldBySession"), "the token is used up"


def test_a_claim_that_is_over_time_is_given_back_and_its_token_is_void(writing: Writing, run: str) -> None:
    first = claim(writing, run)
    writing.now += CLAIM
    assert writing.do(give_back(run)).kind is ACCEPT
    row = held(writing, run)
    assert (row.state_name, row.next_scheduled_start_time, row.deadline_time) == ("Scheduled", writing.now, None)
    second = claim(writing, run)
    assert second == first + 1
    late = writing.propose(run, RUNNING, session_id="slow", fencing_token=first)
    assert (late.kind, late.findings[-1][0], late.fencing_token) == (ABORT, "FencedOut", second)
    assert "claim 1 of the run is over" in late.reason
    assert writing.propose(run, RUNNING, session_id="quick", fencing_token=second).kind is ACCEPT
    assert held(writing, run).session_id == "quick"
    forced = writing.propose(run, CANCELLED, session_id="slow", fencing_token=first, force=True)
    assert forced.kind is ABORT, "not even by force does a zombie speak"


def test_who_comes_in_time_is_not_given_back(writing: Writing, run: str) -> None:
    token = claim(writing, run)

    def act(working_set: WorkingSet) -> Any:
        working_set.load_runs(RunKind.FLOW_RUN, {run})
        found = working_set.run(RunKind.FLOW_RUN, run)
        assert found is not None
        late = overdue(found, str(uuid7()), working_set.now)
        assert late is not None
        in_time = proposal(run, RUNNING, session_id="child", fencing_token=token)
        return transitions.propose(working_set, in_time), transitions.propose(working_set, late)

    in_time, late = writing.do(Act(act))
    assert (in_time.kind, late.kind, late.findings[-1][0]) == (ACCEPT, ABORT, "ExpectedState")
    assert held(writing, run).state_name == "Running"


def test_a_claim_given_back_gives_its_slot_back(writing: Writing, limits: Limits) -> None:
    deployment = limits.deployment(1, grace_period=5)
    runs = [writing.flow_run(deployment_id=deployment) for _ in range(2)]
    for each in runs:
        writing.propose(each, SCHEDULED)
    claim(writing, runs[0])
    assert held(writing, runs[0]).deadline_time == held(writing, runs[0]).state_time + 5
    assert writing.propose(runs[1], PENDING).kind is REJECT
    writing.now += 5
    writing.do(give_back(runs[0]))
    assert held(writing, runs[1]).state_name == "Scheduled", "it is called"
    assert [row.holder_id for row in writing.rows(tables.slots)] == [runs[1]]


def test_a_run_that_nobody_else_would_run_has_crashed(writing: Writing) -> None:
    run = writing.flow_run()
    claim(writing, run)
    writing.now += CLAIM
    writing.do(give_back(run))
    row = held(writing, run)
    assert (row.state_name, row.deadline_time) == ("Crashed", None)


def test_a_claim_of_a_deployment_that_is_gone_is_refused(writing: Writing, run: str) -> None:
    with writing.engine.begin() as connection:
        connection.execute(tables.deployments.delete())
    refused = writing.propose(run, PENDING)
    assert (refused.kind, refused.findings[-1][0]) == (ABORT, "DeploymentExists")
