"""What a run takes from runs before it: futures and states among its arguments, and what it is to wait for."""

from collections.abc import Iterable
from typing import Any

from antiphon.collections_visit import Upstream, find_upstream, is_upstream, resolve
from antiphon.engine.effects import Await, Life
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import UpstreamTaskError
from antiphon.future_protocol import is_future
from antiphon.state_core import State


def listed(wait_for: Any) -> list[Any]:
    """What a run waits for, as it was given: many, one alone, or None. Raises TypeError for anything else."""
    if wait_for is None:
        return []
    if is_upstream(wait_for):
        return [wait_for]
    if not isinstance(wait_for, Iterable):
        raise TypeError(f"wait_for is a list of futures and states, not {type(wait_for).__name__}: {wait_for!r}.")
    return list(wait_for)


def upstream_in(values: Iterable[Any]) -> list[Upstream]:
    """The futures and states in any of these."""
    return [each for value in values for each in find_upstream(value)]


def task_run_ids(upstream: Iterable[Upstream]) -> list[str]:
    """Which task runs these stand for, each once."""
    ids = (
        each.state_details.task_run_id if isinstance(each, State) else getattr(each, "task_run_id", None)
        for each in upstream
    )
    return list(dict.fromkeys(each for each in ids if each))


def inputs(parameters: dict[str, Any], wait_for: Iterable[Any], upstream: Iterable[Upstream], scope: RunScope) -> Life:
    """An engine's part: waits until all of `upstream` has ended; gives the parameters with results in place.

    Raises UpstreamTaskError where one did not complete and `allow_failure` does not stand around it.
    """
    futures = [each for each in upstream if is_future(each)]
    if futures:
        yield Await(futures, scope)
    for value in wait_for:
        resolve(value, _completed, on_allow_failure=_ended)
    return {name: resolve(value, _result, on_allow_failure=_result_or_failure) for name, value in parameters.items()}


def plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """The same where nothing is upstream, only perhaps an annotation."""
    return {name: resolve(value, _result) for name, value in parameters.items()}


def _result(upstream: Upstream) -> Any:
    return _completed(upstream).outcome()


def _result_or_failure(upstream: Upstream) -> Any:
    return _ended(upstream).outcome(raise_on_failure=False)


def _completed(upstream: Upstream) -> State:
    state = _state_of(upstream)
    if not state.is_completed():
        run = next(iter(task_run_ids([upstream])), None) or state.state_details.flow_run_id
        what = f"Run {run}" if run else "A run"
        raise UpstreamTaskError(f"{what} that this one builds on did not complete: it is {state}.")
    return state


def _ended(upstream: Upstream) -> State:
    state = _state_of(upstream)
    return state if state.is_final() else _completed(upstream)


def _state_of(upstream: Upstream) -> State:
    return upstream if isinstance(upstream, State) else upstream.state
