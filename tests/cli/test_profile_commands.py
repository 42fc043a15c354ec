import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

Cli = Callable[..., Result]


def said(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    return result.stdout


def names(antiphon: Cli) -> dict[str, bool]:
    return {row["name"]: row["active"] for row in json.loads(said(antiphon("profile", "ls", "--json")))}


def test_a_profile_from_its_making_to_its_end(antiphon: Cli, home: Path) -> None:
    assert names(antiphon) == {"default": True}
    assert "antiphon profile use work" in said(antiphon("profile", "create", "work"))
    assert said(antiphon("profile", "use", "work")) == "Profile work is active.\n"
    assert names(antiphon) == {"default": False, "work": True}
    said(antiphon("config", "set", "ANTIPHON_API_URL=a:1"))
    assert said(antiphon("profile", "inspect")) == "ANTIPHON_API_URL=a:1\n"
    said(antiphon("profiles", "create", "copy", "--from", "work"))
    assert json.loads(said(antiphon("profile", "inspect", "copy", "-o", "json"))) == {"ANTIPHON_API_URL": "a:1"}
    assert said(antiphon("profile", "rename", "work", "office")) == "Profile work is office now.\n"
    assert names(antiphon) == {"default": False, "copy": False, "office": True}
    shown = said(antiphon("profile", "ls")).splitlines()
    assert [line.rstrip() for line in shown] == [
        "Name",
        "  copy",
        "  default",
        "* office",
    ]
    assert said(antiphon("profile", "delete", "copy", "--yes")) == "Removed profile copy.\n"
    assert names(antiphon) == {"default": False, "office": True}


def test_a_profile_for_one_command(antiphon: Cli, home: Path) -> None:
    said(antiphon("profile", "create", "work"))
    said(antiphon("-p", "work", "config", "set", "ANTIPHON_LOGGING_LEVEL=error"))
    assert said(antiphon("--profile", "work", "profile", "inspect")) == "ANTIPHON_LOGGING_LEVEL=ERROR\n"
    assert said(antiphon("profile", "inspect")) == "Profile default sets nothing.\n"
    assert antiphon("-p", "nobody", "config", "view").exit_code == 1


def test_the_environment_comes_first(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said(antiphon("profile", "create", "work"))
    monkeypatch.setenv("ANTIPHON_PROFILE", "work")
    assert names(antiphon) == {"default": False, "work": True}
    result = antiphon("profile", "use", "default")
    assert result.stderr == "Note: ANTIPHON_PROFILE says work, and that comes first.\n"
    result = antiphon("profile", "rename", "work", "office")
    assert result.stderr == "Note: ANTIPHON_PROFILE still says work.\n"


def test_the_profiles_that_everybody_has(antiphon: Cli, home: Path) -> None:
    said(antiphon("profile", "create", "local"))
    assert said(antiphon("profile", "populate-defaults")).startswith("Added default, ephemeral to ")
    assert said(antiphon("profile", "populate-defaults")).startswith("Nothing to add")
    assert said(antiphon("profile", "inspect", "local")) == "Profile local sets nothing.\n"
    assert said(antiphon("profile", "inspect", "ephemeral")) == "ANTIPHON_SERVER_EPHEMERAL_ENABLED=true\n"


def test_comments_stay(antiphon: Cli, home: Path) -> None:
    home.mkdir()
    path = home / "profiles.toml"
    path.write_text('# mine\n[profiles.a] # first\nANTIPHON_API_URL = "a:1" # here\n')
    said(antiphon("profile", "use", "a"))
    assert path.read_text() == '# mine\nactive = "a"\n\n[profiles.a] # first\nANTIPHON_API_URL = "a:1" # here\n'


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "default"], None),
        (["create", "work"], "There is a profile 'work' in"),
        (["create", " "], "cannot be named ' '"),
        (["create", "x", "--from", "nobody"], "There is no profile 'nobody'. Choose one of default, ephemeral, local"),
        (["use", "nobody"], "There is no profile 'nobody'"),
        (["delete", "nobody", "--yes"], "There is no profile 'nobody' in"),
        (["delete", "default", "--yes"], "Profile 'default' is in use. Use another first"),
        (["rename", "nobody", "x"], "There is no profile 'nobody' in"),
        (["rename", "work", "work"], "There is a profile 'work' in"),
        (["rename", "work", ""], "cannot be named ''"),
        (["inspect", "nobody"], "There is no profile 'nobody'"),
    ],
)
def test_wrong_use_is_told(antiphon: Cli, home: Path, arguments: list[str], message: str | None) -> None:
    said(antiphon("profile", "create", "work"))
    result = antiphon("profile", *arguments)
    assert result.exit_code == (0 if message is None else 1)
    assert (message or "") in " ".join(result.stderr.split())


def test_all_profiles_are_validated(antiphon: Cli, home: Path) -> None:
    assert said(antiphon("config", "validate")) == "All settings are valid.\n"
    (home).mkdir(exist_ok=True)
    (home / "profiles.toml").write_text(
        '[profiles.a]\nANTIPHON_TYPO = 1\n[profiles.b]\nANTIPHON_LOGGING_LEVEL = "loud"\n'
    )
    result = antiphon("config", "validate")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert "ANTIPHON_TYPO" in first and "profile 'a'" in first
    assert "cannot be 'loud' (from profile 'b' in" in second


def test_a_profile_with_another_file(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_PROFILES_PATH", str(home / "mine.toml"))
    said(antiphon("config", "set", "logging.level=error"))
    assert (home / "mine.toml").exists()
    assert not (home / "profiles.toml").exists()
