"""Deployments in the writer's transactions: applied, changed, run and deleted."""

import json
from typing import Any

import pytest

from antiphon_server.application.deployment_runs import RunDeployment, RunOf
from antiphon_server.application.deployments import (
    ApplyDeployment,
    CreateDeployment,
    DeleteDeployment,
    RollBackDeployment,
    UpdateDeployment,
)
from antiphon_server.application.edits import Delete
from antiphon_server.application.parameter_claims import Claim, Unchecked
from antiphon_server.application.schedules import CreateSchedule, UpdateSchedule
from antiphon_server.application.work_pools import CreateWorkPool, CreateWorkQueue, DeleteWorkQueue
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.schedules.kinds import CatchUp, Overlap, RuleKind
from antiphon_server.domain.states import FAILED, PENDING, RUNNING
from antiphon_server.domain.work_pools import DEFAULT_QUEUE
from antiphon_server.storage import tables
from antiphon_server.storage.deployment_tables import deployment_versions, schedules
from json_arguments import packed, values_of
from writing import SECOND, Writing, new_deployment, new_id

HOUR = 3600 * SECOND
#: Asks for a text `a`.
SCHEMA = '{"properties": {"a": {"type": "string"}}, "required": ["a"]}'


def hourly(**values: Any) -> dict[str, Any]:
    """Columns of a schedule."""
    plain: dict[str, Any] = {
        "slug": "hourly",
        "rule_kind": RuleKind.INTERVAL,
        "rule": "",
        "day_and": False,
        "interval": HOUR,
        "anchor_time": None,
        "time_zone": "",
        "paused": None,
        "parameters": None,
        "max_scheduled_runs": 0,
        "jitter": 0,
        "catch_up": CatchUp.LATEST,
        "overlap": Overlap.ALLOW,
        "excluded_calendars": "[]",
    }
    return {**plain, **values}


def apply(**values: Any) -> ApplyDeployment:
    """Names all that it has."""
    creation = new_deployment(**values)
    return ApplyDeployment(creation, {name: value for name, value in creation.values.items() if name != "paused"})


def update(id: str, **values: Any) -> UpdateDeployment:
    return UpdateDeployment(id, "", values)


def run_of(deployment_id: str, queue: str = "", checked: Any = (), **run: Any) -> RunDeployment:
    return RunDeployment(deployment_id, RunOf(**{"scheduled_time": 0, **run}), queue, checked=checked)


def queue(writing: Writing, name: str = "q", pool: str = "p") -> str:
    pools = {row.name: row.id for row in writing.rows(tables.work_pools)}
    if pool not in pools:
        pools[pool] = writing.do(CreateWorkPool({"name": pool, "type": "process", "paused": False}, None))
    values = {"work_pool_id": pools[pool], "name": name, "paused": False, "priority": 0}
    return str(writing.do(CreateWorkQueue(values, None)))


def planned(writing: Writing) -> list[str]:
    return [row.id for row in writing.rows(tables.flow_runs) if row.schedule_id is not None]


def refusal(writing: Writing, operation: Any) -> AntiphonError:
    before = writing.everything()
    with pytest.raises(AntiphonError) as refused:
        writing.do(operation)
    assert writing.everything() == before
    return refused.value


def true_of(writing: Writing, operation: Any) -> Any:
    """Does an operation whose claims are thought to be true."""
    error = refusal(writing, operation)
    assert isinstance(error, Unchecked)
    operation.checked = error.claims
    return writing.do(operation)


# Applied


def test_what_is_not_there_is_made(writing: Writing) -> None:
    id, created = writing.do(apply(limit=2, schedules=[hourly()], paused=True))
    assert created
    row = writing.row(tables.deployments)
    assert (row.id, row.paused, writing.row(tables.flows).id) == (id, True, row.flow_id)
    assert writing.row(tables.concurrency_limits).slots == 2
    assert not writing.row(schedules).paused


