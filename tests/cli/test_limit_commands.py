"""`antiphon concurrency-limit` and `antiphon global-concurrency-limit` on a real server."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from typer.testing import Result

from antiphon.v1.concurrency_limit_pb2 import ConcurrencyLimit, Slot, SlotWaiter
from hand_session import HandSession
from world import World

Cli = Callable[..., Result]


def limit_in(text: str) -> ConcurrencyLimit:
    return ParseDict(json.loads(text), ConcurrencyLimit())


def test_the_life_of_a_tags_limit(said: Callable[..., str]) -> None:
    assert said("concurrency-limit", "ls") == "No limits of tags.\n"
    assert said("concurrency-limit", "create", "x", "3") == "At most 3 task runs with the tag x run at once now.\n"
    made = limit_in(said("concurrency-limit", "create", "[bold]y", "0", "--json"))
    assert (made.name, made.limit, made.active) == ("tag:[bold]y", 0, True)
    header, first, second = said("concurrency-limit", "ls").splitlines()
    assert header.split() == ["Tag", "Limit", "In", "use", "Active", "Decay", "Created", "ID"]
    assert first.split()[:4] == ["[bold]y", "0", "0", "yes"]
    assert second.split()[:4] == ["x", "3", "0", "yes"]
    assert [each["name"] for each in json.loads(said("concurrency-limits", "ls", "--json", "--limit", "1"))] == [
        "tag:[bold]y"
    ]
    assert (
        said("concurrency-limit", "delete", "x", "--yes")
        == "Task runs with the tag x are not limited by it any more.\n"
    )
    assert len(json.loads(said("concurrency-limit", "ls", "--json"))) == 1


@pytest.fixture
def crowd(world: World) -> Iterator[tuple[list[str], HandSession]]:
    """Three task runs with the tag x, of which one may run; two wait."""
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:x", "limit": 1}})
    session = HandSession(world.server.channel)
    flow_run = session.create_flow_run()
    session.propose(flow_run, "RUNNING")
    runs = [session.create_task_run(flow_run, tags=["x"], priority=priority) for priority in (0, 0, 4)]
    for run in runs:
        session.propose(run, "RUNNING", task=True)
    yield runs, session
    session.cut()


def test_inspect_says_who_holds_and_who_waits(said: Callable[..., str], crowd: tuple[list[str], HandSession]) -> None:
    (holder, patient, urgent), _ = crowd
    for arguments in (("concurrency-limit", "inspect", "x"), ("gcl", "inspect", "tag:x")):
        lines = said(*arguments).splitlines()
        text = "\n".join(lines)
        assert "1 of 1 in use" in text
        assert text.index(holder) < text.index("Waiting") < text.index(urgent) < text.index(patient)
        assert next(line for line in lines if urgent in line).split()[1:4] == ["task", "run", "4"]
        shown = json.loads(said(*arguments, "--json"))
        assert set(shown) == {"concurrency_limit", "slots", "slot_waiters"}
        assert ParseDict(shown["concurrency_limit"], ConcurrencyLimit()).active_slots == 1
        assert [ParseDict(each, Slot()).holder_id for each in shown["slots"]] == [holder]
        assert [ParseDict(each, SlotWaiter()).task_run_id for each in shown["slot_waiters"]] == [urgent, patient]


def test_reset_serves_those_that_wait(said: Callable[..., str], crowd: tuple[list[str], HandSession]) -> None:
    (_, patient, urgent), _ = crowd
    freed = said("concurrency-limit", "reset", "x")
    assert freed == "All slots of the tag x were freed; 1 of 1 are in use now.\n"
    shown = json.loads(said("concurrency-limit", "inspect", "x", "--json"))
    assert [each["holder_id"] for each in shown["slots"]] == [urgent]
    assert limit_in(said("concurrency-limit", "reset", "x", "--json")).active_slots == 1
    shown = json.loads(said("concurrency-limit", "inspect", "x", "--json"))
    assert ([each["holder_id"] for each in shown["slots"]], shown["slot_waiters"]) == ([patient], [])


def test_the_life_of_a_global_limit(world: World, said: Callable[..., str]) -> None:
    assert said("gcl", "ls") == "No limits.\n"
    made = said(
        "global-concurrency-limit", "create", "db", "--limit", "2", "--disable", "--slot-decay-per-second", "0.5"
    )
    assert made == "The limit db has 2 slots, 0 in use, and is disabled.\n"
    said("concurrency-limit", "create", "x", "3")
    world.call("CreateWorkPool", {"workPool": {"name": "p", "type": "process", "concurrencyLimit": 9}})
    header, first, second = said("gcl", "ls").splitlines()
    assert header.split()[0] == "Name"
    assert first.split()[:5] == ["db", "2", "0", "no", "0.5/s"]
    assert second.split()[0].startswith("work-pool:")
    enabled = limit_in(said("gcl", "enable", "db", "--json"))
    assert (enabled.active, enabled.limit, enabled.slot_decay_per_second) == (True, 2, 0.5)
    assert not limit_in(said("gcl", "disable", "db", "--json")).active
    assert said("gcl", "update", "db", "-l", "0", "--enable") == "The limit db has 0 slots, 0 in use.\n"
    updated = limit_in(said("gcl", "update", "db", "--slot-decay-per-second", "0", "--disable", "--json"))
    assert (updated.limit, updated.active, updated.slot_decay_per_second, updated.etag) == (0, False, 0, "5")
    page = said("gcl", "inspect", "db")
    assert "no: it limits nobody" in page
    assert "Waiting" not in page
    assert said("gcl", "delete", "db", "--yes") == "The limit db is deleted.\n"
    assert [each["name"].partition(":")[0] for each in json.loads(said("gcl", "ls", "--json"))] == ["work-pool"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["concurrency-limit", "inspect", "y"], 3, "there is no concurrency limit tag:y"),
        (["concurrency-limit", "reset", "y"], 3, "there is no concurrency limit tag:y"),
        (["concurrency-limit", "delete", "y", "--yes"], 3, "there is no concurrency limit tag:y"),
        (["concurrency-limit", "create", "x", "1"], 1, "there is a concurrency limit 'tag:x' already"),
        (["concurrency-limit", "create", "", "1"], 1, "concurrency_limit.name"),
        (["concurrency-limit", "create", "y", "-1"], 2, "-1"),
        (["concurrency-limit", "create", "y", "2147483648"], 2, "2147483647"),
        (["gcl", "create", "y"], 2, "--limit"),
        (["gcl", "create", "deployment:y", "--limit", "1"], 1, "is how the limit of a deployment is called"),
        (["gcl", "create", "y", "--limit", "1", "--slot-decay-per-second", "nan"], 2, "--slot-decay-per-second"),
        (["gcl", "update", "tag:x"], 2, "Say what to change"),
        (["gcl", "update", "y", "--limit", "1"], 3, "there is no concurrency limit y"),
        (["gcl", "enable", "y"], 3, "there is no concurrency limit y"),
    ],
)
def test_what_is_wrong_is_told(world: World, antiphon: Cli, arguments: list[str], code: int, says: str) -> None:
    world.call("CreateConcurrencyLimit", {"concurrencyLimit": {"name": "tag:x", "limit": 1}})
    before = world.call("ListConcurrencyLimits")
    result: Any = antiphon(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr
    assert says in " ".join(result.stderr.split())
    assert world.call("ListConcurrencyLimits") == before


def test_the_limit_of_a_deployment_is_changed_there(world: World, antiphon: Cli) -> None:
    made = {"name": "d", "flowName": "f", "concurrencyLimit": 1}
    deployment = world.call("CreateDeployment", {"deployment": made}).deployment
    for command in (["update", "--limit", "2"], ["delete", "--yes"]):
        result = antiphon("gcl", command[0], f"deployment:{deployment.id}", *command[1:])
        assert result.exit_code == 1
        assert "change or clear its concurrency_limit there" in result.stderr
