"""Settings put together from all places: what is written, checked, and defaults for the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from antiphon.exceptions import SettingError
from antiphon.settings.groups import About, SettingsGroup, settings_of
from antiphon.settings.layers import read_layers
from antiphon.settings.profiles_file import DEFAULT_PROFILE, read_profiles
from antiphon.settings.rows import DEFAULT_SOURCE, SETTINGS, Row, find_row
from antiphon.settings.table import Settings

#: Accessor -> where its value was read.
Sources = Mapping[str, str]


def load_settings(environment: Mapping[str, str], folder: Path | None = None) -> Settings:
    """Read all settings from `environment`, the files in `folder`, the profiles file that these lead to, and defaults.

    Raises SettingError or MissingProfileError.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for layer in read_layers(environment, folder):
        _add(values, sources, layer.values, layer.source)
    profiles = read_profiles(_profiles_path(values, sources))
    name, profile = profiles.choose(_profile_asked_for(values, sources))
    origin = origin_of(name, profiles.path)
    _add(values, sources, profile_values(profile, origin), origin)
    if "profile" not in values and name != DEFAULT_PROFILE:
        sources["profile"] = f"`active` in {profiles.path}"
    values["profile"] = name
    return build(values, sources)


def _add(values: dict[str, object], sources: dict[str, str], more: Mapping[str, object], source: str) -> None:
    for accessor, value in more.items():
        if accessor not in values:
            values[accessor] = value
            sources[accessor] = source


def origin_of(profile: str, path: Path) -> str:
    """How a profile is named as the source of a value."""
    return f"profile {profile!r} in {path}"


def profile_values(profile: Mapping[str, object], origin: str) -> dict[str, object]:
    """Return accessor -> value of a profile's table. Raises SettingError for what is no setting of a profile."""
    return {_profile_row(key, origin).accessor: value for key, value in profile.items()}


def _profile_row(key: str, origin: str) -> Row:
    try:
        row = find_row(key)
    except SettingError as error:
        raise SettingError(f"{error} (read from {origin})") from error
    if not row.about.in_profiles:
        raise SettingError(f"{row.name} cannot be set inside a profile (read from {origin}).")
    return row


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is said of profiles outside of the profiles file."""

    profiles_path: Path
    #: The profile that is asked for; None where the file's active one counts.
    profile: str | None


def look_around(environment: Mapping[str, str], folder: Path | None = None) -> Surroundings:
    """Find the profiles file that counts, without reading it. Raises SettingError."""
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for layer in read_layers(environment, folder):
        _add(values, sources, layer.values, layer.source)
    return Surroundings(_profiles_path(values, sources), _profile_asked_for(values, sources))


def _profile_asked_for(values: Mapping[str, object], sources: Sources) -> str | None:
    return str(SETTINGS["profile"].parse(values["profile"], sources["profile"])) if "profile" in values else None


def _profiles_path(values: Mapping[str, object], sources: Sources) -> Path:
    row = SETTINGS["profiles_path"]
    if row.accessor in values:
        return Path(row.parse(values[row.accessor], sources[row.accessor]))
    home = SETTINGS["home"]
    text = values.get(home.accessor, home.about.default)
    return Path(home.parse(text, sources.get(home.accessor, DEFAULT_SOURCE))) / "profiles.toml"


def build(values: Mapping[str, object], sources: Sources) -> Settings:
    """Parse what was read, add defaults, and make the object. Raises SettingError."""
    parsed = {
        accessor: row.parse(values[accessor], sources.get(accessor, DEFAULT_SOURCE))
        for accessor, row in SETTINGS.items()
        if accessor in values
    }
    home = parsed.get("home") or SETTINGS["home"].parse(SETTINGS["home"].about.default, DEFAULT_SOURCE)
    following: dict[str, object] = {
        "profiles_path": home / "profiles.toml",
        "results.local_storage_path": home / "storage",
        "logging.level": "DEBUG" if parsed.get("debug_mode") else "INFO",
    }
    for accessor, row in SETTINGS.items():
        if accessor not in parsed:
            default = following.get(accessor, row.about.default)
            parsed[accessor] = row.parse(default, DEFAULT_SOURCE)
    tree = _tree(Settings, "", parsed)
    return Settings(tree, {accessor: sources.get(accessor, DEFAULT_SOURCE) for accessor in SETTINGS})


def _tree(group: type[SettingsGroup], place: str, parsed: Mapping[str, Any]) -> dict[str, Any]:
    """What a group is made of: values, and the groups in it."""
    return {
        name: parsed[f"{place}{name}"] if isinstance(about, About) else about(_tree(about, f"{place}{name}.", parsed))
        for name, about in settings_of(group)
    }


def changed(
    before: Settings,
    updates: Mapping[str, object],
    set_defaults: Mapping[str, object],
    restore: Iterable[str],
    source: str,
) -> Settings:
    """Return other settings. By accessor: `updates` always apply, `set_defaults` where nobody set anything; those to
    `restore` take their default again. Raises SettingError."""
    sources = {accessor: where for accessor, where in before.sources.items() if where != DEFAULT_SOURCE}
    for accessor in restore:
        sources.pop(accessor, None)
    values = {accessor: SETTINGS[accessor].read(before) for accessor in sources}
    changes = {accessor: value for accessor, value in set_defaults.items() if accessor not in values} | dict(updates)
    return build(values | changes, sources | dict.fromkeys(changes, source))