def test_what_is_there_becomes_what_is_sent(writing: Writing) -> None:
    id, _ = writing.do(apply(limit=2, tags='["a"]', schedules=[hourly()]))
    writing.do(update(id, paused=True))
    assert writing.do(apply(limit=None, entrypoint="x", paused=False)) == (id, False)
    row = writing.row(tables.deployments)
    assert (row.paused, row.tags, row.version_number) == (True, "[]", 2)
    assert writing.rows(tables.concurrency_limits) == writing.rows(schedules) == planned(writing) == []


def test_one_that_is_applied_again_is_the_same(writing: Writing) -> None:
    writing.do(apply(schedules=[hourly()]))
    before = writing.row(schedules), writing.rows(deployment_versions), planned(writing)
    writing.do(apply(schedules=[hourly()]))
    assert (writing.row(schedules), writing.rows(deployment_versions), planned(writing)) == before


def test_a_schedule_rests_as_it_did_unless_that_is_said(writing: Writing) -> None:
    writing.do(apply(schedules=[hourly()]))
    schedule = writing.row(schedules).id
    writing.do(UpdateSchedule(schedule, "", {"paused": True}))
    writing.do(apply(schedules=[hourly(interval=2 * HOUR)]))
    row = writing.row(schedules)
    assert (row.id, row.paused, row.interval, planned(writing)) == (schedule, True, 2 * HOUR, [])
    writing.do(apply(schedules=[hourly(paused=False)]))
    assert not writing.row(schedules).paused
    assert planned(writing) != []


def test_only_what_is_named_is_changed(writing: Writing) -> None:
    id, _ = writing.do(apply(limit=2, entrypoint="one", tags='["a"]'))
    creation = new_deployment(limit=3, entrypoint="two", tags='["b"]')
    assert writing.do(ApplyDeployment(creation, {"entrypoint": "two"})) == (id, False)
    row = writing.row(tables.deployments)
    assert (row.tags, writing.row(tables.concurrency_limits).slots) == ('["a"]', 2)
    assert writing.row(deployment_versions, number=row.version_number).entrypoint == "two"


def test_of_many_at_once_one_makes_it(writing: Writing) -> None:
    answers = writing.together(*(apply(entrypoint=str(place)) for place in range(5)))
    assert [created for _, created in answers] == [True, False, False, False, False]
    assert len({id for id, _ in answers}) == len(writing.rows(tables.deployments)) == len(writing.rows(tables.flows))
    assert [row.entrypoint for row in writing.rows(deployment_versions)] == ["0", "1", "2", "3", "4"]


def test_one_name_of_two_flows_is_two_deployments(writing: Writing) -> None:
    first, _ = writing.do(apply(flow_name="a"))
    second, created = writing.do(apply(flow_name="b"))
    assert created and first != second
    assert refusal(writing, new_deployment(flow_name="a")).reason == "DEPLOYMENT_EXISTS"


# The queue


def test_a_queue_by_names(writing: Writing) -> None:
    second = queue(writing, "second")
    first = writing.row(tables.work_queues, name=DEFAULT_QUEUE).id
    writing.do(new_deployment(work_queue=("p", "second")))
    assert writing.row(tables.deployments).work_queue_id == second
    writing.do(apply(work_queue=("p", "")))
    assert writing.row(tables.deployments).work_queue_id == first
    id = writing.row(tables.deployments).id
    # An id is meant before names are.
    writing.do(update(id, work_queue=("nowhere", ""), work_queue_id=second))
    assert writing.row(tables.deployments).work_queue_id == second
    writing.do(update(id, work_queue_id=None))
    assert writing.row(tables.deployments).work_queue_id is None


@pytest.mark.parametrize(
    ("names", "reason", "said"),
    [
        (("other", ""), "WORK_POOL_NOT_FOUND", "make it first: antiphon work-pool create 'other'"),
        (("p", "other"), "WORK_QUEUE_NOT_FOUND", "has no work queue 'other'; make it by CreateWorkQueue"),
    ],
)
def test_queues_that_are_not_there(writing: Writing, names: tuple[str, str], reason: str, said: str) -> None:
    queue(writing)
    for operation in (new_deployment(work_queue=names), apply(work_queue=names)):
        error = refusal(writing, operation)
        assert (error.reason, said in error.message) == (reason, True)


