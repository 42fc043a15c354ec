"""The real binary against a real server: what each command prints for people, and what its JSON is."""

import json
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cli_json import check_json
from cli_reference.page import PAGE, render
from cli_reference.schemas import SCHEMAS, render_schemas
from cli_reference.shapes import SHAPES
from cli_reference.tree import Node, walk
from cli_stories import STORIES, WITHOUT_WORLD, lines_of, with_ids
from cli_transcripts import Transcript
from cli_world import furnish
from running_server import RunningServer
from world import World

NODES = {node.path: node for node in walk()}
ALIASES = {alias: node.path for node in NODES.values() for alias in node.aliases}
#: They run until they are stopped: other tests run them.
WITHOUT_END = {"flow serve", "flow-run execute", "shell serve", "task serve", "worker start"}
#: A file that each story finds where it is.
FLOWS = """from antiphon import flow


@flow
def etl(x: int = 1) -> int:
    return x
"""


def command_in(typed: str) -> Node | None:
    """The command that a line is for; None where it names none."""
    path = ""
    for word in shlex.split(typed):
        longer = f"{path} {ALIASES.get(word, word)}".strip()
        if longer not in NODES:
            break
        path = longer
    return NODES[path] if not NODES[path].is_group else None


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "folder"
    folder.mkdir()
    (folder / "flows.py").write_text(FLOWS)
    transcript = Transcript(home, folder)
    if name in WITHOUT_WORLD:
        play(name, transcript, {})
    else:
        with RunningServer(tmp_path) as running:
            transcript.environment["ANTIPHON_API_URL"] = running.target
            play(name, transcript, furnish(World(running)))
    transcript.check(name)


def play(name: str, transcript: Transcript, ids: dict[str, str]) -> None:
    try:
        for typed, given in lines_of(name):
            done = transcript.run(with_ids(typed, ids), stdin=given)
            command = command_in(typed)
            if done.returncode == 0 and command is not None and "--json" in typed:
                check_json(command.path, done.stdout)
    finally:
        if name == "server":
            transcript.perform("server stop")


def test_the_stories_have_every_command_for_people_and_as_json() -> None:
    typed = [(command_in(line), line) for name in STORIES for line, _ in lines_of(name)]
    shown = {command.path for command, line in typed if command is not None and "--json" not in line}
    as_json = {command.path for command, line in typed if command is not None and "--json" in line}
    commands = {node.path for node in NODES.values() if not node.is_group}
    assert commands - shown == set()
    assert {path for path in commands if NODES[path].takes_json} - as_json == set()


def test_every_command_that_prints_json_has_a_schema() -> None:
    assert set(SHAPES) == {node.path for node in NODES.values() if node.takes_json}


def test_all_but_these_commands_print_json() -> None:
    commands = {node.path for node in NODES.values() if not node.is_group}
    assert commands - set(SHAPES) == WITHOUT_END | {
        "shell watch",
        "variable get",
        "work-pool get-default-base-job-template",
    }


def test_every_json_has_its_other_spelling() -> None:
    for path in SHAPES:
        spellings = {spelling for each in NODES[path].command.params for spelling in each.opts}
        assert {"--json", "--output", "-o"} <= spellings, path


def test_the_reference_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == render(), "Run scripts/generate to write docs/cli.md anew."


def test_the_reference_tells_defaults_and_what_may_be_left_out() -> None:
    page = render()
    assert "| Pause its schedules at the end. Default: `--pause-on-shutdown`. |" in page
    assert "| Those that nobody set. Default: `--hide-defaults`. |" in page
    assert "antiphon deploy [OPTIONS] [ENTRYPOINT]\n" in page
    assert "antiphon task serve [OPTIONS] [ENTRYPOINT]...\n" in page


def test_the_schemas_are_what_the_contract_says() -> None:
    assert SCHEMAS.read_text() == render_schemas(), "Run scripts/generate to write docs/cli.schema.json anew."


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("version", {"version": "1", "python_version": "3", "more": 1}),
        ("flow ls", [{"id": "x"}]),
        ("operation watch", {"state": "OPERATION_STATE_LOST"}),
        ("server status", {"target": "here", "sessions": []}),
    ],
)
def test_the_schemas_can_refuse(path: str, wrong: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check_json(path, json.dumps(wrong))
