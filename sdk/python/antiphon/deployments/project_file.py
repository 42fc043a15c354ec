"""Reads an `antiphon.yaml`, and says on which line a mistake is."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from antiphon.client.schemas.objects import ConcurrencyLimitConfig
from antiphon.close_names import meant
from antiphon.deployments.project_model import DeploymentEntry, Project, ScheduleEntry, WorkPoolEntry
from antiphon.deployments.steps.core import parsed_step
from antiphon.deployments.templates import names_in
from antiphon.deployments.yaml_lines import Document, Way, YamlError, read_yaml
from antiphon.exceptions import ConfigurationError, StepExecutionError, TemplateError

#: Fields of Prefect's that Antiphon does not have, and what to do.
_NOT_HERE = {
    "triggers": "automations that start runs come with events: make a schedule, or start runs by run_deployment",
    "sla": "service level agreements belong to Prefect Cloud: watch for late runs by their state, Late",
}
_SECTIONS = ("build", "push", "pull")
#: The model that says which fields a part has, by the field that holds it.
_PARTS: dict[str, type[BaseModel]] = {
    "deployments": DeploymentEntry,
    "schedules": ScheduleEntry,
    "schedule": ScheduleEntry,
    "work_pool": WorkPoolEntry,
    "concurrency_limit": ConcurrencyLimitConfig,
}


class ProjectFileError(ConfigurationError):
    """A project file cannot be used; each line of the message names file, line and field."""


class ProjectFile:
    """A project file as it stands: templates are not filled in."""

    def __init__(self, path: Path) -> None:
        """Read it. Raises ProjectFileError."""
        self.path = path
        try:
            self._document = read_yaml(path.read_text(encoding="utf-8"))
        except YamlError as error:
            raise ProjectFileError(f"{path.name}:{error.line}: this is no YAML: {error}.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectFileError(f"The project file {path} cannot be read: {error}.") from error
        data = self._document.data if self._document.data is not None else {}
        if not isinstance(data, dict):
            raise ProjectFileError(f"{path.name}:1: a project file has fields, such as deployments, and no list.")
        self._check(data)
        #: Each as it stands in the file, with the steps of the whole file where it has none of its own.
        self.deployments: list[dict[str, Any]] = [
            _with_steps({**{name: data.get(name) for name in _SECTIONS}, **_without_nothing(entry)})
            for entry in data.get("deployments") or ()
        ]

    def _check(self, data: dict[str, Any]) -> None:
        try:
            Project.model_validate(data)
        except ValidationError as error:
            # What stands for a value is looked at once it is filled in.
            problems = [each for each in _problems(error) if not _is_template(each["input"])]
            if problems:
                raise ProjectFileError("\n".join(map(self._words, problems))) from None
        for section in _SECTIONS:
            self._check_steps(data.get(section), (section,))
        for place, entry in enumerate(data.get("deployments") or ()):
            self._check_templates(entry, ("deployments", place))
            for section in _SECTIONS:
                self._check_steps(entry.get(section), ("deployments", place, section))

    def _check_steps(self, steps: Any, way: Way) -> None:
        for place, step in enumerate([steps] if isinstance(steps, dict) else steps or ()):
            here = (*way, place) if isinstance(steps, list) else way
            try:
                parsed_step(step)
                list(names_in(step))
            except (StepExecutionError, TemplateError) as error:
                raise ProjectFileError(self._at(here, str(error))) from error

    def _check_templates(self, value: Any, way: Way) -> None:
        if isinstance(value, dict | list):
            for key, each in value.items() if isinstance(value, dict) else enumerate(value):
                self._check_templates(each, (*way, key))
            return
        try:
            list(names_in(value))
        except TemplateError as error:
            raise ProjectFileError(self._at(way, str(error))) from error

    def place_of(self, place: int, error: ValidationError) -> str:
        """Return what is to be said of a deployment that does not fit once its templates are filled in."""
        found = _problems(error)
        for each in found:
            each["loc"] = ("deployments", place, *each["loc"])
        return "\n".join(map(self._words, found))

    def _words(self, error: ErrorDetails) -> str:
        way = _without_kinds(error["loc"], self._document)
        field = way[-1] if way else ""
        if error["type"] == "extra_forbidden":
            if field in _NOT_HERE:
                return self._at(way, f"Antiphon has no {field} here: {_NOT_HERE[str(field)]}.")
            known = _fields_of(way)
            return self._at(way, f"there is no field {field!r}{meant(str(field), known)}. Here are {', '.join(known)}.")
        message = error["msg"].removeprefix("Value error, ").rstrip(".")
        if error["type"] == "value_error":
            return self._at(way, f"{message}.")
        return self._at(way, f"{message[0].lower()}{message[1:]}; it is {_shown(error['input'])}.")

    def _at(self, way: Way, message: str) -> str:
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in way).lstrip(".")
        return f"{self.path.name}:{self._document.line_of(way)}: {name}: {message}"


def _problems(error: ValidationError) -> list[ErrorDetails]:
    """Where one of several types would do, the one that was meant counts."""
    found = error.errors(include_url=False)
    return [each for each in found if not (each["type"] == "int_type" and isinstance(each["input"], dict))]


def _without_nothing(entry: dict[str, Any]) -> dict[str, Any]:
    """`pull: null` in a deployment is as if it were not there."""
    return {key: value for key, value in entry.items() if value is not None or key not in _SECTIONS}


def _with_steps(entry: dict[str, Any]) -> dict[str, Any]:
    """Steps are a list; one alone may stand without."""
    steps = {name: [entry[name]] if isinstance(entry[name], dict) else entry[name] for name in _SECTIONS}
    return {**entry, **steps}


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


def _without_kinds(way: tuple[str | int, ...], document: Document) -> Way:
    """The way without the names of types, which Pydantic puts where one of several would do."""
    kept: Way = ()
    for part in way:
        if (*kept, part) in document.lines:
            kept = (*kept, part)
    # A field that is missing has no line.
    return (*kept, *way[-1:]) if way[-1:] != kept[-1:] and way[-1:] and way[-1] in _fields_of(way) else kept


def _fields_of(way: tuple[str | int, ...]) -> list[str]:
    """The fields of the part that a way's last field belongs to."""
    around = [part for part in way[:-1] if isinstance(part, str) and part in _PARTS]
    model = _PARTS[around[-1]] if around else Project
    return [field.alias or name for name, field in model.model_fields.items()]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
