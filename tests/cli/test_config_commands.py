import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import Result

from antiphon.exceptions import SettingError
from antiphon.settings.kinds import text_of
from antiphon.settings.loading import load_settings
from antiphon.settings.profiles_editing import set_values
from antiphon.settings.rows import SETTINGS

Cli = Callable[..., Result]


def test_view_shows_what_is_set(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "profiles.toml").write_text(
        'active = "work"\n[profiles.work]\nANTIPHON_LOGGING_EXTRA_LOGGERS = ["a", "b"]\nANTIPHON_CLI_COLORS = false\n'
    )
    monkeypatch.setenv("ANTIPHON_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "1,2.5")
    result = antiphon("config", "view", "--hide-sources")
    assert result.exit_code == 0, result.stderr
    title, header, *lines = result.stdout.splitlines()
    assert title == f"Profile work in {home}/profiles.toml"
    assert header.split() == ["Name", "Value"]
    assert [line.split() for line in lines] == [
        ["ANTIPHON_HOME", str(home)],
        ["ANTIPHON_PROFILE", "work"],
        ["ANTIPHON_CLI_COLORS", "false"],
        ["ANTIPHON_LOGGING_EXTRA_LOGGERS", "a,b"],
        ["ANTIPHON_TASKS_DEFAULT_RETRY_DELAY_SECONDS", "1,2.5"],
    ]


def test_view_with_defaults_and_sources(antiphon: Cli, home: Path) -> None:
    result = antiphon("config", "view", "--show-defaults")
    rows = {line.split()[0]: line for line in result.stdout.splitlines()[2:]}
    assert list(rows) == [setting.name for setting in SETTINGS.values()]
    assert "the environment" in rows["ANTIPHON_HOME"]
    assert "default" in rows["ANTIPHON_API_URL"]
    assert SETTINGS["api.url"].about.description in rows["ANTIPHON_API_URL"]


def test_view_json(antiphon: Cli, home: Path) -> None:
    shown = json.loads(antiphon("config", "view", "--json").stdout)
    assert shown == [{"name": "ANTIPHON_HOME", "value": str(home), "source": "the environment"}]
    everything = json.loads(antiphon("config", "view", "--json", "--show-defaults").stdout)
    values = {row["name"]: row["value"] for row in everything}
    assert values["ANTIPHON_API_URL"] is None
    assert values["ANTIPHON_RESULTS_LOCAL_STORAGE_PATH"] == f"{home}/storage"


def test_wrong_setting_is_told(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_LOGGING_LEVEL", "loud")
    result = antiphon("config", "view")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "ANTIPHON_LOGGING_LEVEL cannot be 'loud' (from the environment)" in result.stderr


def test_set_and_unset(antiphon: Cli, home: Path) -> None:
    result = antiphon("config", "set", "ANTIPHON_API_URL=a:1", "tasks_default_retries=3", "ANTIPHON_CLI_COLORS=no")
    assert result.exit_code == 0, result.stderr
    path = home / "profiles.toml"
    assert result.stdout == (
        f"Set ANTIPHON_API_URL, ANTIPHON_TASKS_DEFAULT_RETRIES, ANTIPHON_CLI_COLORS in profile default of {path}.\n"
    )
    settings = load_settings({"ANTIPHON_HOME": str(home)})
    assert (settings.api.url, settings.tasks.default_retries, settings.cli.colors) == ("a:1", 3, False)
    assert path.stat().st_mode & 0o077 == 0
    assert antiphon("config", "unset", "api_url", "ANTIPHON_CLI_COLORS").exit_code == 0
    settings = load_settings({"ANTIPHON_HOME": str(home)})
    assert (settings.api.url, settings.tasks.default_retries, settings.cli.colors) == (None, 3, True)


def test_every_setting_can_be_set_to_its_value(antiphon: Cli, home: Path) -> None:
    """What `view` shows, `set` takes."""
    before = load_settings({"ANTIPHON_HOME": str(home)})
    shown = {
        row["name"]: row["value"] for row in json.loads(antiphon("config", "view", "--show-defaults", "--json").stdout)
    }
    assignments = [f"{row.name}={text_of(shown[row.name])}" for row in SETTINGS.values() if row.about.in_profiles]
    result = antiphon("config", "set", *assignments)
    assert result.exit_code == 0, result.stderr
    assert load_settings({"ANTIPHON_HOME": str(home)}) == before


def test_edits_keep_comments_and_other_profiles(antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    path = home / "profiles.toml"
    path.write_text(
        '# mine\nactive = "a"\n\n[profiles.a]  # first\nANTIPHON_API_URL = "x:1" # here\n\n[profiles.b]\n'
        'ANTIPHON_API_URL = "y:1"\n'
    )
    assert antiphon("config", "set", "ANTIPHON_API_URL=z:1").exit_code == 0
    assert path.read_text() == (
        '# mine\nactive = "a"\n\n[profiles.a]  # first\nANTIPHON_API_URL = "z:1" # here\n\n[profiles.b]\n'
        'ANTIPHON_API_URL = "y:1"\n'
    )
    monkeypatch.setenv("ANTIPHON_PROFILE", "b")
    assert antiphon("config", "unset", "ANTIPHON_API_URL").exit_code == 0
    assert 'ANTIPHON_API_URL = "z:1" # here' in path.read_text()
    assert "y:1" not in path.read_text()


def test_setting_that_the_environment_hides_is_noted(
    antiphon: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTIPHON_LOGGING_LEVEL", "ERROR")
    result = antiphon("config", "set", "ANTIPHON_LOGGING_LEVEL=debug")
    assert result.exit_code == 0
    assert result.stderr == "Note: ANTIPHON_LOGGING_LEVEL is in the environment too, and that comes first.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["set", "ANTIPHON_API_URL"], 2, "write NAME=VALUE"),
        (["set", "ANTIPHON_TYPO=1"], 1, "There is no setting 'ANTIPHON_TYPO'"),
        (["set", "ANTIPHON_API_URL=http://x"], 1, "cannot be 'http://x' (from the command line)"),
        (["set", "ANTIPHON_PROFILE=x"], 1, "use `antiphon profile use NAME` instead"),
        (["unset", "ANTIPHON_API_URL"], 1, "ANTIPHON_API_URL is not set in profile 'default'"),
        (["set"], 2, "Missing argument"),
    ],
)
def test_wrong_edits_change_nothing(antiphon: Cli, home: Path, arguments: list[str], code: int, message: str) -> None:
    result = antiphon("config", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert not (home / "profiles.toml").exists()


def test_wrong_profile_can_be_mended(antiphon: Cli, home: Path) -> None:
    home.mkdir()
    (home / "profiles.toml").write_text('[profiles.default]\nANTIPHON_TYPO = 1\nANTIPHON_LOGGING_LEVEL = "loud"\n')
    assert antiphon("config", "view").exit_code == 1
    assert antiphon("config", "unset", "ANTIPHON_TYPO").exit_code == 0
    assert antiphon("config", "set", "ANTIPHON_LOGGING_LEVEL=error").exit_code == 0
    assert load_settings({"ANTIPHON_HOME": str(home)}).logging.level == "ERROR"


def test_file_that_is_no_toml_is_left_alone(antiphon: Cli, home: Path) -> None:
    home.mkdir()
    (home / "profiles.toml").write_text("[oh")
    result = antiphon("config", "set", "ANTIPHON_API_URL=a:1")
    assert result.exit_code == 1
    assert "is not valid TOML" in result.stderr
    assert (home / "profiles.toml").read_text() == "[oh"


def test_home_that_cannot_be_written_is_told(antiphon: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTIPHON_HOME", "/proc/antiphon")
    result = antiphon("config", "set", "ANTIPHON_API_URL=a:1")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Cannot write /proc/antiphon/profiles.toml: ")


def test_crash_while_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "profiles.toml"
    set_values(path, None, {"ANTIPHON_API_URL": "a:1"})
    before = path.read_text()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SettingError, match="No space left on device"):
        set_values(path, None, {"ANTIPHON_API_URL": "b:1"})
    assert path.read_text() == before
    assert {each.name for each in tmp_path.iterdir()} == {"profiles.toml", "profiles.lock"}


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles" / "mine.toml").write_text("")
    (tmp_path / "profiles.toml").symlink_to(tmp_path / "dotfiles" / "mine.toml")
    set_values(tmp_path / "profiles.toml", "x", {"ANTIPHON_API_URL": "a:1"})
    assert (tmp_path / "profiles.toml").is_symlink()
    assert "a:1" in (tmp_path / "dotfiles" / "mine.toml").read_text()


def test_editors_take_turns(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    names = [f"ANTIPHON_{number}" for number in range(20)]
    threads = [Thread(target=set_values, args=(path, None, {name: 1})) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f"{name} = 1\n" in path.read_text() for name in names)
