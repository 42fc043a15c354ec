"""`antiphon variable` on a real server."""

import json
from collections.abc import Callable

import pytest
from google.protobuf.json_format import ParseDict
from typer.testing import Result

from antiphon.v1.variable_pb2 import Variable
from world import World

Cli = Callable[..., Result]
Said = Callable[..., str]


def test_the_life_of_a_variable(said: Said) -> None:
    assert said("variable", "ls") == "No variables.\n"
    assert said("variable", "set", "db_url", "[bold]here", "--tag", "x") == (
        'The variable db_url is "[bold]here" now.\n'
    )
    assert said("variable", "set", "a", "1") == "The variable a is 1 now.\n"
    header, first, second = said("variable", "ls").splitlines()
    assert header.split() == ["Name", "Value", "Tags", "Created", "Updated", "ID"]
    assert first.split()[:2] == ["a", "1"]
    assert second.split()[:3] == ["db_url", '"[bold]here"', "x"]
    assert [each["name"] for each in json.loads(said("variable", "ls", "--json", "--limit", "1"))] == ["a"]
    shown = said("variable", "inspect", "db_url")
    assert '"[bold]here"' in shown
    assert ParseDict(json.loads(said("variable", "inspect", "db_url", "--json")), Variable()).tags == ["x"]
    assert said("variable", "unset", "db_url", "--yes") == "The variable db_url is deleted.\n"
    assert len(json.loads(said("variable", "ls", "--json"))) == 1


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("5", "5"),
        ('{"a": [1, null]}', '{"a": [1, null]}'),
        ("hello", '"hello"'),
        ('"5"', '"5"'),
        ("007", '"007"'),
        ("NaN", '"NaN"'),
        ("", '""'),
        ("é", '"é"'),
        ("true", "true"),
    ],
)
def test_a_value_is_json_or_a_text(said: Said, typed: str, value: str) -> None:
    made = json.loads(said("variable", "set", "x", typed, "--json"))
    assert made["value"] == value
    assert said("variable", "get", "x") == f"{value}\n"


def test_a_value_that_begins_with_a_dash(said: Said) -> None:
    assert said("variable", "set", "x", "--", "-5") == "The variable x is -5 now.\n"


def test_what_is_there_is_overwritten_only_when_asked(said: Said, antiphon: Cli, world: World) -> None:
    said("variable", "set", "x", "1", "--tag", "a", "--tag", "b")
    refused = antiphon("variable", "set", "x", "2")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "There is a variable x already. Give it another value with --overwrite." in refused.stderr
    said("variable", "set", "x", "2", "--overwrite")
    left = world.call("GetVariable", {"name": "x"}).variable
    assert (left.value, left.tags, left.etag) == ("2", [], "2")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("verb", [["get"], ["inspect"], ["unset", "--yes"]])
def test_a_variable_that_is_not_there(antiphon: Cli, verb: list[str]) -> None:
    result = antiphon("variable", *verb, "nope")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "There is no variable nope. `antiphon variable ls` has those there are" in result.stderr
    assert "`antiphon variable set nope VALUE` makes this one." in result.stderr


@pytest.mark.usefixtures("world")
def test_a_name_that_cannot_be(antiphon: Cli) -> None:
    result = antiphon("variable", "set", "Bad Name", "1")
    assert result.exit_code == 1
    assert "lowercase letters, digits, dashes and underscores only, such as db_url" in result.stderr
