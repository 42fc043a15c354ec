"""Flow runs that pause until they are told something: by the SDK, or by the command line."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import Field
from typer.testing import CliRunner

from antiphon import flow, pause_flow_run, resume_flow_run, runtime
from antiphon.cli.main import app
from antiphon.exceptions import ServerError
from antiphon.input import RunInput, keyset_from_paused_state
from antiphon.state_protos import from_proto
from antiphon.v1.flow_run_pb2 import FlowRun
from kinds import Kind
from on_pause import OnPause
from stored import Stored


class Approval(RunInput):
    approved: bool = False
    comment: str = Field(default="", max_length=5)


@pytest.fixture
def hand(stored: Stored) -> Iterator[OnPause]:
    with OnPause(stored.client) as hand:
        yield hand


def resume(answer: Any = None) -> Any:
    return lambda run: resume_flow_run(run.id, answer)


def run_id() -> str:
    return runtime.flow_run.id or ""


def test_a_run_input_is_asked_for_with_defaults_and_a_description(stored: Stored, hand: OnPause, kind: Kind) -> None:
    schemas: list[Any] = []

    def look_and_answer(run: FlowRun) -> None:
        schemas.append(json.loads(run.state.details.input_schema))
        keys = keyset_from_paused_state(from_proto(run.state))
        resume_flow_run(run.id, {"approved": True})
        assert Approval.load(keys, run.id).approved

    @kind.flow()
    def asking() -> Any:
        hand(run_id(), look_and_answer)
        wanted = Approval.with_initial_data(description="Is it good?", comment="no")
        answer = yield pause_flow_run(wait_for_input=wanted)
        return type(answer) is wanted, answer.approved, answer.comment, str(answer.metadata.receiver) == run_id()

    assert kind.call(asking) == (True, True, "no", True)
    (schema,) = schemas
    assert schema["description"] == "Is it good?"
    assert schema["properties"]["comment"] == {"default": "no", "maxLength": 5, "title": "Comment", "type": "string"}


def test_no_answer_leaves_it_to_the_defaults(stored: Stored, hand: OnPause) -> None:
    @flow
    def asking() -> Any:
        hand(run_id(), resume())
        return pause_flow_run(wait_for_input=Approval).approved

    assert asking() is False


def test_no_answer_where_one_is_needed(stored: Stored, hand: OnPause) -> None:
    def answer(run: FlowRun) -> None:
        with pytest.raises(ServerError, match="none was sent"):
            resume_flow_run(run.id)
        resume_flow_run(run.id, 3)

    @flow
    def asking() -> Any:
        hand(run_id(), answer)
        return pause_flow_run(wait_for_input=int)

    assert asking() == 3


@pytest.mark.parametrize(
    ("wanted", "answer", "given"),
    [
        (int, {"value": 3}, 3),
        (list[str], {"value": ["a"]}, ["a"]),
        (dict[str, int], {"value": {"value": 1}}, {"value": 1}),
    ],
    ids=repr,
)
def test_a_value_may_be_answered_as_prefect_has_it(
    stored: Stored, hand: OnPause, wanted: Any, answer: Any, given: Any
) -> None:
    @flow
    def asking() -> Any:
        hand(run_id(), resume(answer))
        return pause_flow_run(wait_for_input=wanted)

    assert asking() == given


def test_extra_fields_are_refused(stored: Stored, hand: OnPause) -> None:
    def wrong_then_right(run: FlowRun) -> None:
        with pytest.raises(ServerError, match="approvd"):
            resume_flow_run(run.id, {"approvd": True})
        with pytest.raises(ServerError, match=r"input\.comment"):
            resume_flow_run(run.id, {"comment": "too long"})
        resume_flow_run(run.id, {"approved": True})

    @flow
    def asking() -> Any:
        hand(run_id(), wrong_then_right)
        return pause_flow_run(wait_for_input=Approval).approved

    assert asking() is True


def test_the_command_line_answers(stored: Stored, hand: OnPause) -> None:
    said: list[str] = []

    def antiphon(*arguments: str) -> int:
        result = CliRunner().invoke(app, arguments)
        said.append(result.output)
        return result.exit_code

    def answer(run: FlowRun) -> None:
        assert antiphon("flow-run", "inspect", run.id) == 0
        assert antiphon("flow-run", "resume", run.id, "--input", '{"approved": 3}') == 1
        assert antiphon("flow-run", "resume", run.id, "--input", '{"approved": true}') == 0

    @flow
    def asking() -> Any:
        hand(run_id(), answer)
        wanted = Approval.with_initial_data(description="Is it good?", comment="no")
        return pause_flow_run(wait_for_input=wanted).approved

    assert asking() is True
    assert "Is it good?" in said[0] and "comment" in said[0]
    assert "input.approved" in said[1] and "Is it good?" in said[1]
