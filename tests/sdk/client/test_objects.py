"""Objects of the client that no server has to be asked for."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from antiphon.client import schemas
from antiphon.client.conversions.runs import flow_run_from, flow_run_input_from, task_run_from
from antiphon.client.conversions.values import read_json_object, read_json_text, uuid_text
from antiphon.client.schemas import actions, filters, objects, responses, sorting
from antiphon.client.schemas.objects import ConcurrencyOptions, Flow, FlowRun, FlowRunInput, State, TaskRun
from antiphon.exceptions import SerializationError
from antiphon.json_payloads import json_payload
from antiphon.payloads import encode
from antiphon.state_protos import to_proto
from antiphon.states import Completed, Running
from antiphon.timestamps import write_timestamp
from antiphon.v1 import flow_run_input_pb2, flow_run_pb2, task_run_pb2


@pytest.mark.parametrize("module", [actions, filters, objects, responses, sorting], ids=lambda each: each.__name__)
def test_all_names_are_there(module: object) -> None:
    names = module.__all__  # type: ignore[attr-defined]
    assert len(names) == len(set(names)) and all(hasattr(module, each) for each in names)


def test_the_common_names_are_in_the_package_too() -> None:
    there = {**vars(objects), **vars(responses)}
    assert {name: getattr(schemas, name) for name in schemas.__all__} == {name: there[name] for name in schemas.__all__}
    assert schemas.sorting is sorting
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = schemas.nonsense


def test_objects_can_be_made_by_hand() -> None:
    run = FlowRun(flow_id=uuid4(), state=Completed(message="done"))
    assert isinstance(run.id, UUID) and "-" in run.name and run.state is not None
    again = FlowRun.model_validate(run.model_dump() | {"state": run.state})
    assert again == run
    assert run.model_dump(mode="json")["state"]["message"] == "done"
    assert isinstance(run.model_copy(update={"name": "x"}).state, State)
    assert Flow(name="f", labels=None).labels == {}  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="flow_id"):
        FlowRun()  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="grace_period_seconds"):
        ConcurrencyOptions(collision_strategy="ENQUEUE", grace_period_seconds=5)  # type: ignore[arg-type]


def test_times_of_a_run_in_progress() -> None:
    now = datetime.now(UTC)
    proto = flow_run_pb2.FlowRun(id=str(uuid4()), flow_id=str(uuid4()), name="n")
    write_timestamp(proto.expected_start_time, now - timedelta(hours=2))
    late = flow_run_from(proto)
    assert late.estimated_start_time_delta >= timedelta(hours=2) and late.state is None
    write_timestamp(proto.start_time, now - timedelta(hours=1))
    proto.total_run_time.FromSeconds(60)
    proto.state.CopyFrom(to_proto(Running()))
    write_timestamp(proto.state.create_time, now - timedelta(hours=1))
    running = flow_run_from(proto)
    assert running.estimated_start_time_delta == timedelta(hours=1)
    assert running.total_run_time == timedelta(minutes=1)
    assert timedelta(hours=1, minutes=1) <= running.estimated_run_time < timedelta(hours=1, minutes=2)


def test_a_run_that_ended_without_a_start_is_not_late() -> None:
    proto = task_run_pb2.TaskRun(id=str(uuid4()), task_key="k", dynamic_key="0", name="n")
    write_timestamp(proto.expected_start_time, datetime(2026, 1, 1, tzinfo=UTC))
    proto.state.CopyFrom(to_proto(Completed()))
    assert task_run_from(proto).estimated_start_time_delta == timedelta(0)
    assert isinstance(task_run_from(proto), TaskRun)


def test_payloads() -> None:
    assert read_json_object(encode({"a": [1]})) == {"a": [1]}
    assert read_json_object(encode({"a": object})) == read_json_object(encode([1])) == {}
    assert read_json_text(encode(None)) == "null"
    with pytest.raises(SerializationError, match="written as binary/cloudpickle, which is not json/plain"):
        read_json_text(encode(object))
    assert read_json_object(json_payload(Flow(name="f"), "flow"))["name"] == "f"
    assert read_json_object(json_payload({"a": (1, 2)}, "a tuple")) == {"a": [1, 2]}
    with pytest.raises(SerializationError, match=r"x cannot be said in JSON: .* Give numbers"):
        json_payload(float("nan"), "x")


def test_inputs_have_an_id_that_stays() -> None:
    proto = flow_run_input_pb2.FlowRunInput(flow_run_id=str(uuid4()), key="k", value=encode([1]), sender="me")
    first, second = flow_run_input_from(proto), flow_run_input_from(proto)
    assert isinstance(first, FlowRunInput) and first.id == second.id
    assert (first.decoded_value, first.sender) == ([1], "me")


@pytest.mark.parametrize("id", [3, None, "x", ""])
def test_what_is_no_id(id: object) -> None:
    with pytest.raises(ValueError, match="flow_id is a UUID"):
        uuid_text(id, "flow_id")  # type: ignore[arg-type]
