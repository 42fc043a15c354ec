"""`run_deployment`: runs in other processes, waited for as the server tells, and as subflows."""

import json
import threading
import time
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from antiphon import flow, get_client, runtime, task
from antiphon.client.schemas.objects import FlowRun
from antiphon.deployments import run_deployment
from antiphon.exceptions import ObjectNotFound, SerializationError, ServerError, UpstreamTaskError
from antiphon.flows import load_flow_from_entrypoint
from antiphon.states import Completed, Failed
from kinds import Kind
from stored import Stored, type_of
from until import until

PATIENCE = 20.0


@pytest.fixture
def name(project: Path, pool: str, stored: Stored) -> str:
    """A deployment of the project's flow."""
    found = load_flow_from_entrypoint("flows.py:hello")
    found.deploy(
        "run",
        work_pool_name=pool,
        parameters={"times": 2},
        tags=["own"],
        job_variables={"a": 1},
        print_next_steps=False,
    )
    return "hello/run"


def finish(id: UUID | str, state: Any) -> None:
    """As a worker would, by and by."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(UUID(str(id)), state, force=True)


def test_a_run_is_made_and_not_waited_for(name: str, stored: Stored) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    run = run_deployment(
        name,
        parameters={"name": "you"},
        scheduled_time=later,
        flow_run_name="mine",
        timeout=0,
        tags=["t"],
        work_queue_name="urgent",
        job_variables={"b": 2},
    )
    assert isinstance(run, FlowRun)
    assert (run.name, sorted(run.tags), run.parameters) == ("mine", ["own", "t"], {"times": 2, "name": "you"})
    assert run.state is not None and run.state.is_scheduled()
    assert run.state.state_details.scheduled_time == later
    kept = stored.flow_run(str(run.id))
    assert json.loads(kept.job_variables) == {"a": 1, "b": 2}
    by_id = run_deployment(run.deployment_id, timeout=0)  # type: ignore[arg-type]
    assert by_id.deployment_id == run.deployment_id


def test_an_idempotency_key_gives_the_same_run(name: str) -> None:
    first, again = (run_deployment(name, timeout=0, idempotency_key="once") for _ in range(2))
    assert first.id == again.id


def test_it_waits_for_the_end(name: str, kind: Kind) -> None:
    given: list[FlowRun] = []
    run_name = f"waited-{kind}"

    def wait() -> None:
        given.append(kind.call(run_deployment, name, flow_run_name=run_name))

    waiter = threading.Thread(target=copy_context().run, args=(wait,))
    waiter.start()
    finish(found_run(run_name), Failed(message="no"))
    waiter.join(PATIENCE)
    (run,) = given
    assert run.state is not None and (run.state.is_failed(), run.state.message) == (True, "no")


def found_run(run_name: str) -> UUID:
    """The id of the unfinished run of that name, once it is there."""
    found: list[UUID] = []

    def look() -> bool:
        with get_client(sync_client=True) as client:
            runs = client.read_flow_runs()
        found[:] = [run.id for run in runs if run.name == run_name and not (run.state and run.state.is_final())]
        return bool(found)

    until(look)
    return found[0]


def test_where_the_time_is_over_the_run_is_given_as_it_is(name: str) -> None:
    began = time.monotonic()
    run = run_deployment(name, timeout=0.2)
    assert run.state is not None and run.state.is_scheduled()
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize("as_subflow", [True, False])
def test_in_a_flow_it_is_a_subflow(name: str, as_subflow: bool, kind: Kind, stored: Stored) -> None:
    @task
    def number() -> int:
        return 7

    @kind.flow()
    def parent() -> Any:
        return (yield run_deployment(name, parameters={"times": number.submit()}, as_subflow=as_subflow, timeout=0))

    run = kind.call(parent)
    assert run.parameters == {"times": 7}
    if not as_subflow:
        assert run.parent_task_run_id is None
        return
    stand_in = stored.task_run(str(run.parent_task_run_id))
    assert (stand_in.task_key, type_of(stand_in.state)) == (f"subflow:{name}", "SCHEDULED")
    assert len(stand_in.upstream_task_run_ids) == 1
    finish(run.id, Completed())
    assert type_of(stored.task_run(str(run.parent_task_run_id)).state) == "COMPLETED"


def test_a_task_run_that_came_to_mirror_nothing_ends(name: str, stored: Stored) -> None:
    @flow
    def parent() -> str:
        with pytest.raises(ServerError, match="does not fit"):
            run_deployment(name, parameters={"times": "x"}, timeout=0)
        for _ in range(2):
            run_deployment(name, timeout=0, idempotency_key="mirrored")
        return runtime.flow_run.id  # type: ignore[no-any-return]

    refused, mirror, other = stored.task_runs(parent())
    assert (type_of(refused.state), type_of(mirror.state)) == ("FAILED", "SCHEDULED")
    assert "No run was made: " in refused.state.message
    assert (type_of(other.state), "was there already" in other.state.message) == ("COMPLETED", True)


def test_two_subflows_of_one_deployment_are_two(name: str, stored: Stored) -> None:
    @flow
    def parent() -> list[FlowRun]:
        return [run_deployment(name, timeout=0) for _ in range(2)]

    keys = [stored.task_run(str(run.parent_task_run_id)).dynamic_key for run in parent()]
    assert len(set(keys)) == 2


def test_what_it_builds_on_has_to_complete(name: str) -> None:
    @task
    def broken() -> int:
        raise ValueError("no number")

    @flow
    def parent() -> None:
        run_deployment(name, parameters={"times": broken.submit()}, timeout=0)

    with pytest.raises(UpstreamTaskError, match="did not complete"):
        parent()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "hello"}, ValueError, "is named as 'flow/deployment' or by its id, not 'hello'"),
        ({"name": 5}, TypeError, "is named as 'flow/deployment' or by its id, not by int"),
        ({"name": "hello/gone"}, ObjectNotFound, "there is no deployment hello/gone"),
        ({"name": "0190163d-8694-739b-aea5-966c26f8ad90"}, ObjectNotFound, "0190163d-8694-739b-aea5-966c26f8ad90"),
        (
            {"parameters": {"times": "x"}},
            ServerError,
            "parameters.times does not fit the deployment's parameter schema",
        ),
        ({"parameters": {"tims": 1}}, ServerError, "'tims' was unexpected"),
        ({"parameters": {"name": object()}}, SerializationError, "The parameters of a run cannot be said in JSON"),
        ({"job_variables": {"a": object()}}, SerializationError, "The job_variables of a run cannot be said in JSON"),
        ({"work_queue_name": "nope"}, ObjectNotFound, "nope"),
        ({"timeout": -1}, ValueError, "timeout is from 0 to"),
        ({"timeout": "5"}, TypeError, "timeout is a number of seconds or None, not str"),
        ({"tags": "x"}, TypeError, r"write tags=\['x'\]"),
    ],
)
def test_mistakes_are_told(arguments: dict[str, Any], error: type[Exception], message: str, name: str) -> None:
    with pytest.raises(error, match=message):
        run_deployment(**{"name": name, "timeout": 0, **arguments})
