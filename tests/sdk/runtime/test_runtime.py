"""Facts on the run in progress."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from antiphon.context import FlowRunContext, TaskRunContext
from antiphon.exceptions import SettingError
from antiphon.runtime import deployment, flow_run, task_run
from antiphon.settings import temporary_settings

START = datetime(2024, 5, 6, tzinfo=UTC)


@pytest.fixture
def flow() -> Iterator[FlowRunContext]:
    context = FlowRunContext(
        flow=SimpleNamespace(name="etl"),
        flow_run_id="flow-run",
        flow_run_name="brisk-otter",
        flow_name="etl",
        flow_version="7",
        parameters={"x": 1},
        start_time=START,
        run_count=2,
        tags=frozenset({"b", "a"}),
        parent_flow_run_id="parent",
        root_flow_run_id="root",
    )
    with context:
        yield context


@contextlib.contextmanager
def in_task(flow_run_id: str | None = "flow-run") -> Iterator[None]:
    with TaskRunContext(
        task=SimpleNamespace(name="load"),
        task_run_id="task-run",
        task_run_name="load-0",
        flow_run_id=flow_run_id,
        parameters={"y": 2},
        run_count=3,
        tags=frozenset({"t"}),
    ):
        yield


def facts(module: ModuleType) -> dict[str, Any]:
    return {name: getattr(module, name) for name in dir(module)}


def test_outside_of_runs_all_is_none_or_empty() -> None:
    with temporary_settings({"api_url": None}):
        assert {name: value for name, value in facts(flow_run).items() if value is not None} == {
            "parameters": {},
            "tags": [],
            "run_count": 0,
        }
        assert {name: value for name, value in facts(task_run).items() if value is not None} == {
            "parameters": {},
            "tags": [],
            "run_count": 0,
        }
        assert {name: value for name, value in facts(deployment).items() if value is not None} == {"parameters": {}}


@pytest.mark.usefixtures("flow")
def test_facts_of_a_flow_run() -> None:
    with temporary_settings({"api_url": "grpc://there:1"}):
        assert {name: value for name, value in facts(flow_run).items() if value is not None} == {
            "id": "flow-run",
            "name": "brisk-otter",
            "flow_name": "etl",
            "flow_version": "7",
            "parameters": {"x": 1},
            "tags": ["a", "b"],
            "run_count": 2,
            "scheduled_start_time": START,
            "parent_flow_run_id": "parent",
            "root_flow_run_id": "root",
            "api_url": "grpc://there:1",
        }
        assert deployment.flow_run_id == "flow-run"
        assert task_run.id is None


@pytest.mark.usefixtures("flow")
def test_facts_of_a_task_run() -> None:
    with in_task(), temporary_settings({"api_url": None}):
        assert {name: value for name, value in facts(task_run).items() if value is not None} == {
            "id": "task-run",
            "name": "load-0",
            "task_name": "load",
            "parameters": {"y": 2},
            "tags": ["t"],
            "run_count": 3,
        }
        assert flow_run.name == "brisk-otter"


def test_a_task_away_from_its_flow_run_knows_its_id() -> None:
    with in_task():
        assert flow_run.id == "flow-run"
        assert flow_run.name is None
    with in_task(flow_run_id=None):
        assert flow_run.id is None


def test_facts_cannot_be_changed_through_what_they_give(flow: FlowRunContext) -> None:
    flow_run.parameters["x"] = 5
    flow_run.tags.append("c")
    assert flow.parameters == {"x": 1}
    assert flow_run.tags == ["a", "b"]


@pytest.mark.parametrize(
    ("module", "variable", "text", "value"),
    [
        (flow_run, "FLOW_RUN__NAME", "mock", "mock"),
        (flow_run, "FLOW_RUN__NAME", "", ""),
        (flow_run, "FLOW_RUN__RUN_COUNT", "9", 9),
        (flow_run, "FLOW_RUN__TAGS", '["x"]', ["x"]),
        (flow_run, "FLOW_RUN__PARAMETERS", '{"x": 1}', {"x": 1}),
        (flow_run, "FLOW_RUN__SCHEDULED_START_TIME", "2024-05-06", START),
        (flow_run, "FLOW_RUN__SCHEDULED_START_TIME", "2024-05-06T02:00:00+02:00", START),
        (task_run, "TASK_RUN__ID", "mock", "mock"),
        (deployment, "DEPLOYMENT__VERSION", "3", "3"),
    ],
)
@pytest.mark.usefixtures("flow")
def test_the_environment_replaces_facts(
    module: ModuleType, variable: str, text: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ANTIPHON__RUNTIME__{variable}", text)
    assert getattr(module, variable.partition("__")[2].lower()) == value


@pytest.mark.parametrize(
    ("variable", "text"), [("RUN_COUNT", "many"), ("TAGS", "a,b"), ("TAGS", "{}"), ("SCHEDULED_START_TIME", "soon")]
)
def test_a_replacement_of_the_wrong_type_is_refused(variable: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ANTIPHON__RUNTIME__FLOW_RUN__{variable}", text)
    with pytest.raises(SettingError, match=f"ANTIPHON__RUNTIME__FLOW_RUN__{variable} cannot be"):
        getattr(flow_run, variable.lower())


@pytest.mark.parametrize("module", [flow_run, task_run, deployment])
def test_a_fact_that_does_not_exist(module: ModuleType) -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'colour'; it has: .*id"):
        _ = module.colour
