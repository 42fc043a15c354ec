"""Finds runs by what people type: an id, the start of one, or a name."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, TypeVar

import typer

from antiphon.cli.references import id_start, whole_id
from antiphon.cli.run_words import TYPE_PREFIX, is_state_type, moment_words, state_word
from antiphon.exceptions import AntiphonException, ObjectNotFound
from antiphon.filter_text import quote
from antiphon.service_client import ServiceClient
from antiphon.v1.flow_run_pb2 import FlowRun
from antiphon.v1.flow_run_service_pb2 import GetFlowRunRequest, GetFlowRunResponse, ListFlowRunsRequest
from antiphon.v1.state_pb2 import StateType
from antiphon.v1.task_run_pb2 import TaskRun
from antiphon.v1.task_run_service_pb2 import GetTaskRunRequest, GetTaskRunResponse, ListTaskRunsRequest

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, the first 4 or more characters of it, or its name.")
]

_MOST_CANDIDATES = 10

AnyRun = TypeVar("AnyRun", FlowRun, TaskRun)


class AmbiguousRun(AntiphonException):
    """Several runs fit what was typed; the message lists them."""


def run_filter(
    text: str,
    *,
    states: Sequence[str] = (),
    state_types: Sequence[str] = (),
    flow_names: Sequence[str] = (),
    names: Sequence[str] = (),
) -> str:
    """One filter from the user's own and the short options. A state may be a type (`FAILED`) or a name (`Late`).

    Raises typer.BadParameter for a type that there is not.
    """
    parts = [
        " OR ".join([*map(_state_term, states), *map(_type_term, state_types)]),
        " OR ".join(f"flow_name = {quote(name)}" for name in flow_names),
        " OR ".join(f"name = {quote(name)}" for name in names),
        text.strip(),
    ]
    return " AND ".join(f"({part})" for part in parts if part)


def _state_term(word: str) -> str:
    return _type_term(word) if is_state_type(word.upper()) else f"state.name = {quote(word)}"


def _type_term(word: str) -> str:
    return f"state.type = {state_type_of(word).removeprefix(TYPE_PREFIX)}"


def state_type_of(word: str) -> str:
    """Such as `STATE_TYPE_FAILED` for `failed`. Raises typer.BadParameter, which says what types there are."""
    if not is_state_type(word.upper()):
        types = ", ".join(name.removeprefix(TYPE_PREFIX) for name in StateType.keys()[1:])
        raise typer.BadParameter(f"{word!r} is no type of state; these are: {types}.")
    return TYPE_PREFIX + word.upper()


def find_flow_run(client: ServiceClient, reference: str) -> FlowRun:
    """Return the one flow run with this id, with an id that starts so (4 characters or more), or with this name.

    Raises ObjectNotFound, AmbiguousRun with the candidates, or what `ServiceClient.call` raises.
    """
    if (id := whole_id(reference)) is not None:
        response: GetFlowRunResponse = client.call(client.flow_runs.GetFlowRun, GetFlowRunRequest(id=id))
        return response.flow_run

    def fitting(filter_text: str) -> Iterator[FlowRun]:
        request = ListFlowRunsRequest(filter=filter_text)
        return client.pages(client.flow_runs.ListFlowRuns, request, "flow_runs", limit=_MOST_CANDIDATES + 1)

    return _only_one("flow run", reference, fitting, lambda run: run.flow_name)


def find_task_run(client: ServiceClient, reference: str) -> TaskRun:
    """Return the one task run with this id, with an id that starts so, or with this name. Raises as `find_flow_run`."""
    if (id := whole_id(reference)) is not None:
        response: GetTaskRunResponse = client.call(client.task_runs.GetTaskRun, GetTaskRunRequest(id=id))
        return response.task_run

    def fitting(filter_text: str) -> Iterator[TaskRun]:
        request = ListTaskRunsRequest(filter=filter_text)
        return client.pages(client.task_runs.ListTaskRuns, request, "task_runs", limit=_MOST_CANDIDATES + 1)

    return _only_one("task run", reference, fitting, lambda run: f"of flow run {run.flow_run_id}")


def _only_one(
    kind: str, reference: str, fitting: Callable[[str], Iterable[AnyRun]], origin: Callable[[AnyRun], str]
) -> AnyRun:
    """The run that fits what was typed. `fitting` gives the runs of a filter, `origin` says whose a run is."""
    filters = [f"name = {quote(reference.strip())}"]
    if (start := id_start(reference)) is not None:
        filters.append(f'id = "{start}*"')
    found = {run.id: run for text in filters for run in fitting(text)}
    if len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise ObjectNotFound(
            f"There is no {kind} {reference!r}. Give an id, the first 4 or more characters of one, or a name; see"
            f" `antiphon {kind.replace(' ', '-')} ls`.",
            code="NOT_FOUND",
        )
    lines = [
        f"    {run.id}  {run.name}  {origin(run)}  {state_word(run)}  {moment_words(run.create_time)}"
        for run in list(found.values())[:_MOST_CANDIDATES]
    ]
    if len(found) > _MOST_CANDIDATES:
        lines.append("    … and more")
    raise AmbiguousRun(f"Several {kind}s fit {reference!r}. Give the whole id of one:\n" + "\n".join(lines))
