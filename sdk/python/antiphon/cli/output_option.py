"""`--output json` and `-o json`, as Prefect has them, wherever there is a `--json`."""

import inspect
from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Annotated, Any

import typer


class OutputFormat(Enum):
    """Other forms than text for people."""

    JSON = "json"


OutputOption = Annotated[
    OutputFormat | None, typer.Option("--output", "-o", help="`json` is the same as --json.", show_choices=False)
]


def accept_output(app: typer.Typer) -> None:
    """Have each command of the group that takes `as_json` take `--output` too."""
    for command in app.registered_commands:
        function = command.callback
        if function is not None:
            parameters = inspect.signature(function).parameters
            if "as_json" in parameters and "output" not in parameters:
                command.callback = _with_output(function)


def _with_output(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same command with one more option, by its signature: that is what Typer reads."""

    @wraps(function)
    def command(*, output: OutputFormat | None = None, **given: Any) -> Any:
        return function(**{**given, "as_json": given["as_json"] or output is OutputFormat.JSON})

    signature = inspect.signature(function)
    option = inspect.Parameter("output", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=OutputOption)
    command.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    command.__annotations__ = {**function.__annotations__, "output": OutputOption}
    return command
