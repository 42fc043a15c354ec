"""Profiles as Python objects."""

from pathlib import Path

import pytest

from antiphon.exceptions import MissingProfileError, SettingError
from antiphon.settings import (
    ANTIPHON_API_URL,
    ANTIPHON_LOGGING_LEVEL,
    Profile,
    ProfilesCollection,
    load_current_profile,
    load_profile,
    load_profiles,
    save_profiles,
    update_current_profile,
)

TEXT = '# ours\nactive = "a"\n\n[profiles.a]  # first\nANTIPHON_API_URL = "a:1" # here\n\n[profiles.b]\n'


def test_profiles_are_read(here: Path) -> None:
    (here / "profiles.toml").write_text(TEXT)
    profiles = load_profiles()
    assert profiles.names == {"default", "ephemeral", "local", "a", "b"}
    assert load_profiles(include_defaults=False).names == {"a", "b"}
    assert profiles.active_profile == profiles["a"] == load_profile("a") == load_current_profile()
    assert profiles["a"].settings == {"ANTIPHON_API_URL": "a:1"}
    assert (profiles["a"].source, profiles["local"].source) == (here / "profiles.toml", None)
    with pytest.raises(
        MissingProfileError, match=r"no profile 'c'\. Choose one of a, b, default, ephemeral, local, or"
    ):
        load_profile("c")


def test_what_is_saved_is_what_there_is_and_comments_stay(here: Path) -> None:
    path = here / "profiles.toml"
    path.write_text(TEXT)
    profiles = load_profiles(include_defaults=False)
    profiles.remove_profile("b")
    profiles.add_profile(Profile("c", {ANTIPHON_LOGGING_LEVEL: "DEBUG"}))
    profiles.set_active("c")
    save_profiles(profiles)
    assert path.read_text() == (
        '# ours\nactive = "c"\n\n[profiles.a]  # first\nANTIPHON_API_URL = "a:1" # here\n\n[profiles.c]\n'
        'ANTIPHON_LOGGING_LEVEL = "DEBUG"\n'
    )
    assert load_profiles(include_defaults=False) == profiles


def test_the_first_profiles_are_saved_too(here: Path) -> None:
    save_profiles(ProfilesCollection([Profile("x", {"api.url": "a:1"})], active="x"))
    assert load_profiles(include_defaults=False).to_dict() == {
        "active": "x",
        "profiles": {"x": {"ANTIPHON_API_URL": "a:1"}},
    }


def test_the_current_profile_is_updated(here: Path) -> None:
    update_current_profile({ANTIPHON_API_URL: "a:1", "logging.level": "DEBUG"})
    profile = update_current_profile({ANTIPHON_API_URL: None})
    assert profile.settings == load_profile("default").settings == {"ANTIPHON_LOGGING_LEVEL": "DEBUG"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ANTIPHON_TYPO": 1}, "There is no setting 'ANTIPHON_TYPO'"),
        ({ANTIPHON_LOGGING_LEVEL: "loud"}, "ANTIPHON_LOGGING_LEVEL cannot be 'loud'"),
        ({"profile": "x"}, "ANTIPHON_PROFILE cannot be set inside a profile"),
    ],
)
def test_wrong_settings_are_not_saved(here: Path, settings: dict[object, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        update_current_profile(settings)
    assert not (here / "profiles.toml").exists()


def test_validation_tells_all_that_is_wrong() -> None:
    profile = Profile("p", {"ANTIPHON_TYPO": 1, "ANTIPHON_LOGGING_LEVEL": "loud"})
    with pytest.raises(SettingError) as caught:
        profile.validate_settings()
    first, second = str(caught.value).splitlines()
    assert "ANTIPHON_TYPO" in first and "ANTIPHON_LOGGING_LEVEL" in second


def test_a_collection(here: Path) -> None:
    profiles = ProfilesCollection([Profile("a")])
    assert (list(profiles), len(profiles), profiles.active_profile) == (["a"], 1, None)
    with pytest.raises(ValueError, match="There is a profile 'a' already"):
        profiles.add_profile(Profile("a"))
    with pytest.raises(MissingProfileError):
        profiles.set_active("b")
    profiles.set_active("b", check=False)
    with pytest.raises(MissingProfileError):
        profiles.remove_profile("b")
    made = profiles.update_profile("b", {"tasks.default_retry_delay_seconds": [1, 2.5], "cli.colors": False})
    assert profiles.active_profile is made
    assert made.to_environment_variables() == {
        "ANTIPHON_TASKS_DEFAULT_RETRY_DELAY_SECONDS": "1,2.5",
        "ANTIPHON_CLI_COLORS": "false",
    }
