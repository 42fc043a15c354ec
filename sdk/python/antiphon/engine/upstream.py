"""What a task takes from runs before it."""

from collections.abc import Iterable
from typing import Any

from antiphon.collections_visit import find_futures, resolve
from antiphon.exceptions import UpstreamTaskError
from antiphon.future_protocol import FutureLike


def futures_in(parameters: dict[str, Any], wait_for: Iterable[Any]) -> list[FutureLike]:
    """The futures that must have ended before the task may run."""
    found: list[FutureLike] = []
    for value in parameters.values():
        found += find_futures(value)
    for value in wait_for:
        found += find_futures(value)
    return found


def resolved(parameters: dict[str, Any], wait_for: Iterable[Any]) -> dict[str, Any]:
    """The parameters with results in place of futures, which have all ended.

    Raises UpstreamTaskError where one did not complete and `allow_failure` does not stand around it.
    """
    for value in wait_for:
        resolve(value, _completed, on_allow_failure=_ended)
    return {name: resolve(value, _result, on_allow_failure=_result_or_failure) for name, value in parameters.items()}


def plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same where there is no future, only perhaps an annotation."""
    return {name: resolve(value, _result) for name, value in parameters.items()}


def _result(future: FutureLike) -> Any:
    return _completed(future).state.result()


def _result_or_failure(future: FutureLike) -> Any:
    return _ended(future).state.result(raise_on_failure=False)


def _completed(future: FutureLike) -> FutureLike:
    state = future.state
    if not state.is_completed():
        run = getattr(future, "task_run_id", "")
        raise UpstreamTaskError(f"Task run {run} that this one builds on did not complete: it is {state}.")
    return future


def _ended(future: FutureLike) -> FutureLike:
    return future if future.state.is_final() else _completed(future)
