"""The settings in force: those of the process, and in a context those that a `with` block put in their place."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Self

from antiphon.settings import loading
from antiphon.settings.layers import current_folder
from antiphon.settings.profiles import Profile, load_profile, load_profiles, save_profiles
from antiphon.settings.rows import DEFAULT_SOURCE, SETTINGS, Row, find_row
from antiphon.settings.table import Settings

_active: ContextVar["SettingsContext | None"] = ContextVar("antiphon_settings", default=None)
_TEMPORARY = "temporary_settings"
_lock = threading.Lock()
_root: "SettingsContext | None" = None


class SettingsContext:
    """Settings that hold inside a `with` block, in the code there and in what runs in a copy of its context."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._tokens: list[Token[SettingsContext | None]] = []

    @classmethod
    def get(cls) -> "SettingsContext | None":
        """Return the innermost one around the calling code; None where the process's settings hold."""
        return _active.get()

    @property
    def profile(self) -> Profile:
        """The profile that was read, as its file has it now. Raises SettingError, MissingProfileError."""
        return load_profile(self.settings.profile)

    def __enter__(self) -> Self:
        self._tokens.append(_active.set(self))
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        _active.reset(self._tokens.pop())


def get_current_settings() -> Settings:
    """Return the settings in force here. The process's are read at the first call; SettingError where one is wrong."""
    return get_settings_context().settings


def get_settings_context() -> SettingsContext:
    """Return the innermost context around the calling code, or else the process's. Raises SettingError."""
    context = _active.get() or _root
    if context is not None:
        return context
    refresh_global_settings_context()
    return get_settings_context()


def root_settings_context() -> SettingsContext:
    """Read the environment, the files and the profile anew; changes nothing. Raises SettingError."""
    return SettingsContext(loading.load_settings(os.environ, current_folder()))


def refresh_global_settings_context() -> None:
    """Read the process's settings anew, after the environment or a file has changed. Raises SettingError."""
    replace_root(root_settings_context())


def replace_root(context: SettingsContext | None) -> SettingsContext | None:
    """Put other settings in place of the process's, or none, so that they are read when next needed; gives the old."""
    global _root
    with _lock:
        before, _root = _root, context
        return before


@contextmanager
def settings_of_process(settings: Settings) -> Iterator[None]:
    """Have these settings hold inside a `with` block, also in threads that know nothing of its context."""
    context = SettingsContext(settings)
    before = replace_root(context)
    try:
        # Only where another context would come first: a test's set-up and its end may have different ones.
        with context if SettingsContext.get() is not None else nullcontext():
            yield
    finally:
        replace_root(before)


class Setting:
    """One setting, such as `antiphon.settings.ANTIPHON_API_URL`: a key for `temporary_settings`, and its value."""

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        self._row = row

    @property
    def name(self) -> str:
        """The environment variable."""
        return self._row.name

    @property
    def accessor(self) -> str:
        """Where Settings has it, such as `api.url`."""
        return self._row.accessor

    @property
    def description(self) -> str:
        """What it is for."""
        return self._row.about.description

    def default(self) -> Any:
        """Its value where nobody sets it; None also for one that then follows from another setting."""
        default = self._row.about.default
        return default if default is None else self._row.parse(default, DEFAULT_SOURCE)

    def value(self) -> Any:
        """Its value here and now. Raises SettingError where any setting is wrong."""
        return self.value_from(get_current_settings())

    def value_from(self, settings: Settings) -> Any:
        """Its value in `settings`."""
        return self._row.read(settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and other._row is self._row

    def __hash__(self) -> int:
        return hash(self._row.name)

    def __repr__(self) -> str:
        return f"<{self.name}: {self._row.about.kind.allowed}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return find_setting, (self.name,)


SettingKey = Setting | str


def find_setting(key: SettingKey) -> Setting:
    """Return the setting named `ANTIPHON_API_URL`, `api.url` or `api_url`. Raises SettingError where there is none."""
    return key if isinstance(key, Setting) else Setting(find_row(key))


@contextmanager
def temporary_settings(
    updates: Mapping[SettingKey, Any] | Mapping[str, Any] | Mapping[Setting, Any] | None = None,
    set_defaults: Mapping[SettingKey, Any] | Mapping[str, Any] | Mapping[Setting, Any] | None = None,
    restore_defaults: Iterable[SettingKey] | None = None,
) -> Iterator[Settings]:
    """Change settings inside a `with` block, for the code in it and for what runs in a copy of its context.

    Keys are settings such as `antiphon.settings.ANTIPHON_API_URL`, or their names. `updates` always apply;
    `set_defaults` apply where nobody set anything; those in `restore_defaults` take their default again. Blocks nest.
    Raises SettingError.
    """
    settings = with_changes(get_current_settings(), updates, set_defaults, restore_defaults)
    with SettingsContext(settings):
        yield settings


def with_changes(
    before: Settings,
    updates: Mapping[Any, Any] | None = None,
    set_defaults: Mapping[Any, Any] | None = None,
    restore_defaults: Iterable[SettingKey] | None = None,
) -> Settings:
    """Return settings changed as `temporary_settings` says."""
    return loading.changed(
        before,
        _by_accessor(updates or {}),
        _by_accessor(set_defaults or {}),
        [find_setting(key).accessor for key in restore_defaults or ()],
        _TEMPORARY,
    )


def _by_accessor(values: Mapping[Any, Any]) -> dict[str, object]:
    return {find_setting(key).accessor: value for key, value in values.items()}


@contextmanager
def use_profile(
    profile: Profile | str, override_environment_variables: bool = False, include_current_context: bool = True
) -> Iterator[SettingsContext]:
    """Use another profile inside a `with` block, for the code in it and for what runs in a copy of its context.

    The environment and the files of the current folder come before the profile, unless
    `override_environment_variables`. What `temporary_settings` set around the block stays where the profile says
    nothing, unless `include_current_context` is false. Raises MissingProfileError, SettingError.
    """
    if isinstance(profile, str):
        profile = load_profile(profile)
    base = get_current_settings() if include_current_context else root_settings_context().settings
    origin = loading.origin_of(profile.name, profile.source or base.profiles_path)
    kept = {name: source for name, source in base.sources.items() if not source.startswith("profile ")}
    kept = {name: source for name, source in kept.items() if source != DEFAULT_SOURCE}
    values: dict[str, object] = {name: SETTINGS[name].read(base) for name in kept}
    for accessor, value in loading.profile_values(profile.settings, origin).items():
        if override_environment_variables or kept.get(accessor, _TEMPORARY) == _TEMPORARY:
            values[accessor] = value
            kept[accessor] = origin
    values["profile"] = profile.name
    kept["profile"] = "use_profile"
    with SettingsContext(loading.build(values, kept)) as context:
        yield context


def load_current_profile() -> Profile:
    """Return the profile in force here, as its file has it. Raises SettingError, MissingProfileError."""
    return get_settings_context().profile


def update_current_profile(settings: Mapping[Any, Any]) -> Profile:
    """Set settings in the profile in force here and write the file; None takes one out. Returns the profile.

    What is in force in this process stays; see `refresh_global_settings_context`. Raises SettingError.
    """
    profiles = load_profiles(include_defaults=False)
    profile = profiles.update_profile(get_current_settings().profile, settings)
    save_profiles(profiles)
    return profile


#: Name -> setting.
NAMED: Mapping[str, Setting] = {row.name: Setting(row) for row in SETTINGS.values()}
