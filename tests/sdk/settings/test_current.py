"""Which settings are in force where."""

import asyncio
import contextvars
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from antiphon.context import (
    SettingsContext,
    get_settings_context,
    refresh_global_settings_context,
    root_settings_context,
    use_profile,
)
from antiphon.exceptions import MissingProfileError, SettingError
from antiphon.settings import (
    ANTIPHON_API_URL,
    ANTIPHON_LOGGING_LEVEL,
    ANTIPHON_TASKS_DEFAULT_RETRIES,
    Profile,
    canonical_environment_prefix,
    get_current_settings,
    temporary_settings,
)
from antiphon.settings.current import settings_of_process, with_changes

LEVEL = ANTIPHON_LOGGING_LEVEL


def test_keys_are_settings_or_names(here: Path) -> None:
    with temporary_settings({ANTIPHON_API_URL: "a:1", "ANTIPHON_LOGGING_LEVEL": "error", "tasks.default_retries": 2}):
        assert ANTIPHON_API_URL.value() == "a:1"
        assert LEVEL.value() == "ERROR"
        assert get_current_settings().tasks.default_retries == 2


def test_blocks_nest(here: Path) -> None:
    with temporary_settings({LEVEL: "ERROR", ANTIPHON_TASKS_DEFAULT_RETRIES: 1}) as outer:
        with temporary_settings({ANTIPHON_TASKS_DEFAULT_RETRIES: 2}, set_defaults={LEVEL: "DEBUG"}) as inner:
            assert (inner.logging.level, inner.tasks.default_retries) == ("ERROR", 2)
            with temporary_settings(restore_defaults=[LEVEL]) as innermost:
                assert (innermost.logging.level, innermost.tasks.default_retries) == ("INFO", 2)
        assert get_current_settings() is outer
    assert LEVEL.value() == "INFO"


def test_threads_with_a_copied_context_see_them_and_others_the_process(here: Path) -> None:
    with ThreadPoolExecutor(1) as executor, temporary_settings({LEVEL: "ERROR"}):
        assert executor.submit(LEVEL.value).result() == "INFO"
        assert executor.submit(contextvars.copy_context().run, LEVEL.value).result() == "ERROR"


def test_two_threads_have_their_own(here: Path) -> None:
    together = threading.Barrier(2, timeout=30)

    def look(level: str) -> str:
        with temporary_settings({LEVEL: level}):
            together.wait()
            seen: str = LEVEL.value()
            together.wait()
            return seen

    with ThreadPoolExecutor(2) as executor:
        assert list(executor.map(look, ["ERROR", "DEBUG"])) == ["ERROR", "DEBUG"]


def test_coroutines_have_their_own(here: Path) -> None:
    async def look(level: str, mine: asyncio.Event, other: asyncio.Event) -> str:
        with temporary_settings({LEVEL: level}):
            mine.set()
            await other.wait()
            return str(LEVEL.value())

    async def both() -> list[str]:
        a, b = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(look("ERROR", a, b), look("DEBUG", b, a))

    assert asyncio.run(both()) == ["ERROR", "DEBUG"]


def test_settings_of_the_process_hold_in_every_thread(here: Path) -> None:
    settings = with_changes(get_current_settings(), {LEVEL: "ERROR"})
    with temporary_settings({LEVEL: "DEBUG"}), ThreadPoolExecutor(1) as executor:
        with settings_of_process(settings):
            assert (LEVEL.value(), executor.submit(LEVEL.value).result()) == ("ERROR", "ERROR")
        assert (LEVEL.value(), executor.submit(LEVEL.value).result()) == ("DEBUG", "INFO")


def test_contexts(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SettingsContext.get() is None
    first = get_settings_context()
    assert get_settings_context() is first and first.profile.name == "default"
    monkeypatch.setenv("ANTIPHON_LOGGING_LEVEL", "ERROR")
    assert root_settings_context().settings.logging.level == "ERROR"
    assert get_settings_context() is first
    with first:
        refresh_global_settings_context()
        assert LEVEL.value() == "INFO"
    assert LEVEL.value() == "ERROR"


def test_a_profile_can_be_used_for_a_while(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "profiles.toml").write_text(
        '[profiles.default]\nANTIPHON_TASKS_DEFAULT_RETRIES = 7\n[profiles.loud]\nANTIPHON_LOGGING_LEVEL = "DEBUG"\n'
        'ANTIPHON_API_URL = "a:1"\n'
    )
    monkeypatch.setenv("ANTIPHON_API_URL", "b:2")
    with use_profile("loud") as context:
        assert (context.profile.name, context.settings.profile) == ("loud", "loud")
        assert (LEVEL.value(), ANTIPHON_API_URL.value(), ANTIPHON_TASKS_DEFAULT_RETRIES.value()) == ("DEBUG", "b:2", 0)
    with use_profile("loud", override_environment_variables=True):
        assert ANTIPHON_API_URL.value() == "a:1"
    with temporary_settings({ANTIPHON_TASKS_DEFAULT_RETRIES: 3}):
        with use_profile("loud"):
            assert ANTIPHON_TASKS_DEFAULT_RETRIES.value() == 3
        with use_profile("loud", include_current_context=False):
            assert ANTIPHON_TASKS_DEFAULT_RETRIES.value() == 0
    with use_profile(Profile("made", {LEVEL: "ERROR"})):
        assert LEVEL.value() == "ERROR"
    assert (LEVEL.value(), ANTIPHON_TASKS_DEFAULT_RETRIES.value()) == ("INFO", 7)
    with pytest.raises(MissingProfileError, match="antiphon profile create nobody"), use_profile("nobody"):
        pass


def test_debug_mode_lowers_the_level_that_nobody_set(here: Path) -> None:
    with temporary_settings({"debug_mode": True}):
        assert LEVEL.value() == "DEBUG"
    with temporary_settings({"debug_mode": True, LEVEL: "ERROR"}):
        assert LEVEL.value() == "ERROR"


def test_a_key_that_is_no_setting_is_told(here: Path) -> None:
    wrong = temporary_settings({"ANTIPHON_LOGING_LEVEL": "INFO"})
    with pytest.raises(SettingError, match=r"no setting 'ANTIPHON_LOGING_LEVEL'.* ANTIPHON_LOGGING_LEVEL"), wrong:
        pass


def test_settings_are_values(here: Path) -> None:
    assert pickle.loads(pickle.dumps(LEVEL)) == LEVEL
    assert {LEVEL: 1}[pickle.loads(pickle.dumps(LEVEL))] == 1
    assert canonical_environment_prefix(get_current_settings()) == "ANTIPHON_"
    with pytest.raises(AttributeError, match="temporary_settings"):
        get_current_settings().logging.level = "DEBUG"
    with pytest.raises(AttributeError, match="temporary_settings"):
        del get_current_settings().logging


def test_a_folder_that_was_deleted_is_no_trouble(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert LEVEL.value() == "INFO"
