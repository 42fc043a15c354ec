"""The `antiphon` command. Its groups are in modules of their own, imported when used."""

import importlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as version_of
from typing import Annotated, ClassVar

import typer

from antiphon.cli.lazy_group import LazyGroup
from antiphon.cli.output_option import accept_output

EPILOG = (
    "Exit codes: 0 done; 1 error, or the watched run failed or crashed, or a run refused; 2 wrong usage; 3 not found;"
    " 4 no server answers; 5 the watched run or operation was cancelled; 130 interrupted by Ctrl-C."
)


class RootGroup(LazyGroup):
    """The groups of commands."""

    modules: ClassVar[Mapping[str, str]] = {
        "server": "antiphon.cli.server_commands",
        "deployment": "antiphon.cli.deployment_commands",
        "calendar": "antiphon.cli.calendar_commands",
        "flow-run": "antiphon.cli.flow_run_commands",
        "flow": "antiphon.cli.flow_commands",
        "task-run": "antiphon.cli.task_run_commands",
        "task": "antiphon.cli.task_commands",
        "operation": "antiphon.cli.operation_commands",
        "work-pool": "antiphon.cli.work_pool_commands",
        "work-queue": "antiphon.cli.work_queue_commands",
        "worker": "antiphon.cli.worker_commands",
        "artifact": "antiphon.cli.artifact_commands",
        "variable": "antiphon.cli.variable_commands",
        "concurrency-limit": "antiphon.cli.concurrency_limit_commands",
        "global-concurrency-limit": "antiphon.cli.global_limit_commands",
        "block": "antiphon.cli.block_commands",
        "shell": "antiphon.cli.shell_commands",
        "config": "antiphon.cli.config_commands",
        "profile": "antiphon.cli.profile_commands",
    }
    aliases: ClassVar[Mapping[str, str]] = {
        "blocks": "block",
        "calendars": "calendar",
        "concurrency-limits": "concurrency-limit",
        "deployments": "deployment",
        "flow-runs": "flow-run",
        "flows": "flow",
        "gcl": "global-concurrency-limit",
        "profiles": "profile",
        "task-runs": "task-run",
        "work-pools": "work-pool",
        "work-queues": "work-queue",
    }


app = typer.Typer(
    cls=RootGroup,
    name="antiphon",
    help="Run, watch and steer flows of Antiphon.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _profiles(incomplete: str) -> list[str]:
    names: list[str] = importlib.import_module("antiphon.cli.profile_names").complete_profiles(incomplete)
    return names


@app.callback()
def root(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option("--profile", "-p", metavar="NAME", help="Use this profile, this once.", autocompletion=_profiles),
    ] = None,
    prompt: Annotated[
        bool | None,
        typer.Option("--prompt/--no-prompt", help="Ask questions. Default: where the standard input is a terminal."),
    ] = None,
) -> None:
    """Run, watch and steer flows of Antiphon."""
    if profile is not None:
        context.with_resource(_environment("ANTIPHON_PROFILE", profile))
    if prompt is not None:
        context.with_resource(_environment("ANTIPHON_CLI_PROMPT", str(prompt).lower()))


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """As if it had been set before: settings are not read yet, and what a command starts inherits it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@app.command()
def version(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the version."""
    antiphon, python = version_of("antiphon"), platform.python_version()
    if as_json:
        print(json.dumps({"version": antiphon, "python_version": python}, indent=2))
    else:
        print(f"Antiphon {antiphon}, Python {python}")


accept_output(app)


def main() -> None:
    """The entry point of the console script."""
    # gRPC's core writes to stderr that a connection went away; the commands say what matters of that themselves.
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    app()