def test_a_calendar_that_is_not_there_leaves_everything_as_it_is(writing: Writing) -> None:
    wanted = [hourly(slug="one"), hourly(slug="two", excluded_calendars='["nope"]')]
    assert refusal(writing, new_deployment(schedules=wanted)).reason == "CALENDAR_NOT_FOUND"
    assert refusal(writing, apply(schedules=wanted)).reason == "CALENDAR_NOT_FOUND"
    id = writing.do(new_deployment(limit=2))
    assert (
        refusal(writing, update(id, concurrency_limit=3, entrypoint="x", schedules=wanted)).reason
        == "CALENDAR_NOT_FOUND"
    )
    assert refusal(writing, apply(entrypoint="x", schedules=wanted)).reason == "CALENDAR_NOT_FOUND"


# Runs


def test_a_run_has_what_the_deployment_says_and_more(writing: Writing) -> None:
    own = queue(writing)
    id = writing.do(
        new_deployment(
            tags='["a", "b"]',
            version_name="1.4",
            parameters=packed(x=1, y={"deep": 1}),
            job_variables='{"image": "one", "cpu": 1}',
            work_queue_id=own,
        )
    )
    run_id, created = writing.do(
        run_of(
            id,
            tags=("b", "c"),
            parameters=packed(y={"other": 2}, z=3),
            job_variables='{"image": "two"}',
            scheduled_time=writing.now + HOUR,
            name="mine",
            priority=7,
        )
    )
    assert created
    row = writing.row(tables.flow_runs, id=run_id)
    assert json.loads(row.tags) == ["a", "b", "c"]
    assert values_of(row.parameters) == {"x": 1, "y": {"other": 2}, "z": 3}
    assert json.loads(row.job_variables) == {"image": "two", "cpu": 1}
    assert (row.name, row.priority, row.flow_version, row.work_queue_id) == ("mine", 7, "1.4", own)
    assert (row.deployment_id, row.deployment_version, row.auto_scheduled) == (id, 1, False)
    assert (row.state_name, row.next_scheduled_start_time) == ("Scheduled", writing.now + HOUR)


def test_a_time_that_has_passed_is_now(writing: Writing) -> None:
    id = writing.do(new_deployment())
    run_id, _ = writing.do(run_of(id, scheduled_time=writing.now - HOUR))
    row = writing.row(tables.flow_runs, id=run_id)
    assert (row.state_name, row.next_scheduled_start_time) == ("Scheduled", writing.now - HOUR)


def test_a_run_by_names(writing: Writing) -> None:
    id = writing.do(new_deployment("d", flow_name="etl"))
    run_id, _ = writing.do(RunDeployment("", RunOf(0), name="d", flow_name="etl"))
    assert writing.row(tables.flow_runs, id=run_id).deployment_id == id
    error = refusal(writing, RunDeployment("", RunOf(0), name="d", flow_name="other"))
    assert (error.reason, "there is no deployment other/d" in error.message) == ("DEPLOYMENT_NOT_FOUND", True)


def test_a_run_in_another_queue_of_the_pool(writing: Writing) -> None:
    own, other = queue(writing, "own"), queue(writing, "other")
    queue(writing, "third", "another pool")
    id = writing.do(new_deployment(work_queue_id=own))
    run_id, _ = writing.do(run_of(id, "other"))
    assert writing.row(tables.flow_runs, id=run_id).work_queue_id == other
    error = refusal(writing, run_of(id, "third"))
    assert (error.reason, "deployment 'd' has no pool with such a queue" in error.message) == (
        "WORK_QUEUE_NOT_FOUND",
        True,
    )
    bare = writing.do(new_deployment("bare"))
    assert refusal(writing, run_of(bare, "own")).reason == "WORK_QUEUE_NOT_FOUND"


