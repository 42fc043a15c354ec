"""What was typed behind `antiphon deploy`, as an entry of a project file would say it."""

import json
from dataclasses import dataclass, field
from typing import Any

import typer

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
    intervals: list[float] = field(default_factory=list)
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
        parameters = {**_pairs("--param", self.params), **_object("--params", self.params_json)}
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
        variables = _pairs("--job-variable", self.job_variables)
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
        anchor = {"anchor_date": self.anchor_date} if self.anchor_date is not None else {}
        rules: list[dict[str, Any]] = [
            *({"cron": each} for each in self.crons),
            *({"interval": each, **anchor} for each in self.intervals),
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


def _pairs(option: str, given: list[str]) -> dict[str, Any]:
    """Each is NAME=VALUE, or a JSON object."""
    found: dict[str, Any] = {}
    for each in given:
        if each.lstrip().startswith("{"):
            found.update(_object(option, each))
            continue
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{option} is NAME=VALUE, such as {option} size=5, and not {each!r}.")
        found[name.strip()] = _value(value)
    return found


def _value(text: str) -> Any:
    """What was typed where it is JSON, else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _object(option: str, text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} is a JSON object, such as '{{\"size\": 5}}': {error}.") from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{option} is a JSON object, such as '{{\"size\": 5}}', and not {text}.")
    return value
