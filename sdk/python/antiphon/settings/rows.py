"""The table of settings as a map: each setting by its place, and what a name that people write stands for."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from antiphon.exceptions import SettingError
from antiphon.settings.groups import About, SettingsGroup, settings_of
from antiphon.settings.table import Settings

PREFIX = "ANTIPHON_"
DEFAULT_SOURCE = "default"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    #: Where Settings has it, such as `logging.to_api.enabled`.
    accessor: str
    #: The environment variable, which is also the name in profiles, such as `ANTIPHON_LOGGING_TO_API_ENABLED`.
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

    def read(self, settings: SettingsGroup) -> Any:
        """The value that `settings` hold."""
        value: Any = settings
        for name in self.accessor.split("."):
            value = getattr(value, name)
        return value


def _rows(group: type[SettingsGroup], place: str) -> Iterator[Row]:
    for name, about in settings_of(group):
        accessor = f"{place}{name}"
        if isinstance(about, About):
            yield Row(accessor, PREFIX + accessor.replace(".", "_").upper(), about)
        else:
            yield from _rows(about, f"{accessor}.")


#: Accessor -> row, in the order of the table.
SETTINGS: Mapping[str, Row] = {row.accessor: row for row in _rows(Settings, "")}
_BY_NAME = {row.name: row for row in SETTINGS.values()}
_BY_ALIAS = {alias: row for row in SETTINGS.values() for alias in row.about.aliases}


def find_row(name: str) -> Row:
    """Return the setting of that name: `ANTIPHON_LOGGING_LEVEL`, `logging.level` or `logging_level`.

    Raises SettingError, with the nearest name, where there is none.
    """
    full = PREFIX + name.replace(".", "_").upper() if name == name.lower() else name
    row = _BY_NAME.get(full) or _BY_ALIAS.get(full)
    if row is not None:
        return row
    bare = name.upper().replace(".", "_")
    close = difflib.get_close_matches(PREFIX + bare.removeprefix(PREFIX), _BY_NAME, n=1)
    hint = f"Did you mean {close[0]}?" if close else "See `antiphon config view --show-defaults` for those that exist."
    raise SettingError(f"There is no setting {name!r}. {hint}")
