"""What a shell is told when somebody presses the tab key."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_transcripts import BINARY
from world import World

Complete = Callable[..., list[str]]


def ask(environment: dict[str, str]) -> str:
    # The shells' own functions ask so; these are made by `--show-completion`.
    return subprocess.run(
        [BINARY], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60, check=False
    ).stdout


def bash(line: str) -> list[str]:
    words = line.split(" ")
    return ask({"_ANTIPHON_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}).split()


def fish(line: str) -> list[str]:
    told = {"_ANTIPHON_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return [each.split("\t")[0] for each in ask({**told, "_TYPER_COMPLETE_ARGS": line}).splitlines() if each]


def zsh(line: str) -> list[str]:
    said = ask({"_ANTIPHON_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": line})
    return [name for name, _ in re.findall(r'"((?:[^"\\]|\\.)*)"(:"(?:[^"\\]|\\.)*")?', said)]


SHELLS = pytest.mark.parametrize("complete", [bash, fish, zsh])


@pytest.fixture(autouse=True)
def of_its_own(home: Path) -> None:
    """Nobody else's profiles and servers."""


@SHELLS
def test_commands_and_options(complete: Complete) -> None:
    assert complete("antiphon dep") == ["deployment"]
    assert complete("antiphon deployment sch") == ["schedule"]
    assert {"create", "preview", "clear"} <= set(complete("antiphon deployment schedule "))
    assert "--start-at" in complete("antiphon deployment run --start")


@SHELLS
def test_names_that_the_server_knows(world: World, complete: Complete) -> None:
    for flow, name in (("etl", "nightly"), ("etl", "nights"), ("other", "nightly")):
        world.call("CreateDeployment", {"deployment": {"flowName": flow, "name": name}})
    pool = world.call("CreateWorkPool", {"workPool": {"name": "lake", "type": "process"}}).work_pool
    world.call("CreateWorkQueue", {"workQueue": {"name": "fast", "workPoolId": pool.id}})
    assert complete("antiphon deployment run etl/nightl") == ["etl/nightly"]
    assert complete("antiphon deployment inspect et") == ["etl/nightly", "etl/nights"]
    assert complete("antiphon work-pool inspect l") == ["lake"]
    assert complete("antiphon work-queue ls --pool ") == ["lake"]
    assert complete("antiphon work-queue pause f") == ["fast"]
    assert complete("antiphon work-queue pause *") == []


@SHELLS
def test_profiles(complete: Complete, home: Path) -> None:
    home.mkdir()
    (home / "profiles.toml").write_text("[profiles.work]\n[profiles.home]\n")
    assert complete("antiphon profile use w") == ["work"]
    assert complete("antiphon --profile h") == ["home"]


@SHELLS
def test_nobody_answers_and_nothing_is_started(complete: Complete, home: Path) -> None:
    assert complete("antiphon deployment run e") == []
    assert not home.exists()


@SHELLS
def test_what_is_wrong_is_not_told_to_a_shell(complete: Complete, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_API_URL", "127.0.0.1:1")
    assert complete("antiphon deployment run e") == []
    home.mkdir()
    (home / "profiles.toml").write_text("[")
    assert complete("antiphon profile use w") == []


@pytest.mark.parametrize(
    ("shell", "says"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete --command")]
)
def test_each_shell_has_its_script(shell: str, says: str) -> None:
    assert says in ask({"_ANTIPHON_COMPLETE": f"source_{shell}"})
