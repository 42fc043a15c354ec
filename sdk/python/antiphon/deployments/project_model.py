"""What may stand in an `antiphon.yaml`."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from antiphon.client.schemas.objects import ConcurrencyLimitConfig
from antiphon.schedules import CatchUp, Cron, Interval, Overlap, RRule, Schedule

Steps = list[dict[str, Any]] | None


class _Entry(BaseModel):
    """A misspelt field is no silent one."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ScheduleEntry(_Entry):
    """One schedule; exactly one of `cron`, `interval` (in seconds) and `rrule`."""

    cron: str | None = None
    interval: float | timedelta | None = None
    rrule: str | None = None
    timezone: str | None = None
    anchor_date: datetime | None = None
    #: True if not given.
    day_or: bool | None = None
    active: bool = True
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    #: In seconds.
    jitter: float | timedelta | None = None
    catch_up: CatchUp | None = None
    overlap: Overlap | None = None
    excluded_calendars: list[str] = Field(default_factory=list)
    max_scheduled_runs: int | None = None

    @model_validator(mode="after")
    def _can_be(self) -> "ScheduleEntry":
        try:
            self.schedule()
        except TypeError as error:
            raise ValueError(str(error)) from None
        return self

    def schedule(self) -> Schedule:
        """Return it as code has it. Raises ValueError and TypeError for what cannot be."""
        given = [name for name in ("cron", "interval", "rrule") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"it has one of cron, interval and rrule, and this has {' and '.join(given) or 'none'}")
        _refuse_beside(given[0], {"anchor_date": self.anchor_date, "day_or": self.day_or})
        more = {name: getattr(self, name) for name in _SCHEDULE_OPTIONS}
        if self.cron is not None:
            return Cron(self.cron, day_or=self.day_or is not False, **more)
        if self.rrule is not None:
            return RRule(self.rrule, **more)
        return Interval(self.interval or 0, anchor_date=self.anchor_date, **more)


def _refuse_beside(kind: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value is not None and kind != _GOES_WITH[name]:
            raise ValueError(f"{name} goes with {_GOES_WITH[name]}, and this has {kind}")


_GOES_WITH = {"anchor_date": "interval", "day_or": "cron"}
_SCHEDULE_OPTIONS = (
    *("timezone", "active", "parameters", "slug", "jitter"),
    *("catch_up", "overlap", "excluded_calendars", "max_scheduled_runs"),
)


class WorkPoolEntry(_Entry):
    """Whose workers run it."""

    name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None


class DeploymentEntry(_Entry):
    """One deployment."""

    name: str | None = None
    flow_name: str | None = None
    version: str | None = None
    version_type: str | None = None
    tags: list[str] | None = None
    description: str | None = None
    entrypoint: str | None = None
    parameters: dict[str, Any] | None = None
    schedule: ScheduleEntry | None = None
    schedules: list[ScheduleEntry] | None = None
    work_pool: WorkPoolEntry | None = None
    concurrency_limit: int | ConcurrencyLimitConfig | None = None
    enforce_parameter_schema: bool = True
    paused: bool | None = None
    build: Steps = None
    push: Steps = None
    pull: Steps = None

    @field_validator("version", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """YAML takes `1.10` for 1.1, so only whole numbers are what they look like."""
        if isinstance(value, float):
            raise ValueError('a version is text, and YAML takes this for a number: put it in quotes, such as "1.10"')
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("tags", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("schedule", mode="before")
    @classmethod
    def _none_for_empty(cls, value: Any) -> Any:
        """`schedule: {}` is what old project files say for none."""
        return value or None

    @field_validator("build", "push", "pull", mode="before")
    @classmethod
    def _as_steps(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    def all_schedules(self) -> list[Schedule] | None:
        """Return its schedules; None where nothing is said of any."""
        if self.schedules is not None:
            return [each.schedule() for each in self.schedules]
        return [self.schedule.schedule()] if self.schedule is not None else None


class Project(_Entry):
    """A whole file."""

    name: str | None = None
    antiphon_version: str | None = Field(default=None, alias="antiphon-version")
    prefect_version: str | None = Field(default=None, alias="prefect-version")
    build: Steps = None
    push: Steps = None
    pull: Steps = None
    #: For anchors; nobody looks at it.
    definitions: Any = None
    deployments: list[DeploymentEntry] | None = None

    @field_validator("build", "push", "pull", mode="before")
    @classmethod
    def _as_steps(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value

    @field_validator("antiphon_version", "prefect_version", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int | float) else value
