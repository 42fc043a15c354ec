"""Deployments on real sockets: applied by many, run with parameters that fit, replayed, and what is refused."""

import asyncio
import itertools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
import pytest

from antiphon_server.application import parameter_claims
from antiphon_server.application.parameter_claims import MOST_LOOKS
from hand_session import new_id
from json_arguments import arguments, values_of
from world import MISSING, World

Ask = Callable[[World], dict[str, Any]]
INVALID, NOT_FOUND, EXISTS, ABORTED, FAILED = (
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.FAILED_PRECONDITION,
)
#: Asks for a text `city`.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


def deployment(name: str = "d", **fields: Any) -> dict[str, Any]:
    return {"name": name, "flowName": "etl", **fields}


def enforcing(schema: Any = SCHEMA, **fields: Any) -> dict[str, Any]:
    return deployment(parameterSchema=json.dumps(schema), enforceParameterSchema=True, **fields)


def made(world: World, fields: dict[str, Any]) -> Any:
    return world.call("CreateDeployment", {"deployment": fields}).deployment


def run(world: World, id: str, **fields: Any) -> Any:
    return world.call("RunDeployment", {"id": id, **fields})


# Applied


def test_of_many_who_apply_one_name_at_once_one_makes_it(world: World) -> None:
    def apply(place: int) -> Any:
        return world.call("ApplyDeployment", {"deployment": deployment(entrypoint=f"{place}.py:f")})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(apply, range(24)))
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.deployment.id for answer in answers}) == 1
    assert sorted(answer.deployment.version_number for answer in answers) == list(range(1, 25))


def test_apply_finds_the_flow_by_its_id_too(world: World) -> None:
    answer = world.call("ApplyDeployment", {"deployment": {"name": "nightly", "flowId": world.flow.upper()}})
    assert (answer.created, answer.deployment.id) == (False, world.deployment)


def test_apply_says_what_is_changed_of_one_that_is_there(world: World) -> None:
    wanted = {"name": "nightly", "flowName": "etl", "entrypoint": "a.py:f", "tags": ["x"], "paused": True}
    request = {"deployment": wanted, "existingMask": "entrypoint,paused"}
    answer = world.call("ApplyDeployment", request)
    stored = answer.deployment
    assert (answer.created, stored.entrypoint, stored.paused, list(stored.tags)) == (False, "a.py:f", True, [])
    assert [schedule.id for schedule in stored.schedules] == [world.schedule]
    assert stored.concurrency_limit == 2
    new = world.call("ApplyDeployment", {**request, "deployment": {**wanted, "name": "new"}})
    assert (new.created, list(new.deployment.tags), new.deployment.paused) == (True, ["x"], True)


def test_apply_in_a_queue_by_names(world: World) -> None:
    fields = deployment(workPoolName="pool")
    stored = world.call("ApplyDeployment", {"deployment": fields}).deployment
    assert (stored.work_queue_name, stored.work_pool_name) == ("default", "pool")
    fields = deployment(workPoolName="pool", workQueueName="queue")
    again = world.call("ApplyDeployment", {"deployment": fields}).deployment
    assert (again.work_queue_id, again.version_number) == (world.queue, 1)


# Runs


def test_a_run_as_it_is_asked_for(world: World) -> None:
    stored = made(world, deployment(parameters=arguments(a=1), jobVariables='{"cpu": 1}', tags=["x"]))
    at = "2099-01-01T00:00:00Z"
    answer = run(
        world,
        stored.id.upper(),
        parameters=arguments(b=2),
        jobVariables='{"image": "y"}',
        tags=["y"],
        scheduledTime=at,
        parentTaskRunId=world.task.upper(),
        priority=3,
    )
    made_run = answer.flow_run
    assert answer.created
    assert values_of(made_run.parameters) == {"a": 1, "b": 2}
    assert json.loads(made_run.job_variables) == {"cpu": 1, "image": "y"}
    assert (list(made_run.tags), made_run.parent_task_run_id, made_run.priority) == (["x", "y"], world.task, 3)
    assert made_run.next_scheduled_start_time.ToJsonString() == at
    assert world.call("GetFlowRun", {"id": made_run.id}).flow_run == made_run


