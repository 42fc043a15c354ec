"""What a group of settings is made of. Plain classes: Pydantic's, and dataclasses, would cost every process's start."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from antiphon.settings.kinds import Kind


@dataclass(frozen=True, slots=True)
class About:
    """What there is to know of a setting beside its name and type."""

    kind: Kind
    #: As `kind.parse` takes it; None may mean that it follows from another setting.
    default: object
    description: str
    #: Other names that its value may have in the environment and in profiles.
    aliases: tuple[str, ...] = ()
    #: Whether a profile may hold it.
    in_profiles: bool = True


class SettingsGroup:
    """Settings that belong together; some are groups themselves. Cannot be changed."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __setattr__(self, name: str, _value: object = None) -> NoReturn:
        raise AttributeError(
            f"Settings cannot be changed ({name}). Use temporary_settings() in code, `antiphon config set` for good."
        )

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._values() == self._values()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._values().items())})"

    def _values(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in type(self).__annotations__}


def settings_of(group: type[SettingsGroup]) -> Iterator[tuple[str, About | type[SettingsGroup]]]:
    """Yield name and facts of what is in a group, in order; the class for a group in it."""
    for name, hint in group.__annotations__.items():
        if isinstance(hint, type) and issubclass(hint, SettingsGroup):
            yield name, hint
        else:
            yield name, hint.__metadata__[0]
