"""What tests often ask."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from antiphon.client.conversions.runs import flow_run_from
from antiphon.client.schemas.objects import FlowRun
from antiphon.engine.dual import Work, awaitable, dual
from antiphon.engine.server_calls import call_server
from antiphon.exceptions import ObjectNotFound
from antiphon.filter_text import quote
from antiphon.result_storage_opening import open_storage
from antiphon.result_store import is_reference
from antiphon.serializers import PREFIX, resolve_serializer
from antiphon.state_core import State
from antiphon.v1.flow_run_service_pb2 import ListFlowRunsRequest, ListFlowRunsResponse


def exceptions_equal(a: BaseException | None, b: BaseException | None) -> bool:
    """Whether two exceptions are of the same type and have the same arguments, and so have their causes. Exceptions
    compare by identity otherwise, which a pickled one has lost."""
    if a is None or b is None:
        return a is b
    if a is b:
        return True
    return (
        type(a) is type(b)
        and repr(a.args) == repr(b.args)
        and exceptions_equal(a.__cause__, b.__cause__)
        and (a.__suppress_context__ or exceptions_equal(a.__context__, b.__context__))
    )


@contextmanager
def assert_does_not_warn(ignore_warnings: list[type[Warning]] | None = None) -> Iterator[None]:
    """Inside the `with` block, a warning is an error, but for those of the categories to ignore."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in ignore_warnings or []:
            warnings.simplefilter("ignore", category)
        try:
            yield
        except Warning as warning:
            raise AssertionError(f"There was a warning: {type(warning).__name__}: {warning}") from warning


def assert_blocks_equal(found: Any, expected: Any, exclude_private: bool = True, **kwargs: Any) -> None:
    """Assert that two blocks are of the same type and hold the same. `kwargs` go to `model_dump`.

    Without `exclude_private`, their private attributes have to be equal too.
    """
    assert type(found) is type(expected), f"{type(found).__name__} is no {type(expected).__name__}"
    assert found.model_dump(**kwargs) == expected.model_dump(**kwargs)
    if not exclude_private:
        assert found.__pydantic_private__ == expected.__pydantic_private__


@dual
def get_most_recent_flow_run(client: Any = None, flow_name: str | None = None) -> Work[FlowRun]:
    """Return the flow run that was made last, of the flow with that name if given. In async code, a coroutine.

    `client` has no effect: the server is the one that the settings name. Raises ObjectNotFound where there is none.
    """
    request = ListFlowRunsRequest(page_size=1, order_by="create_time desc")
    if flow_name is not None:
        request.filter = f"flow_name = {quote(flow_name)}"
    answer = yield from call_server(lambda client: client.flow_runs.ListFlowRuns, request, ListFlowRunsResponse)
    if not answer.flow_runs:
        of_flow = "" if flow_name is None else f" of the flow {flow_name!r}"
        raise ObjectNotFound(f"There is no flow run{of_flow} yet.", code="NOT_FOUND")
    return flow_run_from(answer.flow_runs[0])


aget_most_recent_flow_run = awaitable(get_most_recent_flow_run)


async def assert_uses_result_serializer(state: State[Any], serializer: Any, client: Any = None) -> None:
    """Assert that the result of a state was written by this serializer, given as one or by name.

    Raises AssertionError, also where the result is not kept in storage. `client` has no effect.
    """
    expected = resolve_serializer(serializer)
    encoding = _reference(state)["encoding"]
    assert encoding.startswith(f"{PREFIX}{expected.type};"), f"The result was written as {encoding}."


async def assert_uses_result_storage(state: State[Any], storage: Any, client: Any = None) -> None:
    """Assert that the result of a state is kept in this storage: a folder, a URL, a storage block or its name.

    Raises AssertionError, also where the result is not kept in storage. `client` has no effect.
    """
    place = _reference(state)["storage"]
    assert place == open_storage(storage).url, f"The result is kept in {place}."


def _reference(state: State[Any]) -> dict[str, Any]:
    assert state.data is not None and is_reference(state.data), (
        "The result is not kept in storage: persist_result=True."
    )
    found: dict[str, Any] = json.loads(state.data.data)
    return found
