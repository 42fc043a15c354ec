"""Settings. `settings.group.field` is read from, in this order:

1. the environment variable `ANTIPHON_GROUP_FIELD`,
2. the same name in `.env` in the current folder,
3. `[group] field` in `antiphon.toml` there,
4. `[tool.antiphon.group] field` in `pyproject.toml` there,
5. the active profile in `<home>/profiles.toml`,
6. its default.

They are read once, at the first call of `get_current_settings()`. Each setting is importable from here by the name of
its environment variable: `from antiphon.settings import ANTIPHON_LOGGING_LEVEL`.
"""

from antiphon.settings.current import (
    NAMED,
    Setting,
    find_setting,
    get_current_settings,
    load_current_profile,
    temporary_settings,
    update_current_profile,
)
from antiphon.settings.profiles import (
    DEFAULT_PROFILES_PATH,
    Profile,
    ProfilesCollection,
    load_profile,
    load_profiles,
    save_profiles,
)
from antiphon.settings.rows import PREFIX
from antiphon.settings.table import Settings

__all__ = [
    "DEFAULT_PROFILES_PATH",
    "Profile",
    "ProfilesCollection",
    "Setting",
    "Settings",
    "canonical_environment_prefix",
    "find_setting",
    "get_current_settings",
    "load_current_profile",
    "load_profile",
    "load_profiles",
    "save_profiles",
    "temporary_settings",
    "update_current_profile",
]


def canonical_environment_prefix(settings: Settings) -> str:
    """Return what the names of all settings begin with."""
    return PREFIX


def __getattr__(name: str) -> Setting:
    setting = NAMED.get(name)
    if setting is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return setting


def __dir__() -> list[str]:
    return sorted({*globals(), *NAMED})
