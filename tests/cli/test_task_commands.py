"""`antiphon task serve`: what it serves, and what it says of names that are none."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.exceptions import EntrypointError
from antiphon.session import registry
from antiphon.settings import temporary_settings
from antiphon.task_entrypoints import load_task_from_entrypoint, load_tasks_of_module
from running_server import RunningServer

MAIN = "from antiphon.cli.main import main; main()"
SOURCE = """
from antiphon import task

@task
def double(x):
    return 2 * x

NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """A module in the working folder; gives its name."""
    name = f"jobs_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    (tmp_path / f"{name}_broken.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


@pytest.mark.parametrize("arguments", [["{}.py:double"], ["{}:double"], ["--module", "{}"]])
def test_what_is_named_is_served(folder: str, tmp_path: Path, arguments: list[str]) -> None:
    words = [each.format(folder) for each in arguments]
    with RunningServer(tmp_path) as server:
        environment = os.environ | {"ANTIPHON_API_URL": server.target, "ANTIPHON_HOME": str(tmp_path)}
        worker = subprocess.Popen([sys.executable, "-c", MAIN, "task", "serve", *words], env=environment)
        try:
            with temporary_settings({"api_url": server.target, "home": tmp_path}):
                task = load_task_from_entrypoint(f"{folder}.py:double")
                assert task.delay(4).result(timeout=60) == 8
                registry.close_all()
            worker.send_signal(signal.SIGINT)
            assert worker.wait(60) == 0
        finally:
            worker.kill()
            worker.wait()


@pytest.mark.parametrize(
    ("entrypoint", "words"),
    [
        ("double", "names no task"),
        ("nowhere.py:double", "There is no file nowhere.py"),
        ("{}:NUMBER", "it is a int. Tasks there: double"),
        ("{}:other", "there is no such name. Tasks there: double"),
        ("{}_broken.py:double", "cannot be imported: ZeroDivisionError"),
    ],
)
def test_what_is_no_task_is_said_to_be_none(folder: str, entrypoint: str, words: str) -> None:
    with pytest.raises(EntrypointError, match=words):
        load_task_from_entrypoint(entrypoint.format(folder))


def test_a_module_without_tasks_is_refused() -> None:
    with pytest.raises(EntrypointError, match="There is no task in module json"):
        load_tasks_of_module("json")