def test_without_a_time_a_run_is_due_now(world: World) -> None:
    due = run(world, world.deployment).flow_run
    assert due.next_scheduled_start_time.ToDatetime() - due.create_time.ToDatetime() <= timedelta(seconds=60)
    late = run(world, world.deployment, scheduledTime="2020-01-01T00:00:00Z").flow_run
    assert (late.state.name, late.expected_start_time.ToJsonString()) == ("Scheduled", "2020-01-01T00:00:00Z")


def test_a_key_and_an_id_of_a_run_name_it_again(world: World) -> None:
    first = run(world, world.deployment, idempotencyKey="k")
    again = run(world, world.deployment, idempotencyKey="k")
    assert (first.created, again.created, again.flow_run) == (True, False, first.flow_run)
    id = new_id()
    named = [run(world, world.deployment, flowRunId=id, requestId=request) for request in (new_id(), new_id(), "")]
    assert [answer.created for answer in named] == [True, False, False]
    assert {answer.flow_run.id for answer in named} == {id}
    refusal = world.refused("RunDeployment", {"id": world.deployment, "flowRunId": id, "tags": ["x"]})
    assert (refusal.code, refusal.reason) == (EXISTS, "FLOW_RUN_EXISTS")


def test_a_request_that_is_sent_again_is_answered_as_before(world: World) -> None:
    """Also where its deployment has changed so that it would be refused, and where it has gone."""
    stored = made(world, deployment())
    requests: list[tuple[str, dict[str, Any]]] = [
        ("RunDeployment", {"name": {"flowName": "etl", "name": "d"}, "parameters": arguments(x=1)}),
        ("UpdateDeployment", {"deployment": {"id": stored.id, "tags": ["a"]}, "updateMask": "tags"}),
        ("ApplyDeployment", {"deployment": deployment(entrypoint="a.py:f")}),
        ("RollBackDeployment", {"id": stored.id}),
    ]
    for _, request in requests:
        request["requestId"] = new_id()
    first = [world.call(name, request) for name, request in requests]
    enforced = {"deployment": {"id": stored.id, **enforcing()}, "updateMask": "parameterSchema,enforceParameterSchema"}
    world.call("UpdateDeployment", enforced)
    assert [world.call(name, request) for name, request in requests] == first
    world.call("DeleteDeployment", {"id": stored.id})
    assert [world.call(name, request) for name, request in requests] == first
    again = [{**request, "requestId": new_id()} for _, request in requests]
    assert world.refused("RunDeployment", again[0]).reason == "DEPLOYMENT_NOT_FOUND"


# Parameters


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({}, "parameters", "'city' is a required property"),
        ({"city": 1}, "parameters.city", "1 is not of type 'string'"),
        ({"city": "Oslo", "town": 1}, "parameters", "('town' was unexpected)"),
    ],
    ids=str,
)
def test_a_run_with_parameters_that_do_not_fit(world: World, values: Any, field: str, said: str) -> None:
    stored = made(world, enforcing())
    runs = len(world.call("ListFlowRuns").flow_runs)
    refusal = world.refused("RunDeployment", {"id": stored.id, "parameters": arguments(**values)})
    assert (refusal.code, refusal.reason, refusal.fields) == (INVALID, "PARAMETERS_INVALID", (field,))
    assert said in refusal.message and "GetDeployment has the schema" in refusal.message
    assert len(world.call("ListFlowRuns").flow_runs) == runs


def test_the_deployments_own_parameters_count(world: World) -> None:
    stored = made(world, enforcing(parameters=arguments(city="Oslo")))
    assert values_of(run(world, stored.id, parameters=arguments(days=2)).flow_run.parameters) == {
        "city": "Oslo",
        "days": 2,
    }
    assert world.refused("RunDeployment", {"id": stored.id, "parameters": arguments(city=None)}).fields == (
        "parameters.city",
    )


