"""Profiles as Python objects: read, changed, and written back."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from antiphon.exceptions import MissingProfileError, SettingError
from antiphon.settings import profiles_editing
from antiphon.settings.kinds import text_of
from antiphon.settings.layers import current_folder
from antiphon.settings.loading import look_around, origin_of, profile_values
from antiphon.settings.profiles_file import DEFAULT_PROFILE, read_profiles
from antiphon.settings.rows import SETTINGS, find_row

#: Where profiles are kept while neither ANTIPHON_PROFILES_PATH nor ANTIPHON_HOME is set.
DEFAULT_PROFILES_PATH = Path(os.path.expanduser("~/.antiphon")) / "profiles.toml"

#: What `antiphon profile populate-defaults` adds.
DEFAULT_PROFILES: Mapping[str, Mapping[str, object]] = {
    DEFAULT_PROFILE: {},
    "ephemeral": {"ANTIPHON_SERVER_EPHEMERAL_ENABLED": True},
    "local": {"ANTIPHON_API_URL": "127.0.0.1:4200"},
}


@dataclass(slots=True)
class Profile:
    """A named set of settings: name -> value, as the file has it. Keys may be given as settings too."""

    name: str
    settings: dict[Any, Any] = field(default_factory=dict)
    #: The file that it was read from.
    source: Path | None = None

    def __post_init__(self) -> None:
        self.settings = by_name(self.settings)

    def validate_settings(self) -> None:
        """Raises SettingError, with a line for each, where a name is no setting or a value is not allowed."""
        origin = origin_of(self.name, self.source) if self.source else f"profile {self.name!r}"
        problems = []
        for key, value in self.settings.items():
            try:
                for accessor, checked in profile_values({key: value}, origin).items():
                    SETTINGS[accessor].parse(checked, origin)
            except SettingError as error:
                problems.append(str(error))
        if problems:
            raise SettingError("\n".join(problems))

    def to_environment_variables(self) -> dict[str, str]:
        """Its settings as another process can be given them: name -> text."""
        return {name: text_of(value) for name, value in self.settings.items()}


class ProfilesCollection:
    """Profiles by name, and which is active."""

    def __init__(self, profiles: Mapping[str, Profile] | list[Profile], active: str | None = None) -> None:
        listed = profiles.values() if isinstance(profiles, Mapping) else profiles
        self.profiles_by_name = {profile.name: profile for profile in listed}
        self.active_name = active

    @property
    def names(self) -> set[str]:
        """The names of all."""
        return set(self.profiles_by_name)

    @property
    def active_profile(self) -> Profile | None:
        """The active one, if there is one of that name."""
        return self.profiles_by_name.get(self.active_name or "")

    def set_active(self, name: str | None, check: bool = True) -> None:
        """Say which is active. Raises MissingProfileError for one that is not there, unless `check` is false."""
        if check and name is not None and name not in self.profiles_by_name:
            raise _missing(name, self)
        self.active_name = name

    def add_profile(self, profile: Profile) -> None:
        """Add one. Raises ValueError where the name is taken."""
        if profile.name in self.profiles_by_name:
            raise ValueError(f"There is a profile {profile.name!r} already. Use update_profile(), or another name.")
        self.profiles_by_name[profile.name] = profile

    def update_profile(self, name: str, settings: Mapping[Any, Any], source: Path | None = None) -> Profile:
        """Set settings in a profile, made where it is not there, and return it; None takes a setting out."""
        profile = self.profiles_by_name.setdefault(name, Profile(name, {}, source))
        merged = {**profile.settings, **by_name(settings)}
        profile.settings = {key: value for key, value in merged.items() if value is not None}
        return profile

    def remove_profile(self, name: str) -> None:
        """Remove one. Raises MissingProfileError where it is not there."""
        if name not in self.profiles_by_name:
            raise _missing(name, self)
        del self.profiles_by_name[name]

    def items(self) -> list[tuple[str, Profile]]:
        """Names and profiles."""
        return list(self.profiles_by_name.items())

    def to_dict(self) -> dict[str, Any]:
        """As the file has it."""
        profiles = {name: dict(profile.settings) for name, profile in self.items()}
        return {"active": self.active_name, "profiles": profiles}

    def __getitem__(self, name: str) -> Profile:
        return self.profiles_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.profiles_by_name)

    def __len__(self) -> int:
        return len(self.profiles_by_name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProfilesCollection) and other.to_dict() == self.to_dict()

    __hash__ = None  # type: ignore[assignment]


def load_profiles(include_defaults: bool = True) -> ProfilesCollection:
    """Read the profiles file that counts here; the defaults are those that every machine has. Raises SettingError."""
    file = read_profiles(profiles_path())
    tables = {**(DEFAULT_PROFILES if include_defaults else {}), **file.profiles}
    made = [Profile(name, dict(table), file.path if name in file.profiles else None) for name, table in tables.items()]
    return ProfilesCollection(made, file.active)


def load_profile(name: str) -> Profile:
    """Return one profile. Raises MissingProfileError where there is none of that name, SettingError."""
    profiles = load_profiles()
    if name not in profiles.names:
        raise _missing(name, profiles)
    return profiles[name]


def save_profiles(profiles: ProfilesCollection) -> None:
    """Write the profiles file that counts here so that it holds these and no others; comments in it stay.

    Raises SettingError, and then nothing is changed, where a setting is wrong or the file cannot be written.
    """
    for _, profile in profiles.items():
        profile.validate_settings()
    tables = {name: profile.settings for name, profile in profiles.items()}
    profiles_editing.replace_profiles(profiles_path(), tables, profiles.active_name)


def profiles_path() -> Path:
    """The profiles file that counts here. Raises SettingError."""
    return look_around(os.environ, current_folder()).profiles_path


def by_name(settings: Mapping[Any, Any]) -> dict[str, Any]:
    """Keys that are settings, or names of settings in any spelling, as the full names; other text stays as it is."""
    return {_name(getattr(key, "name", key)): value for key, value in settings.items()}


def _name(key: str) -> str:
    try:
        return find_row(key).name
    except SettingError:
        return key  # told by validate_settings, where people can mend it


def _missing(name: str, profiles: ProfilesCollection) -> MissingProfileError:
    known = ", ".join(sorted(profiles.names)) or "(none)"
    return MissingProfileError(
        f"There is no profile {name!r}. Choose one of {known}, or make it: `antiphon profile create {name}`."
    )
