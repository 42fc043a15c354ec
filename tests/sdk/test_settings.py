import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon import settings as settings_module
from antiphon.exceptions import MissingProfileError, SettingError
from antiphon.settings import (
    SETTINGS,
    find_setting,
    get_current_settings,
    load_settings,
    refresh,
    temporary_settings,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def write_profiles(home: Path, text: str) -> None:
    (home / "profiles.toml").write_text(text)


def test_defaults(home: Path) -> None:
    settings = load_settings({"ANTIPHON_HOME": str(home)})
    assert settings.profile == "default"
    assert settings.api_url is None
    assert settings.logging_level == "INFO"
    assert settings.logging_extra_loggers == []
    assert settings.logging_to_api_enabled is True
    assert settings.results_persist_by_default is False
    assert settings.results_local_storage_path == home / "storage"
    assert settings.tasks_default_retries == 0
    assert settings.task_runner_thread_pool_max_workers is None
    assert settings.server_idle_timeout_seconds == 60
    assert settings.server_startup_timeout_seconds == 20
    assert settings.client_reconnect_timeout_seconds == 600


def test_home_defaults_to_a_folder_of_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({}).home == tmp_path / ".antiphon"


def test_environment_comes_before_profile_before_default(home: Path) -> None:
    write_profiles(
        home,
        """
        active = "work"
        [profiles.work]
        ANTIPHON_API_URL = "grpc://there:4200"
        ANTIPHON_TASKS_DEFAULT_RETRIES = 3
        ANTIPHON_LOGGING_EXTRA_LOGGERS = ["one", "two"]
        """,
    )
    settings = load_settings({"ANTIPHON_HOME": str(home), "ANTIPHON_TASKS_DEFAULT_RETRIES": "5"})
    assert settings.profile == "work"
    assert settings.api_url == "grpc://there:4200"
    assert settings.tasks_default_retries == 5
    assert settings.logging_extra_loggers == ["one", "two"]
    assert settings.sources["tasks_default_retries"] == "the environment"
    assert settings.sources["api_url"] == f"profile 'work' in {home}/profiles.toml"
    assert settings.sources["profile"] == f"`active` in {home}/profiles.toml"
    assert settings.sources["logging_level"] == "default"


def test_empty_text_unsets_what_may_be_empty_and_is_passed_over_elsewhere(home: Path) -> None:
    write_profiles(home, '[profiles.default]\nANTIPHON_API_URL = "a:1"\nANTIPHON_LOGGING_LEVEL = "ERROR"')
    environment = {"ANTIPHON_HOME": str(home), "ANTIPHON_API_URL": "", "ANTIPHON_LOGGING_LEVEL": ""}
    settings = load_settings(environment)
    assert settings.api_url is None
    assert settings.logging_level == "ERROR"


def test_profile_is_chosen_by_the_environment(home: Path) -> None:
    write_profiles(home, '[profiles.a]\nANTIPHON_LOGGING_LEVEL = "error"\n[profiles.b]')
    settings = load_settings({"ANTIPHON_HOME": str(home), "ANTIPHON_PROFILE": "a"})
    assert (settings.profile, settings.logging_level) == ("a", "ERROR")
    with pytest.raises(MissingProfileError, match=r"no profile 'c' in .*profiles\.toml\. Choose one of a, b, default"):
        load_settings({"ANTIPHON_HOME": str(home), "ANTIPHON_PROFILE": "c"})


def test_profile_may_have_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".antiphon").mkdir()
    write_profiles(tmp_path / ".antiphon", '[profiles.default]\nANTIPHON_HOME = "/other"')
    settings = load_settings({})
    assert (settings.home, settings.results_local_storage_path) == (Path("/other"), Path("/other/storage"))


