"""Settings as another process can be given them."""

from antiphon.settings.current import get_current_settings
from antiphon.settings.kinds import PATHS, text_of
from antiphon.settings.rows import DEFAULT_SOURCE, SETTINGS

#: Where values came from; the other process gets the values, and its machine may not have that place.
_PLACES = ("profile", "profiles_path")


def settings_environment(*, elsewhere: bool = False) -> dict[str, str]:
    """Return environment variables that give another process the settings in force here, as far as somebody has set
    them; for one that is `elsewhere` without those that are places on this machine. Raises SettingError where one is
    wrong."""
    settings = get_current_settings()
    return {
        row.name: text_of(row.read(settings))
        for accessor, row in SETTINGS.items()
        if settings.sources[accessor] != DEFAULT_SOURCE
        and accessor not in _PLACES
        and not (elsewhere and row.about.kind in PATHS)
    }