def test_a_run_with_a_key_is_made_once(writing: Writing) -> None:
    id = writing.do(new_deployment())
    first, second = writing.together(run_of(id, idempotency_key="k"), run_of(id, idempotency_key="k"))
    assert (first[1], second) == (True, (first[0], False))
    assert writing.do(run_of(id, idempotency_key="other"))[1]
    assert len(writing.rows(tables.flow_runs)) == 2


def test_a_run_of_an_id_is_made_once(writing: Writing) -> None:
    id, run_id = writing.do(new_deployment()), new_id()
    assert writing.do(run_of(id, id=run_id, digest=b"one")) == (run_id, True)
    writing.propose(run_id, PENDING)
    before = writing.everything()
    assert writing.do(run_of(id, id=run_id, digest=b"one")) == (run_id, False)
    assert writing.everything() == before
    assert refusal(writing, run_of(id, id=run_id, digest=b"two")).reason == "FLOW_RUN_EXISTS"


def test_a_run_in_a_run(writing: Writing) -> None:
    id = writing.do(new_deployment())
    task = writing.task_run(writing.flow_run())
    run_id, _ = writing.do(run_of(id, parent_task_run_id=task))
    assert writing.row(tables.flow_runs, id=run_id).parent_task_run_id == task
    error = refusal(writing, run_of(id, parent_task_run_id=new_id()))
    assert (error.reason, "it cannot be the parent" in error.message) == ("TASK_RUN_NOT_FOUND", True)


# Claims: what must fit


def enforced(**values: Any) -> CreateDeployment:
    return new_deployment(**{"parameter_schema": SCHEMA, "enforce_parameter_schema": True, **values})


def test_nothing_is_claimed_where_nothing_is_enforced(writing: Writing) -> None:
    id = writing.do(new_deployment(parameter_schema=SCHEMA, parameters=packed(a=1), schedules=[hourly()]))
    writing.do(run_of(id, parameters=packed(a=2)))
    writing.do(CreateSchedule({**hourly(slug="s"), "deployment_id": id}))
    bare = writing.do(new_deployment("bare", enforce_parameter_schema=True))
    writing.do(run_of(bare, parameters=packed(a=2)))


def test_what_a_deployment_claims(writing: Writing) -> None:
    own, other = packed(b=1), packed(a="x")
    operation = enforced(parameters=own, schedules=[hourly(parameters=other)])
    claims = [
        Claim(SCHEMA, (own,), "deployment.parameters", complete=False),
        Claim(SCHEMA, (own, other), "deployment.schedules[0].parameters"),
    ]
    error = refusal(writing, operation)
    assert isinstance(error, Unchecked) and error.claims == claims
    operation.checked = claims[:1]
    error = refusal(writing, operation)
    assert isinstance(error, Unchecked) and error.claims == claims[1:]
    operation.checked = claims
    writing.do(operation)


@pytest.mark.parametrize("changed", [{"paused": True}, {"entrypoint": "x"}, {"tags": '["a"]'}, {"name": "e"}], ids=str)
def test_changes_of_other_things_claim_nothing(writing: Writing, changed: dict[str, Any]) -> None:
    id = true_of(writing, enforced(schedules=[hourly(parameters=packed(a="x"))]))
    writing.do(update(id, **changed))


@pytest.mark.parametrize(
    "changed",
    [{"parameters": None}, {"parameter_schema": "{}"}, {"enforce_parameter_schema": True}, {"schedules": [hourly()]}],
    ids=str,
)
def test_changes_of_what_must_fit_claim_all(writing: Writing, changed: dict[str, Any]) -> None:
    id = true_of(writing, enforced(schedules=[hourly(parameters=packed(a="x"))]))
    for operation in (update(id, **changed), ApplyDeployment(enforced(), changed)):
        error = refusal(writing, operation)
        assert isinstance(error, Unchecked)
        schema = changed.get("parameter_schema", SCHEMA)
        told = None if "schedules" in changed else packed(a="x")
        assert error.claims == [
            Claim(schema, (None,), "deployment.parameters", complete=False),
            Claim(schema, (None, told), "deployment.schedules[0].parameters"),
        ]


