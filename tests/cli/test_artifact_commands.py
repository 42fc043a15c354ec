"""`antiphon artifact` on a real server."""

import json
from collections.abc import Callable

import pytest
from google.protobuf.json_format import ParseDict
from typer.testing import Result

from antiphon.v1.artifact_pb2 import Artifact
from world import MISSING, World

Cli = Callable[..., Result]
Said = Callable[..., str]


@pytest.fixture
def make(world: World) -> Callable[..., str]:
    """Makes an artifact; gives its id."""
    return lambda **fields: str(world.call("CreateArtifact", {"artifact": fields}).artifact.id)


def listed(text: str) -> list[Artifact]:
    return [ParseDict(each, Artifact()) for each in json.loads(text)]


def test_ls_has_the_latest_of_each_key(said: Said, make: Callable[..., str]) -> None:
    assert said("artifact", "ls") == "No artifacts with a key. Those without one: antiphon artifact ls --all\n"
    assert said("artifact", "ls", "--all") == "No artifacts.\n"
    old, new = make(key="b", type="markdown", data="# One"), make(key="b", type="table", description="[bold]d")
    first, alone = make(key="a", type="image"), make(type="link")
    header, *lines = said("artifact", "ls").splitlines()
    assert header.split() == ["ID", "Key", "Type", "Description", "Updated"]
    assert [line.split()[:3] for line in lines] == [[first, "a", "image"], [new, "b", "table"]]
    assert "[bold]d" in lines[1]
    ids = [line.split()[0] for line in said("artifact", "ls", "-a").splitlines()[1:]]
    assert ids == [first, new, old, alone]
    shown = listed(said("artifact", "ls", "--all", "--json", "--limit", "3"))
    assert [each.id for each in shown] == ids[:3]
    assert not any(each.data for each in shown)


def test_inspect_shows_the_newest_in_full_and_which_there_were(said: Said, make: Callable[..., str]) -> None:
    old = make(key="report", type="markdown", data="# One")
    new = make(key="report", type="markdown", data="# Two\n\n[not markup]", metadata={"rows": "7"}, flowRunId=MISSING)
    text = said("artifact", "inspect", "report")
    for expected in (new, "# Two\n\n[not markup]\n", "rows", MISSING, "Earlier versions", old):
        assert expected in text
    assert "# One" not in text
    versions = listed(said("artifact", "inspect", "report", "--json"))
    assert [(each.id, each.data) for each in versions] == [(new, "# Two\n\n[not markup]"), (old, "# One")]
    assert len(listed(said("artifact", "inspect", "report", "--json", "--limit", "1"))) == 1


def test_delete_by_key_and_by_id(said: Said, make: Callable[..., str], world: World) -> None:
    for _ in range(3):
        make(key="a")
    other, alone = make(key="b"), make()
    assert said("artifact", "delete", "a", "--yes") == "Deleted with the key a: 3 artifacts.\n"
    assert said("artifact", "delete", "--id", alone, "-y") == f"The artifact {alone} is deleted.\n"
    assert [each.id for each in world.call("ListArtifacts").artifacts] == [other]
    assert said("artifact", "delete", "b", "--yes") == "Deleted with the key b: 1 artifact.\n"


@pytest.mark.parametrize("verb", [["inspect"], ["delete", "--yes"]])
@pytest.mark.parametrize("key", ["nope", "a*", 'x" OR key = "a', "\\"])
def test_a_key_that_is_not_there(
    antiphon: Cli, make: Callable[..., str], world: World, verb: list[str], key: str
) -> None:
    make(key="a")
    result = antiphon("artifact", *verb, key)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"There is no artifact with the key {key}. `antiphon artifact ls`" in result.stderr
    assert len(world.call("ListArtifacts").artifacts) == 1


@pytest.mark.usefixtures("world")
def test_delete_must_know_what(antiphon: Cli) -> None:
    for arguments in ([], ["a", "--id", MISSING]):
        result = antiphon("artifact", "delete", "--yes", *arguments)
        assert result.exit_code == 2
        assert "a KEY, or --id" in " ".join(result.stderr.split())
    missing = antiphon("artifact", "delete", "--id", MISSING, "--yes")
    assert (missing.exit_code, f"there is no artifact {MISSING}" in missing.stderr) == (3, True)
    wrong = antiphon("artifact", "delete", "--id", "x", "--yes")
    assert (wrong.exit_code, "id:" in wrong.stderr) == (1, True)
