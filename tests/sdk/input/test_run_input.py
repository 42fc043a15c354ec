"""`send_input`, `receive_input` and RunInput, sync and async, on a real server."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, Field, ValidationError

from antiphon import runtime
from antiphon.exceptions import (
    MissingContextError,
    ObjectAlreadyExists,
    ObjectNotFound,
    SerializationError,
    ServerError,
)
from antiphon.input import (
    AutomaticRunInput,
    RunInput,
    asend_input,
    create_flow_run_input,
    delete_flow_run_input,
    filter_flow_run_input,
    keyset_from_base_key,
    keyset_from_paused_state,
    read_flow_run_input,
    receive_input,
    run_input_subclass_from_type,
    send_input,
)
from antiphon.states import Paused, Running
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import CreateFlowRunInputRequest, CreateFlowRunRequest, DeleteFlowRunRequest
from kinds import Kind
from stored import Stored

PATIENCE = 20.0


class Person(RunInput):
    name: str = "somebody"


class City(BaseModel):
    name: str
    degrees: float = Field(default=0.0, alias="deg")


class Number(RunInput):
    number: int


@pytest.fixture
def run_id(stored: Stored) -> UUID:
    """A run that nobody holds."""
    request = CreateFlowRunRequest(flow_run=FlowRun(flow_name="told"))
    return UUID(stored.client.call(stored.client.flow_runs.CreateFlowRun, request).flow_run.id)


def received(kind: Kind, *args: Any, timeout: float | None = 0, **options: Any) -> list[Any]:
    """All that is there."""
    inputs = receive_input(*args, timeout=timeout, **options)
    if not kind.is_async:
        return list(inputs)

    async def collect() -> list[Any]:
        return [each async for each in inputs]

    return asyncio.run(collect())


def send(kind: Kind, *args: Any, **options: Any) -> None:
    asyncio.run(asend_input(*args, **options)) if kind.is_async else send_input(*args, **options)


@pytest.mark.parametrize(
    ("sent", "wanted", "given"),
    [
        (3, int, 3),
        ("a", str, "a"),
        ([1, 2], list[int], [1, 2]),
        ({"a": 1}, dict, {"a": 1}),
        (2.5, float, 2.5),
        (None, type(None), None),
    ],
    ids=repr,
)
def test_what_was_sent_is_received_by_its_type(kind: Kind, run_id: UUID, sent: Any, wanted: Any, given: Any) -> None:
    send_input("of another type" if sent != "a" else 5, run_id)
    send(kind, sent, run_id)
    send(kind, sent, run_id)
    assert received(kind, wanted, flow_run_id=run_id) == [given, given]


def test_a_run_input_is_received_by_its_class(kind: Kind, run_id: UUID) -> None:
    send(kind, Person(name="Ann"), run_id)
    (person,) = received(kind, Person, flow_run_id=run_id)
    assert type(person) is Person and person.name == "Ann"


def test_a_pydantic_model_is_received_as_one(run_id: UUID) -> None:
    send_input(City(name="Oslo", deg=2.5), run_id)
    (city,) = receive_input(City, timeout=0, flow_run_id=run_id)
    assert isinstance(city, City) and isinstance(city, RunInput)
    assert (city.name, city.degrees) == ("Oslo", 2.5)


def test_inputs_come_in_the_order_in_which_they_were_sent(kind: Kind, run_id: UUID) -> None:
    for number in range(250):
        send_input(number, run_id)
    assert received(kind, int, flow_run_id=run_id) == list(range(250))


def test_each_iterator_gives_each_input_once(kind: Kind, run_id: UUID) -> None:
    send_input(1, run_id)
    inputs = [receive_input(int, timeout=0, flow_run_id=run_id) for _ in range(2)]
    assert [list(each) for each in inputs] == [[1], [1]]
    send_input(2, run_id)
    assert [list(each) for each in inputs] == [[2], [2]]
    keys = inputs[0].exclude_keys
    assert received(kind, int, flow_run_id=run_id, exclude_keys=keys) == []


def test_keys_may_begin_otherwise(kind: Kind, run_id: UUID) -> None:
    send(kind, 1, run_id, key_prefix="mine")
    assert received(kind, int, flow_run_id=run_id) == []
    assert received(kind, int, flow_run_id=run_id, key_prefix="mine") == [1]
    assert received(kind, int, flow_run_id=run_id, key_prefix="mi") == [1]


def test_who_waits_is_told_at_once(kind: Kind, run_id: UUID) -> None:
    """`poll_interval` has no effect."""
    inputs = receive_input(int, timeout=PATIENCE, poll_interval=3600, flow_run_id=run_id)
    sender = threading.Timer(0.05, send_input, (7, run_id))
    sender.start()
    assert (asyncio.run(inputs.__anext__()) if kind.is_async else next(inputs)) == 7
    sender.join()


def test_a_thousand_who_wait_need_no_threads(stored: Stored, run_id: UUID) -> None:
    async def main() -> tuple[list[int], int]:
        waiting = [asyncio.ensure_future(receive_input(int, flow_run_id=run_id).anext()) for _ in range(1000)]
        await asyncio.sleep(0)
        await asend_input(7, run_id)
        return await asyncio.gather(*waiting), threading.active_count()

    values, threads = asyncio.run(main())
    assert values == [7] * 1000
    assert threads < 50


def test_nothing_in_time(kind: Kind, run_id: UUID) -> None:
    assert received(kind, int, timeout=0.01, flow_run_id=run_id) == []
    with pytest.raises(TimeoutError, match=r"waiting for input: within 0\.01 second.*'intautomaticruninput-auto'"):
        received(kind, int, timeout=0.01, flow_run_id=run_id, raise_timeout_error=True)
    with pytest.raises(TimeoutError, match="Timed out waiting for input"):
        kind.call(receive_input(int, timeout=0.01, flow_run_id=run_id).next)


def test_what_does_not_fit_is_an_error_and_the_next_one_follows(run_id: UUID) -> None:
    send_input("three", run_id, key_prefix="n")
    send_input(4, run_id, key_prefix="n")
    inputs = receive_input(int, timeout=0, flow_run_id=run_id, key_prefix="n")
    with pytest.raises(ValidationError, match="should be a valid integer"):
        next(inputs)
    assert next(inputs) == 4


def test_what_is_no_json_is_an_error_that_names_the_key(stored: Stored, run_id: UUID) -> None:
    request = CreateFlowRunInputRequest()
    request.flow_run_input.flow_run_id, request.flow_run_input.key = str(run_id), "n-1"
    request.flow_run_input.value.data = b"\xff"
    stored.client.call(stored.client.flow_runs.CreateFlowRunInput, request)
    with pytest.raises(SerializationError, match="key 'n-1'; inputs are json/plain"):
        next(receive_input(int, timeout=0, flow_run_id=run_id, key_prefix="n"))


def test_a_run_that_is_deleted_meanwhile(stored: Stored, kind: Kind, run_id: UUID) -> None:
    inputs = receive_input(int, timeout=PATIENCE, flow_run_id=run_id)
    delete = DeleteFlowRunRequest(id=str(run_id))
    timer = threading.Timer(0.05, stored.client.call, (stored.client.flow_runs.DeleteFlowRun, delete))
    timer.start()
    with pytest.raises(ObjectNotFound, match="there is no flow run"):
        kind.call(inputs.next)
    timer.join()


# Conversations


def test_flows_answer_each_other(stored: Stored, kind: Kind) -> None:
    ids: dict[str, str] = {}
    known = threading.Event()

    @kind.flow()
    def squares() -> Any:
        ids["squares"] = runtime.flow_run.id or ""
        known.set()
        number = yield Number.receive(timeout=PATIENCE).next()
        yield number.respond(Number(number=number.number**2))

    @kind.flow()
    def asks() -> Any:
        assert known.wait(PATIENCE)
        yield Number(number=7).send_to(UUID(ids["squares"]))
        answer = yield Number.receive(timeout=PATIENCE).next()
        return answer.number, answer.metadata.sender

    other = threading.Thread(target=kind.call, args=(squares,))
    other.start()
    number, sender = kind.call(asks)
    other.join(PATIENCE)
    assert (number, sender) == (49, f"antiphon.flow-run.{ids['squares']}")


def test_metadata_says_where_it_came_from(run_id: UUID) -> None:
    send_input(3, run_id, sender="me")
    (told,) = receive_input(int, timeout=0, flow_run_id=run_id, with_metadata=True)
    assert isinstance(told, AutomaticRunInput) and told.value == 3
    assert (told.metadata.sender, told.metadata.receiver) == ("me", run_id)
    assert told.metadata.key.startswith("intautomaticruninput-auto-")
    with pytest.raises(RuntimeError, match="Cannot respond to an input that was not sent by a flow run"):
        told.respond(Person())


# Wrong use


@pytest.mark.parametrize(
    "use", [lambda: receive_input(int), lambda: read_flow_run_input("k"), lambda: Person.receive()], ids=range(3)
)
def test_outside_of_a_run(use: Callable[[], Any]) -> None:
    with pytest.raises(MissingContextError, match="No flow run is in progress here: name one by flow_run_id"):
        use()


def test_what_cannot_be_sent(run_id: UUID) -> None:
    with pytest.raises(TypeError, match="Inputs have a type"):
        send_input(threading.Lock(), run_id)
    with pytest.raises(TypeError, match="3 is none"):
        receive_input(3, flow_run_id=run_id)
    with pytest.raises(ObjectNotFound, match="there is no flow run"):
        send_input(3, uuid4())
    with pytest.raises(ServerError, match="at most 524288 bytes"):
        send_input("x" * 600_000, run_id)
    with pytest.raises(SerializationError, match="A flow run can be told what JSON can say"):
        create_flow_run_input("k", object(), run_id)
    with pytest.raises(ValueError, match="badly formed"):
        send_input(3, "no id")
    with pytest.raises(ValueError, match="badly formed"):
        receive_input(int, flow_run_id="no id")


# Keys, and what is kept under them


def test_an_input_under_a_key_of_ones_own(run_id: UUID) -> None:
    create_flow_run_input("k", {"a": 1}, run_id)
    assert read_flow_run_input("k", run_id) == {"a": 1}
    assert read_flow_run_input("other", run_id) is None
    with pytest.raises(ObjectAlreadyExists, match="take another key"):
        create_flow_run_input("k", 2, run_id)
    create_flow_run_input("k2", 2, run_id)
    assert [each.key for each in filter_flow_run_input("k", 5, flow_run_id=run_id)] == ["k", "k2"]
    assert [each.key for each in filter_flow_run_input("k", 5, {"k"}, flow_run_id=run_id)] == ["k2"]
    delete_flow_run_input("k", run_id)
    with pytest.raises(ObjectNotFound, match="was told nothing under the key 'k'"):
        delete_flow_run_input("k", run_id)


def test_keysets() -> None:
    keys = {"description": "k-description", "response": "k-response", "schema": "k-schema"}
    assert keyset_from_base_key("k") == keys
    assert Person.keyset_from_type()["schema"] == "person-schema"
    paused = Paused()
    paused.state_details.pause_key = "k"
    assert keyset_from_paused_state(paused) == {**keys, "response": "k"}
    with pytest.raises(RuntimeError, match="RUNNING asks for no input"):
        keyset_from_paused_state(Running())


def test_a_schema_is_saved_and_an_answer_loaded(kind: Kind, run_id: UUID) -> None:
    keys = keyset_from_base_key("mine")
    wanted = Person.with_initial_data(description="Who?", name="Bob")
    kind.call(wanted.asave if kind.is_async else wanted.save, keys, run_id)
    assert read_flow_run_input("mine-schema", run_id)["properties"]["name"]["default"] == "Bob"
    assert read_flow_run_input("mine-description", run_id) == "Who?"
    load = wanted.aload if kind.is_async else wanted.load
    assert kind.call(load, keys, run_id).name == "Bob"
    create_flow_run_input("mine-response", {"name": "Ann"}, run_id)
    person = kind.call(load, keys, run_id)
    assert person.name == "Ann" and person.metadata.receiver == run_id


def test_initial_data_keeps_what_a_field_demands() -> None:
    class Guest(RunInput):
        age: int = Field(ge=18, description="in years")

    wanted = Guest.with_initial_data(age=20, place="Rome")
    assert wanted().model_dump() == {"age": 20, "place": "Rome"}
    assert wanted.model_json_schema()["properties"]["age"]["description"] == "in years"
    with pytest.raises(ValidationError, match="greater than or equal to 18"):
        wanted(age=7)
    assert issubclass(wanted, Guest)


def test_classes_for_types() -> None:
    assert run_input_subclass_from_type(Person) is Person
    assert issubclass(run_input_subclass_from_type(City), City)
    assert run_input_subclass_from_type(list[int]).__name__ == "listAutomaticRunInput"
    assert run_input_subclass_from_type(int)(value=3).value == 3
