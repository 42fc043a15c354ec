"""`antiphon block` on a real server."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from antiphon import settings as settings_module
from antiphon.blocks.class_keys import BUILT_IN
from antiphon.cli.main import app
from antiphon.shared_client import close_clients
from running_server import RunningServer
from world import LOGIN, World, login_type

Cli = Callable[..., Result]
Said = Callable[..., str]

SHELF = '''
from pydantic import SecretStr
from antiphon.blocks.core import Block
from antiphon.blocks.system import Secret

class {name}(Block):
    """Keeps books."""

    count: int
    key: SecretStr
'''


@pytest.fixture
def world(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A real server that the command line is configured for."""
    with RunningServer(tmp_path) as running:
        monkeypatch.setenv("ANTIPHON_API_URL", running.target)
        yield World(running)
        close_clients()


@pytest.fixture
def said(world: World, antiphon: Cli) -> Said:
    """What a command prints that works."""

    def run(*arguments: str) -> str:
        result = antiphon(*arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    return run


def typed(text: str, *arguments: str) -> Result:
    """A command with something on its standard input."""
    settings_module._current = None
    return CliRunner().invoke(app, list(arguments), input=text)


def test_the_life_of_a_block(said: Said, antiphon: Cli) -> None:
    assert said("block", "ls") == "No blocks. `antiphon block create TYPE` says how to make one.\n"
    made = typed('{"value": "hunter2"}', "block", "create", "secret", "--name", "my-token", "--data", "-")
    assert made.exit_code == 0 and made.stdout.startswith("The block secret/my-token is kept (")
    header, line = said("block", "ls").splitlines()
    assert header.split() == ["Block", "Type", "Updated", "ID"] and line.split()[:2] == ["secret/my-token", "Secret"]
    page = said("blocks", "inspect", "secret/my-token")
    assert "********" in page and "hunter2" not in page
    shown = json.loads(said("block", "inspect", "secret/my-token", "--json"))
    assert json.loads(shown["block_document"]["data"]) == {"value": "********"}
    assert json.loads(said("block", "ls", "--json"))[0] == shown["block_document"]
    assert said("block", "inspect", "--id", shown["block_document"]["id"]) == page
    again = antiphon("block", "create", "secret", "--name", "my-token", "--data", '{"value": 1}')
    assert again.exit_code == 1 and "There is a block secret/my-token already" in again.stderr
    assert "is kept" in said("block", "create", "secret", "--name", "my-token", "--data", '{"value": 1}', "--overwrite")
    assert said("block", "delete", "secret/my-token", "--yes") == "The block secret/my-token is deleted.\n"
    gone = antiphon("block", "delete", "secret/my-token", "--yes")
    assert gone.exit_code == 3 and "there is no block document secret/my-token" in gone.stderr


def test_types_that_come_along_are_registered_and_stay(said: Said, antiphon: Cli) -> None:
    assert "No block types. `antiphon block register`" in said("block", "type", "ls")
    text = said("block", "register")
    assert text.startswith(f"{len(BUILT_IN)} block types are registered:") and "  Webhook (webhook)\n" in text
    listed = json.loads(said("block", "types", "ls", "--json"))
    assert {each["slug"] for each in listed} == set(BUILT_IN)
    assert all(each["is_protected"] for each in listed)
    page = said("block", "type", "inspect", "local-file-system")
    assert "Protected  yes" in " ".join(page.split("\n")).replace("      ", "  ") or "it comes with Antiphon" in page
    assert "basepath" in page and "read-path" in page
    refused = antiphon("block", "type", "delete", "webhook", "--yes")
    assert refused.exit_code == 1 and "comes with Antiphon and stays" in refused.stderr


def test_classes_of_a_file_or_module_are_registered(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shelves.py").write_text(SHELF.format(name="Shelf"))
    (tmp_path / "boards_of_test.py").write_text(SHELF.format(name="Board"))
    assert "Shelf (shelf)" in said("block", "register", "--file", str(tmp_path / "shelves.py"))
    monkeypatch.chdir(tmp_path)
    assert "Board (board)" in said("block", "register", "-m", "boards_of_test")
    found = json.loads(said("block", "type", "inspect", "shelf", "--json"))
    assert found["block_type"]["description"] == "Keeps books."
    assert json.loads(found["block_schema"]["fields"])["secret_fields"] == ["key"]
    assert said("block", "type", "delete", "shelf", "--yes") == "The block type shelf and its blocks are deleted.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "no_such_module_at_all"), "The module no_such_module_at_all cannot be imported"),
        (("-m", "json"), "There is no block class in json"),
        (("-f", "gone.py"), "gone.py cannot be run: FileNotFoundError"),
        (("-f", "text.txt"), "text.txt is no Python file"),
        (("-f", "broken.py"), "broken.py cannot be run: ZeroDivisionError"),
    ],
)
def test_what_has_no_classes_is_told(
    world: World, antiphon: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("1 / 0")
    result = antiphon("block", "register", *arguments)
    assert result.exit_code == 1 and said in result.stderr


def test_how_a_block_is_made_is_told(said: Said) -> None:
    page = said("block", "create", "secret")
    assert 'Secret(value="sk-1234567890").save("my-token")' in page
    assert "antiphon block create secret --name my-name --data - < values.json" in page
    assert page.splitlines()[3].split() == ["Field", "Needed", "Secret", "Type", "Description"]


def test_a_type_whose_class_is_elsewhere_is_made_by_its_schema(world: World, said: Said, antiphon: Cli) -> None:
    properties = {"user": {"type": "string"}, "port": {"type": "integer"}}
    world.call("RegisterBlockType", login_type("elsewhere", properties=properties, required=["user"]))
    create = ("block", "create", "elsewhere", "--name", "prod", "--data")
    wrong = antiphon(*create, '{"port": "x"}')
    assert wrong.exit_code == 1
    assert "do not fit the type elsewhere: " in wrong.stderr and 'port: type "integer"' in wrong.stderr
    assert "user" in said("block", "create", "elsewhere")
    said(*create, LOGIN)
    assert antiphon(*create, LOGIN).exit_code == 1
    said(*create, LOGIN.replace("ann", "bob"), "--overwrite")
    shown = json.loads(said("block", "inspect", "elsewhere/prod", "--json"))["block_document"]
    assert json.loads(shown["data"])["user"] == "bob" and "pw-7Kx" not in shown["data"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("inspect", "prod"), 2, "is not TYPE/NAME"),
        (("inspect",), 2, "Name a block as TYPE/NAME, or give its --id"),
        (("inspect", "a/b", "--id", "x"), 2, "Name a block as TYPE/NAME, or give its --id"),
        (("inspect", "--id", "x"), 1, "id: "),
        (("inspect", "secret/x"), 3, "there is no block type secret"),
        (("create", "nonsense"), 3, "there is no block type nonsense"),
        (("create", "nonsense", "--name", "x", "--data", "{}"), 3, "there is no block type nonsense"),
        (("create", "No Slug"), 3, "there is no block type No Slug"),
        (("create", "secret", "--name", "x"), 2, "--name and --data together"),
        (("create", "secret", "--name", "x", "--data", "{"), 1, "The values are no JSON"),
        (("create", "secret", "--name", "x", "--data", "[]"), 1, "must be a JSON object"),
        (("create", "secret", "--name", "x", "--data", "{}"), 1, "The values make no Secret: value: Field required"),
        (("create", "secret", "--name", "X", "--data", '{"value": 1}'), 1, "cannot be the name of a block"),
        (("type", "inspect", "nonsense"), 3, "there is no block type nonsense"),
        (("register", "-m", "a", "-f", "b"), 2, "--module or --file, not both"),
    ],
)
def test_wrong_use_is_told(world: World, antiphon: Cli, arguments: tuple[str, ...], code: int, said: str) -> None:
    result = antiphon("block", *arguments)
    assert result.exit_code == code, result.stderr
    assert said in " ".join(result.stderr.replace("│", " ").split())
