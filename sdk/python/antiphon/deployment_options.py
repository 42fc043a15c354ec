"""What deployments are made with: the options of `Flow.to_deployment` and its like."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, TypeAlias, TypedDict

from antiphon.schedules import Cron, Interval, RRule, Schedule

Times: TypeAlias = "float | timedelta | Iterable[float | timedelta] | None"
Rules: TypeAlias = "str | Iterable[str] | None"


class EntrypointType(Enum):
    """How a deployment names its flow: by a file, or by a module that can be imported where it runs."""

    FILE_PATH = "file_path"
    MODULE_PATH = "module_path"


class DeploymentOptions(TypedDict, total=False):
    """All by name; see `Flow.to_deployment`."""

    interval: Times
    cron: Rules
    rrule: Rules
    paused: bool | None
    schedule: Schedule | None
    schedules: Sequence[Schedule] | None
    #: A number or a ConcurrencyLimitConfig.
    concurrency_limit: Any
    triggers: Any
    parameters: Mapping[str, Any] | None
    description: str | None
    tags: list[str] | None
    version: str | None
    version_type: str | None
    enforce_parameter_schema: bool
    work_pool_name: str | None
    work_queue_name: str | None
    job_variables: Mapping[str, Any] | None
    _sla: Any


def given_schedules(
    interval: Times = None,
    cron: Rules = None,
    rrule: Rules = None,
    schedule: Schedule | None = None,
    schedules: Sequence[Schedule] | None = None,
) -> list[Schedule] | None:
    """Return the schedules that were given in one of these ways; None where none was. Raises ValueError for two of
    them, TypeError for what is no schedule."""
    ways = {"interval": interval, "cron": cron, "rrule": rrule, "schedule": schedule, "schedules": schedules}
    names = [name for name, value in ways.items() if value is not None]
    if len(names) > 1:
        raise ValueError(
            f"Only one of interval, cron, rrule, schedule and schedules can be given, and these were: "
            f"{', '.join(names)}. For several use schedules=[Cron(...), Interval(...)]."
        )
    if interval is not None:
        return [Interval(each) for each in _each(interval, (int, float, timedelta))]
    if cron is not None:
        return [Cron(each) for each in _each(cron, (str,))]
    if rrule is not None:
        return [RRule(each) for each in _each(rrule, (str,))]
    if schedule is None and schedules is None:
        return None
    listed = [schedule] if schedules is None else list(schedules)
    for each in listed:
        if not isinstance(each, Schedule):
            raise TypeError(
                f"A schedule is made by Cron, Interval or RRule of antiphon.schedules, and this is "
                f"{type(each).__name__}: {each!r}."
            )
    return listed  # type: ignore[return-value]  # each was looked at


def _each(value: Any, kinds: tuple[type, ...]) -> Iterable[Any]:
    return [value] if isinstance(value, kinds) or not isinstance(value, Iterable) else value