def test_a_way_back_claims_too(writing: Writing) -> None:
    """The schedules are those of now."""
    id = true_of(writing, enforced())
    writing.do(update(id, enforce_parameter_schema=False))
    writing.do(CreateSchedule({**hourly(parameters=packed(a=1)), "deployment_id": id}))
    error = refusal(writing, RollBackDeployment(id, "", 1))
    assert isinstance(error, Unchecked)
    assert error.claims[1] == Claim(SCHEMA, (None, packed(a=1)), "deployment.schedules[0].parameters")


def test_what_schedules_and_runs_claim(writing: Writing) -> None:
    own = packed(a="x")
    id = true_of(writing, enforced(parameters=own))
    told = packed(b=1)
    operations = [
        (CreateSchedule({**hourly(parameters=told), "deployment_id": id}), "schedule.parameters"),
        (run_of(id, parameters=told), "parameters"),
    ]
    for operation, field in operations:
        error = refusal(writing, operation)
        assert isinstance(error, Unchecked) and error.claims == [Claim(SCHEMA, (own, told), field)]
    schedule = true_of(writing, operations[0][0])
    writing.do(UpdateSchedule(schedule, "", {"paused": True}))
    error = refusal(writing, UpdateSchedule(schedule, "", {"parameters": None}))
    assert isinstance(error, Unchecked) and error.claims == [Claim(SCHEMA, (own, None), "schedule.parameters")]


def test_a_schema_that_has_changed_makes_another_claim(writing: Writing) -> None:
    id = true_of(writing, enforced())
    operation = run_of(id, parameters=packed(a="x"))
    error = refusal(writing, operation)
    assert isinstance(error, Unchecked)
    operation.checked = error.claims
    true_of(writing, update(id, parameter_schema='{"required": ["b"]}'))
    again = refusal(writing, operation)
    assert isinstance(again, Unchecked) and again.claims[0].schema == '{"required": ["b"]}'
    assert (again.reason, "try again" in again.message) == ("DEPLOYMENT_CHANGED", True)


def test_a_run_that_is_there_claims_nothing(writing: Writing) -> None:
    """Who sends a request again is not refused for what has changed since."""
    id, run_id = writing.do(new_deployment()), new_id()
    asked = {"id": run_id, "digest": b"one", "idempotency_key": "k", "parameters": packed(a=1)}
    writing.do(run_of(id, **asked))
    true_of(writing, update(id, parameter_schema=SCHEMA, enforce_parameter_schema=True))
    assert writing.do(run_of(id, **asked)) == (run_id, False)
    assert writing.do(run_of(id, idempotency_key="k")) == (run_id, False)


# Changed


@pytest.mark.parametrize("changed", [{"parameters": packed(a=1)}, {"tags": '["a"]'}, {"job_variables": "{}"}], ids=str)
def test_what_was_planned_is_planned_anew(writing: Writing, changed: dict[str, Any]) -> None:
    id = writing.do(new_deployment(schedules=[hourly()]))
    before = planned(writing)
    writing.do(update(id, **changed))
    after = planned(writing)
    assert len(after) == len(before) > 0
    assert not set(after) & set(before)
    assert {writing.row(tables.flow_runs, id=run).deployment_version for run in after} == {2}


def test_other_changes_leave_it(writing: Writing) -> None:
    id = writing.do(new_deployment(schedules=[hourly()]))
    before = planned(writing)
    writing.do(update(id, name="e", concurrency_limit=5, collision_strategy=2, grace_period=1))
    assert planned(writing) == before


def test_a_pause_takes_what_was_planned(writing: Writing) -> None:
    id = writing.do(new_deployment(schedules=[hourly()]))
    writing.do(update(id, paused=True))
    assert planned(writing) == []
    writing.do(update(id, paused=False))
    assert planned(writing) != []


