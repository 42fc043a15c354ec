import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]


def test_it_is_a_module_too(home: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "antiphon", "version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Antiphon ")


def test_version(antiphon: Cli) -> None:
    assert antiphon("version").stdout == f"Antiphon {version('antiphon')}, Python {platform.python_version()}\n"
    shown = json.loads(antiphon("version", "--json").stdout)
    assert shown == {"version": version("antiphon"), "python_version": platform.python_version()}


def test_help_lists_all_groups_and_exit_codes(antiphon: Cli) -> None:
    text = " ".join(antiphon("--help").stdout.split())
    for expected in ("server", "flow-run", "flow", "operation", "config", "version", "4 no server answers"):
        assert expected in text


@pytest.mark.parametrize(
    ("group", "commands"),
    [
        ("server", ["start", "stop", "status"]),
        ("flow-run", ["ls", "inspect", "logs", "cancel", "delete", "retry", "set-state", "watch"]),
        ("operation", ["ls", "inspect", "cancel", "watch"]),
        ("flow", ["ls"]),
        ("concurrency-limit", ["create", "ls", "inspect", "delete", "reset"]),
        ("global-concurrency-limit", ["create", "ls", "inspect", "update", "enable", "disable", "delete"]),
        ("gcl", ["create", "ls"]),
        ("config", ["view", "set", "unset"]),
        ("deployment", ["schedule", "ls", "inspect", "run", "backfill", "versions", "rollback", "pause", "delete"]),
        ("deployments", ["ls"]),
        ("calendar", ["create", "ls", "inspect", "update", "delete"]),
        ("work-pool", ["create", "ls", "preview", "slots", "delete"]),
        ("work-queue", ["create", "ls", "preview", "read-runs", "delete"]),
        ("worker", ["ls", "inspect", "delete"]),
        ("task-run", ["ls", "inspect", "logs"]),
        ("shell", ["watch"]),
    ],
)
def test_help_of_groups(antiphon: Cli, group: str, commands: list[str]) -> None:
    words = antiphon(group, "--help").stdout.split()
    assert all(command in words for command in commands)
    assert "--install-completion" not in words


@pytest.mark.parametrize("arguments", [["nothing"], ["flow-run", "nothing"], ["flow-run", "inspect"], ["--wrong"]])
def test_wrong_usage(antiphon: Cli, arguments: list[str]) -> None:
    result = antiphon(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [(["version"], {"grpc", "rich.table", "antiphon.settings"}), (["config", "--help"], {"grpc"})],
)
def test_commands_import_what_they_need_only(arguments: list[str], unwanted: set[str]) -> None:
    program = (
        "import sys; from antiphon.cli.main import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: print('loaded:', *sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert "loaded:" in done.stdout, done.stderr
    assert not unwanted & set(done.stdout.rpartition("loaded:")[2].split())
