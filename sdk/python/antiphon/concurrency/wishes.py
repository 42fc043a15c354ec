"""What is asked of concurrency limits, checked before anybody asks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.context import FlowRunContext, TaskRunContext

#: Bounds of the contract.
MAX_NAMES, MAX_NAME_LENGTH, MAX_SLOTS = 100, 500, 2**31 - 1
SHORTEST_LEASE, LONGEST_LEASE = 1.0, 86_400.0


@dataclass(frozen=True, slots=True)
class Wish:
    """Slots of each of some limits, all at once."""

    names: tuple[str, ...]
    slots: int
    #: Seconds to wait for them; None waits for ever.
    timeout: float | None
    max_retries: int | None
    #: Seconds that they are kept without a renewal.
    lease_duration: float
    #: Every name must have a limit.
    strict: bool
    #: Who this is, for people.
    holder: str
    #: They come free by themselves, and nobody gives them back.
    decaying: bool


def checked_wish(
    names: Any,
    occupy: Any,
    timeout_seconds: Any,
    *,
    strict: Any,
    max_retries: Any = None,
    lease_duration: Any = LONGEST_LEASE,
    holder: Any = None,
    decaying: bool = False,
) -> Wish:
    """Raises TypeError and ValueError, which name the argument that is wrong."""
    return Wish(
        names=_checked_names(names),
        slots=_checked_number(occupy, "occupy", 1, MAX_SLOTS),
        timeout=None if timeout_seconds is None else _checked_seconds(timeout_seconds, "timeout_seconds", 0.0, None),
        max_retries=None if max_retries is None else _checked_number(max_retries, "max_retries", 0, MAX_SLOTS),
        lease_duration=_checked_seconds(lease_duration, "lease_duration", SHORTEST_LEASE, LONGEST_LEASE),
        strict=bool(strict),
        holder=_described(holder),
        decaying=decaying,
    )


def _checked_names(names: Any) -> tuple[str, ...]:
    if isinstance(names, str):
        names = [names] if names else []
    if not isinstance(names, Iterable) or isinstance(names, Mapping | bytes):
        raise TypeError(f"names is the name of a concurrency limit or a list of names, not {type(names).__name__}.")
    # Each once, in their order.
    checked = tuple(dict.fromkeys(names))
    for name in checked:
        if not isinstance(name, str):
            raise TypeError(f"The name of a concurrency limit is text, not {type(name).__name__}: {name!r}.")
        if not 1 <= len(name) <= MAX_NAME_LENGTH:
            raise ValueError(f"The name of a concurrency limit has 1 to {MAX_NAME_LENGTH} characters: {name[:40]!r}.")
    if len(checked) > MAX_NAMES:
        raise ValueError(f"At most {MAX_NAMES} concurrency limits can be named at once, not {len(checked)}.")
    return checked


def _checked_number(number: Any, argument: str, least: int, most: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"{argument} is a whole number, not {type(number).__name__}.")
    if not least <= number <= most:
        raise ValueError(f"{argument} is from {least} to {most:,}, not {number}.")
    return number


def _checked_seconds(seconds: Any, argument: str, least: float, most: float | None) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{argument} is a number of seconds, not {type(seconds).__name__}.")
    if not seconds >= least or (most is not None and seconds > most):
        bound = f"at least {least:g}" if most is None else f"from {least:g} to {most:,.0f}"
        raise ValueError(f"{argument} is {bound} seconds, not {seconds}.")
    return float(seconds)


def _described(holder: Any) -> str:
    """Who it is, in words: what was given, or the run that the calling code is part of."""
    if holder is None:
        task_run, flow_run = TaskRunContext.around(), FlowRunContext.around()
        if task_run is not None:
            return f"task_run:{task_run.task_run_id}"
        return f"flow_run:{flow_run.flow_run_id}" if flow_run is not None else ""
    if isinstance(holder, str):
        return holder[:MAX_NAME_LENGTH]
    kind, id = (
        (holder.get("type"), holder.get("id"))
        if isinstance(holder, Mapping)
        else (getattr(holder, "type", None), getattr(holder, "id", None))
    )
    if kind is None or id is None:
        raise TypeError(f"holder is text, or has a `type` and an `id`, and {holder!r} has not.")
    return f"{kind}:{id}"[:MAX_NAME_LENGTH]