def test_what_is_not_enforced_is_not_looked_at(world: World) -> None:
    stored = made(world, deployment(parameterSchema=json.dumps(SCHEMA)))
    assert run(world, stored.id, parameters=arguments(city=1)).created


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parameters": arguments(city=1)}, "deployment.parameters.city"),
        ({"parameters": arguments(town=1)}, "deployment.parameters"),
        (
            {"schedules": [{"cron": {"expression": "@daily"}, "parameters": arguments(days=1)}]},
            "deployment.schedules[0].parameters",
        ),
        (
            {"schedules": [{"cron": {"expression": "@daily"}, "parameters": arguments(city="x", days="y")}]},
            "deployment.schedules[0].parameters.days",
        ),
    ],
    ids=str,
)
def test_a_deployment_that_does_not_fit_its_schema(world: World, changes: dict[str, Any], field: str) -> None:
    calls: list[tuple[str, dict[str, Any]]] = [
        ("CreateDeployment", {"deployment": {**enforcing(**changes), "flowName": "unknown"}}),
        ("ApplyDeployment", {"deployment": {**enforcing(**changes), "flowName": "unknown"}}),
    ]
    stored = made(world, enforcing())
    (path,) = changes
    calls.append(("UpdateDeployment", {"deployment": {"id": stored.id, **changes}, "updateMask": path}))
    # What is not sent is what holds.
    calls.append(("ApplyDeployment", {"deployment": deployment(**changes), "existingMask": path}))
    for name, request in calls:
        refusal = world.refused(name, request)
        assert (refusal.code, refusal.reason, refusal.fields) == (INVALID, "PARAMETERS_INVALID", (field,)), name
    assert world.call("GetDeployment", {"id": stored.id}).deployment == stored
    assert not world.call("ListFlows", {"filter": "name = unknown"}).flows


def test_schedules_and_ways_back_must_fit_too(world: World) -> None:
    stored = made(world, enforcing())
    daily = {"deploymentId": stored.id, "cron": {"expression": "@daily"}, "parameters": arguments(city=1)}
    refusal = world.refused("CreateSchedule", {"schedule": daily})
    assert (refusal.reason, refusal.fields) == ("PARAMETERS_INVALID", ("schedule.parameters.city",))
    good = {**daily, "parameters": arguments(city="Oslo")}
    schedule = world.call("CreateSchedule", {"schedule": good}).schedule
    change = {"schedule": {"id": schedule.id, "parameters": arguments(days=1)}, "updateMask": "parameters"}
    assert world.refused("UpdateSchedule", change).fields == ("schedule.parameters",)
    world.call(
        "UpdateDeployment", {"deployment": {"id": stored.id, "parameterSchema": ""}, "updateMask": "parameterSchema"}
    )
    world.call("UpdateSchedule", change)
    refusal = world.refused("RollBackDeployment", {"id": stored.id, "versionNumber": 1})
    assert (refusal.reason, refusal.fields) == ("PARAMETERS_INVALID", ("deployment.schedules[0].parameters",))


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("{", "deployment.parameter_schema is no JSON schema: "),
        ("[]", "neither an object"),
        ("true", "is no JSON schema of an object"),
        ('{"type": "city"}', "'city'"),
        ('{"properties": {"a": {"minimum": "low"}}}', "$.properties.a.minimum"),
        ('{"pattern": "("}', "regex"),
    ],
)
def test_a_schema_that_is_none(world: World, schema: str, said: str) -> None:
    for name in ("CreateDeployment", "ApplyDeployment"):
        refusal = world.refused(name, {"deployment": deployment(parameterSchema=schema)})
        assert (refusal.code, refusal.reason) == (INVALID, "PARAMETER_SCHEMA_INVALID")
        assert refusal.fields == ("deployment.parameter_schema",)
        assert said in refusal.message