def test_a_run_that_waits_to_go_on_is_not_planned_anew(writing: Writing) -> None:
    id = writing.do(new_deployment(schedules=[hourly()]))
    run = min(writing.rows(tables.flow_runs), key=lambda row: row.next_scheduled_start_time)
    writing.now = run.next_scheduled_start_time
    with writing.engine.begin() as connection:
        policy = json.dumps({"max_retries": 1, "delays": [HOUR], "jitter_factor": 0.0})
        connection.execute(tables.flow_runs.update().values(retry_policy=policy))
    for state in (PENDING, RUNNING, FAILED):
        writing.propose(run.id, state)
    row = writing.row(tables.flow_runs, id=run.id)
    assert (row.state_name, row.next_scheduled_start_time > writing.now) == ("AwaitingRetry", True)
    writing.do(update(id, parameters=packed(a=1)))
    assert writing.row(tables.flow_runs, id=run.id) == row
    writing.do(DeleteDeployment(id, ""))
    assert writing.row(tables.flow_runs, id=run.id) == row


def test_a_run_that_waits_for_a_slot_is_not_planned_ahead(writing: Writing) -> None:
    id = writing.do(new_deployment(limit=1, schedules=[hourly()]))
    run = min(writing.rows(tables.flow_runs), key=lambda row: row.next_scheduled_start_time)
    writing.now = run.next_scheduled_start_time
    for claimed in (writing.do(run_of(id))[0], run.id):
        writing.propose(claimed, PENDING)
    row = writing.row(tables.flow_runs, id=run.id)
    assert (row.state_name, row.next_scheduled_start_time > writing.now) == ("AwaitingConcurrencySlot", True)
    writing.do(update(id, paused=True))
    assert writing.row(tables.flow_runs, id=run.id) == row


def test_a_queue_that_goes_leaves_the_deployment(writing: Writing) -> None:
    own = queue(writing)
    id = writing.do(new_deployment(work_queue_id=own))
    writing.do(DeleteWorkQueue(own, ""))
    assert writing.row(tables.deployments).work_queue_id is None
    writing.do(run_of(id))


# Deleted


@pytest.mark.parametrize("way", ["itself", "with its flow"])
def test_what_goes_with_it(writing: Writing, way: str) -> None:
    no_overlap = hourly(overlap=Overlap.SKIP)
    id = writing.do(new_deployment(schedules=[no_overlap]))
    writing.do(new_deployment("other", flow_name="other flow"))
    mine, _ = writing.do(run_of(id))
    assert len(writing.rows(tables.concurrency_limits)) == 3
    flow = writing.row(tables.deployments, id=id).flow_id
    writing.do(DeleteDeployment(id, "") if way == "itself" else Delete("flow", flow, ""))
    assert [row.name for row in writing.rows(tables.deployments)] == ["other"]
    assert len(writing.rows(tables.concurrency_limits)) == len(writing.rows(deployment_versions)) == 1
    assert writing.rows(schedules) == []
    left = [row.id for row in writing.rows(tables.flow_runs)]
    assert left == ([mine] if way == "itself" else [])


def test_a_run_that_is_under_way_goes_on(writing: Writing) -> None:
    id = writing.do(new_deployment())
    run, _ = writing.do(run_of(id))
    writing.propose(run, PENDING)
    writing.do(DeleteDeployment(id, ""))
    assert writing.propose(run, RUNNING).kind.name == "ACCEPT"
    assert refusal(writing, run_of(id)).reason == "DEPLOYMENT_NOT_FOUND"


def test_a_name_is_free_again(writing: Writing) -> None:
    id = writing.do(new_deployment(schedules=[hourly()]))
    writing.do(DeleteDeployment(id, "1"))
    new, created = writing.do(apply(schedules=[hourly()]))
    assert created and new != id
    assert writing.row(deployment_versions).number == 1


def test_deletions_that_are_refused(writing: Writing) -> None:
    id = writing.do(new_deployment())
    assert refusal(writing, DeleteDeployment(id, "9")).reason == "ETAG_MISMATCH"
    assert refusal(writing, DeleteDeployment(new_id(), "")).reason == "DEPLOYMENT_NOT_FOUND"
