"""Where settings are read from, and which place comes first."""

import os
from pathlib import Path

import pytest

from antiphon.exceptions import SettingError
from antiphon.settings.loading import load_settings

PLACES = ("environment", ".env", "antiphon.toml", "pyproject.toml", "profiles.toml", "default")


def write(folder: Path, place: str, level: str) -> None:
    texts = {
        ".env": f"# mine\nexport ANTIPHON_LOGGING_LEVEL='{level}'\nOTHER=1\n",
        "antiphon.toml": f'[logging]\nlevel = "{level}"\n',
        "pyproject.toml": f'[project]\nname = "x"\n[tool.antiphon.logging]\nlevel = "{level}"\n',
        "profiles.toml": f'[profiles.default]\nANTIPHON_LOGGING_LEVEL = "{level}"\n',
    }
    (folder / place).write_text(texts[place])


@pytest.mark.parametrize("first", PLACES)
def test_the_first_place_that_has_a_setting_counts(tmp_path: Path, first: str) -> None:
    environment = {"ANTIPHON_HOME": str(tmp_path)}
    for place in PLACES[PLACES.index(first) + 1 : -1]:
        write(tmp_path, place, "ERROR")
    if first == "environment":
        environment["ANTIPHON_LOGGING_LEVEL"] = "DEBUG"
    elif first != "default":
        write(tmp_path, first, "DEBUG")
    settings = load_settings(environment, tmp_path)
    expected = {
        "environment": "the environment",
        ".env": f"{tmp_path}/.env",
        "antiphon.toml": f"{tmp_path}/antiphon.toml",
        "pyproject.toml": f"{tmp_path}/pyproject.toml",
        "profiles.toml": f"profile 'default' in {tmp_path}/profiles.toml",
        "default": "default",
    }[first]
    assert settings.logging.level == ("INFO" if first == "default" else "DEBUG")
    assert settings.sources["logging.level"] == expected


def test_tables_nest_as_groups_do(tmp_path: Path) -> None:
    (tmp_path / "antiphon.toml").write_text(
        'home = "/elsewhere"\n[logging.to_api]\nbatch_size = 1000\n[tasks]\nrunner.thread_pool_max_workers = 3\n'
        "default_retry_delay_seconds = [1, 2.5]\n"
    )
    settings = load_settings({}, tmp_path)
    assert settings.home == Path("/elsewhere")
    assert settings.logging.to_api.batch_size == 1000
    assert settings.tasks.runner.thread_pool_max_workers == 3
    assert settings.tasks.default_retry_delay_seconds == [1.0, 2.5]


def test_files_of_a_folder_may_choose_the_profile_and_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[profiles.team]\nANTIPHON_LOGGING_LEVEL = "ERROR"\n')
    (tmp_path / "antiphon.toml").write_text(f'profile = "team"\nprofiles_path = "{tmp_path}/mine.toml"\n')
    settings = load_settings({"ANTIPHON_HOME": str(tmp_path)}, tmp_path)
    assert (settings.profile, settings.logging.level) == ("team", "ERROR")
    assert settings.profiles_path == tmp_path / "mine.toml"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("antiphon.toml", "[logging", r"antiphon\.toml is not valid TOML"),
        ("antiphon.toml", "[loging]\nlevel = 'INFO'", r"There is no setting 'loging' \(read from .*/antiphon\.toml\)"),
        (
            "antiphon.toml",
            "[logging]\nlevl = 'INFO'",
            r"no setting 'logging\.levl'.* Did you mean ANTIPHON_LOGGING_LEVEL",
        ),
        ("antiphon.toml", "logging_level = 'INFO'", r"no setting 'logging_level'.* Write logging\.level, in its table"),
        (
            "antiphon.toml",
            "[logging]\nlevel = 3",
            r"ANTIPHON_LOGGING_LEVEL cannot be 3 \(from .*/antiphon\.toml\): text",
        ),
        ("antiphon.toml", "logging = 3", r"no setting 'logging'"),
        ("antiphon.toml", "[api.url]\nx = 1", r"ANTIPHON_API_URL cannot be {'x': 1}"),
        ("pyproject.toml", "[tool]\nantiphon = 3", r"`tool\.antiphon` in .*pyproject\.toml must be a table"),
        ("pyproject.toml", "[tool.antiphon]\nx = 3", r"no setting 'x' \(read from \[tool\.antiphon\] in "),
        ("pyproject.toml", "[tool.antiphon", r"pyproject\.toml is not valid TOML"),
        (".env", "ANTIPHON_LOGGING_LEVEL=loud", r"cannot be 'loud' \(from .*/\.env\): it is no level\. Allowed: DEBUG"),
    ],
)
def test_wrong_files_are_told(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingError, match=message):
        load_settings({"ANTIPHON_HOME": str(tmp_path)}, tmp_path)


def test_files_that_do_not_concern_us_are_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[not toml")
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    assert load_settings({"ANTIPHON_HOME": str(tmp_path)}, tmp_path).logging.level == "INFO"


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "antiphon.toml").write_bytes(b"\xff")
    with pytest.raises(SettingError, match=r"antiphon\.toml is not UTF-8"):
        load_settings({"ANTIPHON_HOME": str(tmp_path)}, tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "antiphon.toml").touch(mode=0)
    with pytest.raises(SettingError, match=r"Cannot read settings from .* Mend its permissions"):
        load_settings({"ANTIPHON_HOME": str(tmp_path)}, tmp_path)