def test_others_do_not_wait_for_a_schema_that_takes_for_ever(world: World) -> None:
    stored = made(world, enforcing({"properties": {"city": {"pattern": "^(a+)+$"}}}))
    endless = {"id": stored.id, "parameters": arguments(city="a" * 40 + "!")}
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(world.refused, "RunDeployment", endless)
        answered = 0
        while not look.done():
            world.call("CreateFlowRun", {"flowRun": {"flowName": "etl"}})
            answered += 1
        assert "cannot be checked within 3 s; deploy with a simpler schema" in look.result().message
    assert answered > 20


def changing(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> list[str]:
    """Has something done before each look at the parameters of a run; the list grows by one for each of them."""
    looks: list[str] = []
    look = parameter_claims.check_parameters

    async def changed(schema: str, parameters: bytes | None, field: str, *, complete: bool) -> None:
        if field == "parameters":
            looks.append(field)
            await asyncio.to_thread(change)
        await look(schema, parameters, field, complete=complete)

    monkeypatch.setattr(parameter_claims, "check_parameters", changed)
    return looks


def test_a_schema_that_changes_while_it_is_looked_at_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = made(world, enforcing())
    left = [json.dumps({"properties": {"city": {"type": "integer"}}})]

    def change() -> None:
        if left:
            fields = {"id": stored.id, "parameterSchema": left.pop()}
            world.call("UpdateDeployment", {"deployment": fields, "updateMask": "parameterSchema"})

    looks = changing(monkeypatch, change)
    refusal = world.refused("RunDeployment", {"id": stored.id, "parameters": arguments(city="Oslo")})
    assert (refusal.reason, refusal.fields) == ("PARAMETERS_INVALID", ("parameters.city",))
    assert len(looks) == 2


def test_one_that_changes_again_and_again_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = made(world, enforcing())
    count = itertools.count()

    def change() -> None:
        fields = {"id": stored.id, "parameters": arguments(days=next(count))}
        world.call("UpdateDeployment", {"deployment": fields, "updateMask": "parameters"})

    looks = changing(monkeypatch, change)
    refusal = world.refused("RunDeployment", {"id": stored.id, "parameters": arguments(city="Oslo")})
    assert (refusal.code, refusal.reason) == (ABORTED, "DEPLOYMENT_CHANGED")
    assert "try again" in refusal.message
    assert len(looks) == MOST_LOOKS


# Versions


def test_versions_are_listed_in_pages_the_newest_first(world: World) -> None:
    for place in range(4):
        fields = {"id": world.deployment, "entrypoint": f"{place}.py:f", "labels": {"a": str(place)}}
        world.call("UpdateDeployment", {"deployment": fields, "updateMask": "entrypoint,labels"})
    request: dict[str, Any] = {"deploymentId": world.deployment, "pageSize": 2}
    pages = [world.call("ListDeploymentVersions", request)]
    while pages[-1].next_page_token:
        pages.append(world.call("ListDeploymentVersions", {**request, "pageToken": pages[-1].next_page_token}))
    assert [[version.number for version in page.versions] for page in pages] == [[5, 4], [3, 2], [1]]
    assert pages[0].versions[0].deployment.labels == {"a": "3"}
    other = {"deploymentId": made(world, deployment()).id, "pageToken": pages[0].next_page_token}
    assert world.refused("ListDeploymentVersions", other).reason == "PAGE_TOKEN_INVALID"
    world.call("DeleteDeployment", {"id": world.deployment})
    assert world.refused("ListDeploymentVersions", request).reason == "DEPLOYMENT_NOT_FOUND"


# Bounds and refusals

#: For each bounded field, as much as it takes.
LARGEST: dict[str, Any] = {
    "name": "n" * 500,
    "flowName": "f" * 500,
    "description": "ß" * 25_000,
    "version": "v" * 500,
    "entrypoint": "e" * 2_000,
    "path": "p" * 2_000,
    "pullSteps": json.dumps(["x" * 99_996]),
    "parameterSchema": json.dumps({"title": "x" * 99_987}),
    "jobVariables": json.dumps({"a": "x" * 99_991}),
    "tags": [f"{place:0200}" for place in range(100)],
    "labels": {f"{place:0200}": "v" * 500 for place in range(100)},
    "schedules": [{"slug": str(place), "interval": {"interval": "86400s"}, "paused": True} for place in range(100)],
}


def test_the_largest_deployment(world: World) -> None:
    stored = made(world, LARGEST)
    assert len(stored.schedules) == 100
    assert (stored.pull_steps, stored.labels) == (LARGEST["pullSteps"], LARGEST["labels"])
    assert world.call("GetDeployment", {"id": stored.id}).deployment == stored
    assert run(world, stored.id).created


@pytest.mark.parametrize("name", LARGEST)
def test_one_more_is_too_much(world: World, name: str) -> None:
    value = LARGEST[name]
    if isinstance(value, str):
        more: Any = (
            value[:-2] + " " + value[-2:] if name in ("pullSteps", "parameterSchema", "jobVariables") else value + "x"
        )
    elif isinstance(value, list):
        more = [*value, value[0]]
    else:
        more = {**value, "one more": ""}
    refusal = world.refused("CreateDeployment", {"deployment": {**LARGEST, name: more}})
    assert (refusal.code, refusal.reason) == (INVALID, "FIELD_INVALID")
    assert [field.split(".")[1] for field in refusal.fields] == [snake(name)]


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_a_page_of_large_deployments_goes_through(world: World) -> None:
    """Their schedules count too."""
    large = arguments(text="x" * 100_000)
    daily = [
        {"slug": str(place), "cron": {"expression": "@daily"}, "parameters": large, "paused": True}
        for place in range(25)
    ]
    ids = {made(world, deployment(str(place), schedules=daily)).id for place in range(4)}
    seen: list[str] = []
    token = ""
    while True:
        page = world.call("ListDeployments", {"filter": "NOT name = nightly", "pageToken": token})
        seen += [each.id for each in page.deployments]
        assert len(page.deployments) == 1
        token = page.next_page_token
        if not token:
            break
    assert (len(seen), set(seen)) == (4, ids)


def refusals() -> list[tuple[Any, ...]]:
    def create(**fields: Any) -> Ask:
        return lambda w: {"deployment": deployment(**fields)}

    def start(**fields: Any) -> Ask:
        return lambda w: {"id": w.deployment, **fields}

    def there(**fields: Any) -> Ask:
        return lambda w: {"deployment": {"name": "nightly", "flowName": "etl", **fields}}

    def masked(paths: str, **fields: Any) -> Ask:
        return lambda w: {"deployment": {"id": w.deployment, **fields}, "updateMask": paths}

    named = {"flowName": "etl", "name": "other"}
    slugs = [{"slug": "s", "cron": {"expression": "@daily"}}] * 2
    return [
        *(
            (name, ask, INVALID, reason, (f"deployment.{field}",), said)
            for name in ("CreateDeployment", "ApplyDeployment")
            for ask, reason, field, said in [
                (create(pullSteps="{}"), "JSON_INVALID", "pull_steps", "must be a list, as JSON text"),
                (create(pullSteps="[NaN]"), "JSON_INVALID", "pull_steps", "NaN is not JSON"),
                (create(jobVariables="[]"), "JSON_INVALID", "job_variables", "must be an object of names"),
                (create(jobVariables="{"), "JSON_INVALID", "job_variables", "is no JSON: "),
                (create(jobVariables='{"a": 1e999}'), "JSON_INVALID", "job_variables", "too large for a number"),
                (create(parameters={}), "PARAMETERS_INVALID", "parameters", "without an encoding"),
                (create(schedules=slugs), "SLUG_TWICE", "schedules", "two schedules have the slug 's'"),
                (create(labels={"": "x"}), "FIELD_INVALID", "labels[]", ""),
                (create(workQueueName="q"), "WORK_POOL_MISSING", "work_pool_name", "needs work_pool_name beside it"),
                (create(flowName=""), "FLOW_MISSING", "flow_name", "to find the flow or register it"),
            ]
        ),
        ("CreateDeployment", create(workPoolName="x"), NOT_FOUND, "WORK_POOL_NOT_FOUND", (), "work-pool create 'x'"),
        ("ApplyDeployment", there(workPoolName="x"), NOT_FOUND, "WORK_POOL_NOT_FOUND", (), "work-pool create 'x'"),
        (
            "ApplyDeployment",
            there(workPoolName="pool", workQueueName="x"),
            NOT_FOUND,
            "WORK_QUEUE_NOT_FOUND",
            (),
            "has no work queue 'x'; make it by CreateWorkQueue",
        ),
        (
            "ApplyDeployment",
            lambda w: {**there()(w), "existingMask": ""},
            INVALID,
            "UPDATE_MASK_INVALID",
            ("existing_mask",),
            "existing_mask is empty",
        ),
        (
            "ApplyDeployment",
            lambda w: {**there()(w), "existingMask": "flowId"},
            INVALID,
            "UPDATE_MASK_INVALID",
            ("existing_mask",),
            "'flow_id' cannot be updated; these can: collision_strategy, ",
        ),
        *(
            (
                "UpdateDeployment",
                masked("workQueueName", **fields),
                INVALID,
                "WORK_POOL_MISSING",
                ("deployment.work_pool_name",),
                "",
            )
            for fields in ({"workQueueName": "queue"}, {"workQueueName": "queue", "workQueueId": MISSING})
        ),
        ("RunDeployment", lambda w: {}, INVALID, "FIELD_INVALID", ("deployment",), ""),
        ("RunDeployment", lambda w: {"id": MISSING}, NOT_FOUND, "DEPLOYMENT_NOT_FOUND", (), MISSING),
        ("RunDeployment", lambda w: {"name": named}, NOT_FOUND, "DEPLOYMENT_NOT_FOUND", (), "etl/other"),
        ("RunDeployment", start(parameters={}), INVALID, "PARAMETERS_INVALID", ("parameters",), "encoding"),
        ("RunDeployment", start(jobVariables="[]"), INVALID, "JSON_INVALID", ("job_variables",), "object"),
        ("RunDeployment", start(workQueueName="x"), NOT_FOUND, "WORK_QUEUE_NOT_FOUND", (), "'nightly' has no pool"),
        ("RunDeployment", start(parentTaskRunId=MISSING), NOT_FOUND, "TASK_RUN_NOT_FOUND", (), "parent"),
        ("RunDeployment", start(flowRunId="x"), INVALID, "FIELD_INVALID", ("flow_run_id",), ""),
        ("RollBackDeployment", start(versionNumber=9), NOT_FOUND, "DEPLOYMENT_VERSION_NOT_FOUND", (), "no version 9"),
        ("RollBackDeployment", start(), FAILED, "NO_OLDER_VERSION", (), "no version before 1"),
        ("RollBackDeployment", start(versionNumber=-1), INVALID, "FIELD_INVALID", ("version_number",), ""),
        ("RollBackDeployment", start(versionNumber=1, etag="9"), ABORTED, "ETAG_MISMATCH", (), "not 9"),
        ("RollBackDeployment", lambda w: {"id": MISSING}, NOT_FOUND, "DEPLOYMENT_NOT_FOUND", (), MISSING),
    ]


REFUSES = refusals()


@pytest.mark.parametrize(
    ("name", "ask", "code", "reason", "fields", "said"),
    REFUSES,
    ids=[f"{i}-{row[0]}-{row[3]}" for i, row in enumerate(REFUSES)],
)
def test_it_refuses_what_is_wrong_and_writes_nothing(
    world: World, name: str, ask: Ask, code: grpc.StatusCode, reason: str, fields: tuple[str, ...], said: str
) -> None:
    before = everything(world)
    refusal = world.refused(name, ask(world))
    assert (refusal.code, refusal.reason, refusal.fields) == (code, reason, fields), refusal
    assert said in refusal.message
    assert everything(world) == before


def everything(world: World) -> list[Any]:
    """All that these RPCs could have written."""
    lists = ("ListDeployments", "ListSchedules", "ListFlows", "ListFlowRuns", "ListConcurrencyLimits")
    versions = world.call("ListDeploymentVersions", {"deploymentId": world.deployment})
    return [versions, *(world.call(name) for name in lists)]
