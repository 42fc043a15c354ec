"""What was typed behind `antiphon deploy`, as an entry of a project file would say it."""

from dataclasses import dataclass, field
from typing import Any

import typer

from antiphon.cli.schedule_options import anchor_of
from antiphon.cli.spoken_times import span_of
from antiphon.cli.typed_values import arguments_of, pairs_or_objects_of
from antiphon.exceptions import ObjectUnsupported


@dataclass(slots=True)
class DeployOptions:
    """The options that say what a deployment shall be; None where one was not given."""

    description: str | None = None
    version: str | None = None
    version_type: str | None = None
    tags: list[str] = field(default_factory=list)
    concurrency_limit: int | None = None
    collision_strategy: str | None = None
    pool: str | None = None
    work_queue: str | None = None
    job_variables: list[str] = field(default_factory=list)
    crons: list[str] = field(default_factory=list)
    intervals: list[str] = field(default_factory=list)
    rrules: list[str] = field(default_factory=list)
    anchor_date: str | None = None
    timezone: str | None = None
    params: list[str] = field(default_factory=list)
    params_json: str | None = None
    enforce_parameter_schema: bool | None = None

    def any_given(self) -> bool:
        """Whether anything was typed that is about one deployment."""
        return bool(self.over({}))

    def over(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return an entry with what was typed in place of what it says. Raises typer.BadParameter."""
        made = dict(entry)
        simple = ("description", "version", "version_type", "enforce_parameter_schema")
        made.update({name: value for name in simple if (value := getattr(self, name)) is not None})
        if self.tags:
            made["tags"] = self.tags
        self._write_limit(made)
        self._write_pool(made)
        schedules = self._schedules()
        if schedules:
            made.pop("schedule", None)
            made["schedules"] = schedules
        parameters = arguments_of(self.params, self.params_json)
        if parameters:
            made["parameters"] = {**_given(entry, "parameters"), **parameters}
        return made

    def _write_limit(self, made: dict[str, Any]) -> None:
        if self.concurrency_limit is None:
            if self.collision_strategy is not None:
                raise typer.BadParameter("--collision-strategy belongs to --concurrency-limit: give both.")
            return
        made["concurrency_limit"] = self.concurrency_limit
        if self.collision_strategy is not None:
            strategy = self.collision_strategy.upper().replace("-", "_")
            made["concurrency_limit"] = {"limit": self.concurrency_limit, "collision_strategy": strategy}

    def _write_pool(self, made: dict[str, Any]) -> None:
        variables = pairs_or_objects_of(self.job_variables, "--job-variable")
        if self.pool is None and self.work_queue is None and not variables:
            return
        pool = dict(_given(made, "work_pool"))
        if self.pool is not None:
            pool["name"] = self.pool
        if self.work_queue is not None:
            pool["work_queue_name"] = self.work_queue
        if variables:
            pool["job_variables"] = {**_given(pool, "job_variables"), **variables}
        made["work_pool"] = pool

    def _schedules(self) -> list[dict[str, Any]]:
        if self.anchor_date is not None and not self.intervals:
            raise typer.BadParameter("--anchor-date belongs to --interval: give both.")
        anchor = {} if self.anchor_date is None else {"anchor_date": anchor_of(self.anchor_date, self.timezone)}
        rules: list[dict[str, Any]] = [
            *({"cron": each} for each in self.crons),
            *({"interval": span_of(each, "--interval"), **anchor} for each in self.intervals),
            *({"rrule": each} for each in self.rrules),
        ]
        if self.timezone is not None and not rules:
            raise typer.BadParameter("--timezone belongs to --cron, --interval or --rrule: give one of them.")
        return [{**each, "timezone": self.timezone} if self.timezone is not None else each for each in rules]


def refuse_unsupported(triggers: list[str] | None, slas: list[str] | None) -> None:
    """Raise ObjectUnsupported for options of Prefect's that mean nothing here."""
    if triggers:
        raise ObjectUnsupported(
            "Automations that start runs come with events. Leave --trigger out, and make a schedule by --cron.",
            code="UNIMPLEMENTED",
        )
    if slas:
        raise ObjectUnsupported(
            "Service level agreements belong to Prefect Cloud. Leave --sla out; runs that start late are Late.",
            code="UNIMPLEMENTED",
        )


def _given(entry: dict[str, Any], name: str) -> dict[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}
