"""Profiles: named sets of settings in `<home>/profiles.toml`. This module only reads; `profiles_editing` writes them.

active = "default"

[profiles.default]
ANTIPHON_API_URL = "grpc://127.0.0.1:4200"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from antiphon.exceptions import MissingProfileError, SettingError

DEFAULT_PROFILE = "default"


@dataclass(frozen=True, slots=True)
class ProfilesFile:
    """What a profiles file says. Values are as TOML has them."""

    path: Path
    active: str = DEFAULT_PROFILE
    profiles: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def choose(self, name: str | None) -> tuple[str, Mapping[str, object]]:
        """Return the profile `name`, or the active one for None, as (name, settings).

        The profile `default` need not be in the file. Raises MissingProfileError for another that is not there.
        """
        wanted = name or self.active
        if wanted in self.profiles:
            return wanted, self.profiles[wanted]
        if wanted == DEFAULT_PROFILE:
            return wanted, {}
        known = ", ".join(sorted({DEFAULT_PROFILE, *self.profiles}))
        raise MissingProfileError(
            f"There is no profile {wanted!r} in {self.path}. Choose one of {known}, or add a table"
            f" [profiles.{wanted}] to the file."
        )


def read_profiles(path: Path) -> ProfilesFile:
    """Read the profiles file; one that does not exist is empty.

    Raises SettingError where it cannot be read or has another shape.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return ProfilesFile(path)
    except OSError as error:
        raise SettingError(f"Cannot read the profiles in {path}: {error.strerror}. Mend its permissions.") from error
    try:
        document = tomllib.loads(content.decode())
    except ValueError as error:
        raise SettingError(f"{path} is not valid TOML: {error}. Mend it or delete it.") from error
    return _from_document(path, document)


def _from_document(path: Path, document: Mapping[str, object]) -> ProfilesFile:
    active = document.get("active", DEFAULT_PROFILE)
    profiles = document.get("profiles", {})
    if not isinstance(active, str) or not active:
        raise SettingError(f"`active` in {path} must be the name of a profile, not {active!r}.")
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        raise SettingError(f"`profiles` in {path} must hold tables, such as [profiles.{DEFAULT_PROFILE}].")
    return ProfilesFile(path, active, profiles)
