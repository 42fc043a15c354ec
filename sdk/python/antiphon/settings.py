"""Settings. A setting `some_name` is read from, in this order:

1. the environment variable `ANTIPHON_SOME_NAME`,
2. the active profile in `<home>/profiles.toml` (see `antiphon.profiles`),
3. its default, below.

They are read once, at the first call of `get_current_settings()`.
"""

import dataclasses
import difflib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from antiphon import setting_kinds as kinds
from antiphon.exceptions import SettingError
from antiphon.profiles import DEFAULT_PROFILE, load_profiles, profiles_path
from antiphon.setting_kinds import Kind

PREFIX = "ANTIPHON_"
DEFAULT_SOURCE = "default"
_ENVIRONMENT = "the environment"


@dataclass(frozen=True, slots=True)
class About:
    """What there is to know of a setting beside its name and type."""

    kind: Kind
    #: As `kind.parse` takes it; None may mean that it follows from another setting.
    default: object
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its value. The fields are the table: name, type, kind, default, description."""

    home: Annotated[Path, About(kinds.FOLDER, "~/.antiphon", "Where profiles and the embedded server's data are kept.")]
    profile: Annotated[str, About(kinds.NAME, DEFAULT_PROFILE, "The profile to use in place of the active one.")]
    api_url: Annotated[str | None, About(kinds.ADDRESS, None, "The server to talk to. Empty: one that starts itself.")]
    logging_level: Annotated[str, About(kinds.LEVEL, "INFO", "The least severe log records to keep.")]
    logging_log_prints: Annotated[bool, About(kinds.BOOLEAN, False, "Whether print() in flows and tasks writes logs.")]
    logging_extra_loggers: Annotated[list[str], About(kinds.NAMES, [], "Loggers whose records are logs of a run too.")]
    logging_to_api_enabled: Annotated[bool, About(kinds.BOOLEAN, True, "Whether logs of runs go to the server.")]
    results_persist_by_default: Annotated[
        bool, About(kinds.BOOLEAN, False, "Whether results are kept in storage unless the code says no.")
    ]
    results_default_serializer: Annotated[
        str | None,
        About(kinds.OPTIONAL_TEXT, None, "Serializer of results in storage; JSON or pickle if not set."),
    ]
    results_default_storage_block: Annotated[
        str | None, About(kinds.OPTIONAL_TEXT, None, "Storage block where results are kept, in place of the folder.")
    ]
    results_inline_limit: Annotated[
        int,
        About(kinds.COUNT, 32768, "Bytes up to which results that nobody asked to keep go to the server."),
    ]
    results_local_storage_path: Annotated[
        Path, About(kinds.FOLDER, None, "Where results are kept; <home>/storage if not set.")
    ]
    tasks_default_retries: Annotated[int, About(kinds.COUNT, 0, "Retries of a task that does not say how many.")]
    tasks_default_retry_delay_seconds: Annotated[
        float | list[float], About(kinds.DELAYS, 0.0, "Delay before a retry of a task that does not say how long.")
    ]
    tasks_default_persist_result: Annotated[
        bool | None, About(kinds.OPTIONAL_BOOLEAN, None, "Whether results of tasks are kept in storage.")
    ]
    tasks_refresh_cache: Annotated[bool, About(kinds.BOOLEAN, False, "Whether tasks run though a result is cached.")]
    tasks_default_no_cache: Annotated[
        bool, About(kinds.BOOLEAN, False, "Whether tasks that name no cache policy have none.")
    ]
    tasks_disable_caching: Annotated[bool, About(kinds.BOOLEAN, False, "Whether no task looks for cached results.")]
    flows_default_retries: Annotated[int, About(kinds.COUNT, 0, "Retries of a flow that does not say how many.")]
    flows_default_retry_delay_seconds: Annotated[
        float, About(kinds.SECONDS, 0.0, "Delay before a retry of a flow that does not say how long.")
    ]
    task_runner_thread_pool_max_workers: Annotated[
        int | None, About(kinds.OPTIONAL_POSITIVE_COUNT, None, "Threads of a task runner that does not say how many.")
    ]
    server_idle_timeout_seconds: Annotated[
        float, About(kinds.POSITIVE_SECONDS, 60.0, "How long the embedded server stays when nobody uses it.")
    ]
    server_startup_timeout_seconds: Annotated[
        float, About(kinds.POSITIVE_SECONDS, 20.0, "How long to wait for the embedded server to start.")
    ]
    client_reconnect_timeout_seconds: Annotated[
        float, About(kinds.SECONDS, 600.0, "How long runs go on without a server that answers.")
    ]
    cli_colors: Annotated[bool, About(kinds.BOOLEAN, True, "Whether the command line uses colours on a terminal.")]
    #: Attribute name -> where its value was read.
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    #: The attribute of Settings.
    attribute: str
    #: The environment variable, which is also the name in profiles.
    name: str
    about: About

    def parse(self, value: object, source: str) -> Any:
        """Return the value as Settings holds it. Raises SettingError that names the setting and its source."""
        kind = self.about.kind
        try:
            return kind.parse(value)
        except (ValueError, TypeError) as error:
            raise SettingError(
                f"The setting {self.name} cannot be {value!r} (from {source}): {error}. Allowed: {kind.allowed}."
            ) from error


def _table() -> dict[str, Setting]:
    annotated = {name: getattr(hint, "__metadata__", None) for name, hint in Settings.__annotations__.items()}
    return {name: Setting(name, PREFIX + name.upper(), extra[0]) for name, extra in annotated.items() if extra}


#: Attribute name -> setting.
SETTINGS: Mapping[str, Setting] = _table()


def find_setting(name: str) -> Setting:
    """Return the setting of that name, written `ANTIPHON_SOME_NAME` or `some_name`. Raises SettingError if none."""
    setting = SETTINGS.get(name.removeprefix(PREFIX).lower())
    if setting is not None and name in (setting.name, setting.attribute):
        return setting
    known = [setting.name for setting in SETTINGS.values()]
    close = difflib.get_close_matches(PREFIX + name.removeprefix(PREFIX).upper(), known, n=1)
    hint = f"Did you mean {close[0]}?" if close else "See `antiphon config view --show-defaults` for those that exist."
    raise SettingError(f"There is no setting {name!r}. {hint}")


def profiles_home(environment: Mapping[str, str]) -> Path:
    """The folder whose profiles count. A profile may name another home for the data. Raises SettingError."""
    setting = SETTINGS["home"]
    text = environment.get(setting.name, "").strip()
    return Path(setting.parse(text, _ENVIRONMENT) if text else setting.parse(setting.about.default, DEFAULT_SOURCE))


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read all settings from `environment`, the profiles file that it leads to, and the defaults.

    Raises SettingError or MissingProfileError.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS.values():
        text = environment.get(setting.name)
        if text is not None and (text.strip() or setting.about.kind.takes_empty):
            values[setting.attribute] = text
            sources[setting.attribute] = _ENVIRONMENT
    profiles = load_profiles(profiles_path(profiles_home(environment)))
    name, profile = profiles.choose(environment.get(SETTINGS["profile"].name, "").strip() or None)
    origin = f"profile {name!r} in {profiles.path}"
    for key, value in profile.items():
        attribute = _profile_setting(key, origin).attribute
        if attribute not in values:
            values[attribute] = value
            sources[attribute] = origin
    if "profile" not in values and name != DEFAULT_PROFILE:
        sources["profile"] = f"`active` in {profiles.path}"
    values["profile"] = name
    return _build(values, sources)


def _profile_setting(key: str, origin: str) -> Setting:
    try:
        setting = find_setting(key)
    except SettingError as error:
        raise SettingError(f"{error} (read from {origin})") from error
    if setting.attribute == "profile":
        raise SettingError(f"{setting.name} cannot be set inside a profile (read from {origin}).")
    return setting


def _build(values: Mapping[str, object], sources: Mapping[str, str]) -> Settings:
    """Parse what was read, add defaults, and make the object."""
    parsed: dict[str, Any] = {}
    for attribute, setting in SETTINGS.items():
        if attribute in values:
            parsed[attribute] = setting.parse(values[attribute], sources.get(attribute, DEFAULT_SOURCE))
        elif attribute == "results_local_storage_path":
            parsed[attribute] = parsed["home"] / "storage"
        else:
            parsed[attribute] = setting.parse(setting.about.default, DEFAULT_SOURCE)
    return Settings(**parsed, sources={name: sources.get(name, DEFAULT_SOURCE) for name in SETTINGS})


_lock = threading.Lock()
_current: Settings | None = None


def get_current_settings() -> Settings:
    """Return the settings of this process. Read at the first call; raises SettingError where one is wrong."""
    if _current is not None:
        return _current
    return refresh()


def refresh() -> Settings:
    """Read the settings again, after the environment or the profiles file has changed, and return them."""
    global _current
    with _lock:
        _current = load_settings(os.environ)
        return _current


@contextmanager
def temporary_settings(
    updates: Mapping[str, object] | None = None,
    set_defaults: Mapping[str, object] | None = None,
    restore_defaults: Iterable[str] = (),
) -> Iterator[Settings]:
    """Change settings of the whole process inside a `with` block, for tests.

    Names may be written `ANTIPHON_SOME_NAME` or `some_name`. `updates` always apply; `set_defaults` apply where nobody
    set anything; `restore_defaults` names settings that take their default again. Raises SettingError.
    """
    global _current
    before = get_current_settings()
    changed = _changed(before, updates or {}, set_defaults or {}, restore_defaults)
    _current = changed
    try:
        yield changed
    finally:
        _current = before


def _changed(
    before: Settings, updates: Mapping[str, object], set_defaults: Mapping[str, object], restore: Iterable[str]
) -> Settings:
    sources = {name: source for name, source in before.sources.items() if source != DEFAULT_SOURCE}
    for name in restore:
        sources.pop(find_setting(name).attribute, None)
    values = {name: getattr(before, name) for name in sources}
    changes = {find_setting(name).attribute: value for name, value in set_defaults.items()}
    changes = {name: value for name, value in changes.items() if name not in values}
    changes |= {find_setting(name).attribute: value for name, value in updates.items()}
    return _build(values | changes, sources | dict.fromkeys(changes, "temporary_settings"))