@pytest.mark.parametrize(
    ("attribute", "text", "value"),
    [
        ("logging_level", " debug ", "DEBUG"),
        ("logging_log_prints", "Yes", True),
        ("logging_log_prints", "off", False),
        ("logging_extra_loggers", "a, b,,", ["a", "b"]),
        ("logging_extra_loggers", "", []),
        ("api_url", "grpc://[::1]:4200", "grpc://[::1]:4200"),
        ("tasks_default_retry_delay_seconds", "1.5", 1.5),
        ("tasks_default_retry_delay_seconds", "1,2.5", [1.0, 2.5]),
        ("task_runner_thread_pool_max_workers", "8", 8),
        ("task_runner_thread_pool_max_workers", "", None),
        ("server_idle_timeout_seconds", "0.5", 0.5),
        ("results_local_storage_path", "/a/../b", Path("/b")),
    ],
)
def test_values_from_text(home: Path, attribute: str, text: str, value: object) -> None:
    settings = load_settings({"ANTIPHON_HOME": str(home), SETTINGS[attribute].name: text})
    assert getattr(settings, attribute) == value


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        ("logging_level", "LOUD"),
        ("logging_log_prints", "perhaps"),
        ("api_url", "http://there:4200"),
        ("api_url", "there"),
        ("tasks_default_retries", "-1"),
        ("tasks_default_retries", "1.5"),
        ("tasks_default_retries", "many"),
        ("task_runner_thread_pool_max_workers", "0"),
        ("flows_default_retry_delay_seconds", "-1"),
        ("flows_default_retry_delay_seconds", "nan"),
        ("tasks_default_retry_delay_seconds", "1,x"),
        ("server_idle_timeout_seconds", "0"),
        ("server_idle_timeout_seconds", "inf"),
        ("home", "~nobody-of-that-name/x"),
    ],
)
def test_wrong_value_names_setting_source_and_what_is_allowed(home: Path, attribute: str, text: str) -> None:
    setting = SETTINGS[attribute]
    with pytest.raises(SettingError) as caught:
        load_settings({"ANTIPHON_HOME": str(home), setting.name: text})
    message = str(caught.value)
    assert message.startswith(f"The setting {setting.name} cannot be {text!r} (from the environment): ")
    assert message.endswith(f" Allowed: {setting.about.kind.allowed}.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profiles.default]\nANTIPHON_TASKS_DEFAULT_RETRIES = true", r"cannot be True \(from profile 'default' in /"),
        ("[profiles.default]\nANTIPHON_CLI_COLORS = []", r"ANTIPHON_CLI_COLORS cannot be \[\]"),
        ("[profiles.default]\nANTIPHON_LOGGING_EXTRA_LOGGERS = [1]", "a list of names is needed"),
        ("[profiles.default]\nANTIPHON_HOME = 1", "a path is needed"),
        ("[profiles.default]\nANTIPHON_TYPO = 1", r"no setting 'ANTIPHON_TYPO'.*read from profile 'default' in /"),
        ("[profiles.default]\nANTIPHON_API_URI = 'a:1'", "Did you mean ANTIPHON_API_URL"),
        ("[profiles.default]\nANTIPHON_PROFILE = 'x'", "ANTIPHON_PROFILE cannot be set inside a profile"),
        ("[profiles", "profiles.toml is not valid TOML"),
        ("active = 3", "`active` in .* must be the name of a profile, not 3"),
        ("profiles = 3", "must hold tables"),
        ("profiles.x = 3", "must hold tables"),
    ],
)
def test_wrong_profiles_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".antiphon").mkdir()
    write_profiles(tmp_path / ".antiphon", text)
    with pytest.raises(SettingError, match=message):
        load_settings({})


def test_blank_profile_name_is_passed_over(home: Path) -> None:
    assert load_settings({"ANTIPHON_HOME": str(home), "ANTIPHON_PROFILE": " "}).profile == "default"


def test_profiles_file_that_is_a_folder_is_told(home: Path) -> None:
    (home / "profiles.toml").mkdir()
    with pytest.raises(SettingError, match="Cannot read the profiles in"):
        load_settings({"ANTIPHON_HOME": str(home)})


def test_names_are_found_in_both_spellings() -> None:
    assert find_setting("ANTIPHON_API_URL") is find_setting("api_url") is SETTINGS["api_url"]
    for wrong in ("antiphon_api_url", "API_URL", "ANTIPHON_api_url", "ANTIPHON_", ""):
        with pytest.raises(SettingError, match="There is no setting"):
            find_setting(wrong)


def test_settings_are_read_once(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(settings_module, "_current", None)
    monkeypatch.setenv("ANTIPHON_HOME", str(home))
    first = get_current_settings()
    monkeypatch.setenv("ANTIPHON_LOGGING_LEVEL", "ERROR")
    assert get_current_settings() is first
    assert refresh().logging_level == "ERROR"
    assert get_current_settings().logging_level == "ERROR"


def test_temporary_settings(home: Path) -> None:
    before = get_current_settings()
    with temporary_settings({"ANTIPHON_HOME": home, "tasks_default_retries": 2}) as changed:
        assert get_current_settings() is changed
        assert (changed.home, changed.tasks_default_retries) == (home, 2)
        assert changed.results_local_storage_path == home / "storage"
        assert changed.sources["home"] == "temporary_settings"
        with temporary_settings(
            {"api_url": "a:1"},
            set_defaults={"home": "/x", "logging_level": "ERROR"},
            restore_defaults=["tasks_default_retries"],
        ) as inner:
            assert (inner.home, inner.logging_level, inner.api_url) == (home, "ERROR", "a:1")
            assert inner.tasks_default_retries == 0
        assert get_current_settings() is changed
    assert get_current_settings() is before


def test_temporary_settings_are_checked_and_undone_after_an_error() -> None:
    before = get_current_settings()
    with pytest.raises(SettingError, match=r"from temporary_settings"), temporary_settings({"api_url": "x"}):
        pass
    with pytest.raises(KeyError), temporary_settings({"api_url": None}):
        raise KeyError
    assert get_current_settings() is before


def test_settings_cannot_be_changed_and_survive_pickling(home: Path) -> None:
    settings = load_settings({"ANTIPHON_HOME": str(home)})
    with pytest.raises(AttributeError):
        settings.home = home  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_import_is_light() -> None:
    program = "import sys, antiphon.settings; print(sorted({'grpc', 'pydantic', 'asyncio'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "[]\n"
