"""What flows and tasks have in common as decorators: the function below, its place in a class, copies with options."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, Self, TypeVar

from antiphon.annotations import NotSet
from antiphon.exceptions import InvalidNameError, ReservedArgumentError
from antiphon.signatures import shape_of

P = ParamSpec("P")
R = TypeVar("R")
Hook = TypeVar("Hook", bound=Callable[..., Any])

#: Arguments that calls of flows and tasks take for themselves.
RESERVED = frozenset({"return_state", "wait_for"})


class Decorated(Generic[P, R]):
    """A function with options. Works on functions, methods, static and class methods."""

    name: str
    __name__: str

    def __init__(self, fn: Callable[P, R], *, noun: str, description: str | None) -> None:
        """Raises TypeError where `fn` is no function, ReservedArgumentError where it takes a name that calls keep."""
        function = fn.__func__ if isinstance(fn, staticmethod | classmethod) else fn
        if not callable(function):
            raise TypeError(f"@{noun} stands on functions, not on {type(fn).__name__}: {fn!r}.")
        taken = RESERVED.intersection(shape_of(function).names)
        if taken:
            raise ReservedArgumentError(
                f"The {noun} function takes {', '.join(sorted(taken))!r}, which {noun} calls keep for themselves. "
                "Give the parameter another name."
            )
        self.fn: Callable[..., Any] = function
        #: staticmethod or classmethod, where one of these is decorated.
        self._binding: Any = type(fn) if isinstance(fn, staticmethod | classmethod) else None
        update_wrapper(self, function)  # type: ignore[arg-type]
        self.description = description or inspect.getdoc(function)
        self.isasync = inspect.iscoroutinefunction(function)

    @abstractmethod
    def _options(self) -> dict[str, Any]:
        """The arguments of the decorator that make this object once more."""

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with these options of the decorator changed; `NotSet` leaves one as it is.

        Raises TypeError for an option that does not exist.
        """
        given = {name: value for name, value in changes.items() if value is not NotSet}
        fn = self._binding(self.fn) if self._binding is not None else self.fn
        return type(self)(fn, **{**self._options(), **given})

    def __get__(self, instance: Any, owner: type | None = None) -> Self:
        """In a class this binds like the function that it stands on."""
        if self._binding is staticmethod:
            return self
        target = owner if self._binding is classmethod else instance
        if target is None:
            return self
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound.fn = self.fn.__get__(target)
        bound._binding = None
        return bound

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


#: Seconds; thirty years.
MAX_TIMEOUT = 1_000_000_000
#: Limits of the contract.
MAX_TAGS, MAX_TAG_LENGTH, MAX_VERSION_LENGTH, MAX_NAME_LENGTH = 100, 200, 500, 500


def checked_name(name: str, noun: str) -> str:
    """Return the name. Raises InvalidNameError where it is too long."""
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidNameError(f"The name of a {noun} has at most {MAX_NAME_LENGTH} characters: {name[:40]!r}...")
    return name


def checked_version(version: str | None) -> str | None:
    """Return the version. Raises TypeError where it is no text, ValueError where it is too long."""
    if version is not None and not isinstance(version, str):
        raise TypeError(f"A version is text, not {type(version).__name__}: {version!r}.")
    if version is not None and len(version) > MAX_VERSION_LENGTH:
        raise ValueError(f"A version has at most {MAX_VERSION_LENGTH} characters: {version[:40]!r}...")
    return version


def checked_timeout(seconds: Any) -> float | None:
    """Return the time limit in seconds. Raises TypeError where it is no number, ValueError where it is none that a run
    could have."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"timeout_seconds must be a number of seconds or None, not {type(seconds).__name__}.")
    if not 0 < seconds <= MAX_TIMEOUT:
        raise ValueError(
            f"timeout_seconds must be more than 0 and at most {MAX_TIMEOUT:,}, not {seconds}; None is no limit."
        )
    return float(seconds)


def checked_tags(tags: Iterable[str] | None) -> frozenset[str]:
    """Return the tags. Raises TypeError where they are no collection of texts, ValueError where the contract forbids
    them."""
    if isinstance(tags, str):
        raise TypeError(f"Tags are a list of texts, not one text: write tags=[{tags!r}].")
    checked = frozenset(tags or ())
    for tag in checked:
        if not isinstance(tag, str):
            raise TypeError(f"A tag is text, not {type(tag).__name__}: {tag!r}.")
        if not 0 < len(tag) <= MAX_TAG_LENGTH:
            raise ValueError(f"A tag has 1 to {MAX_TAG_LENGTH} characters: {tag[:40]!r} has {len(tag)}.")
    if len(checked) > MAX_TAGS:
        raise ValueError(f"A run has at most {MAX_TAGS} tags, not {len(checked)}.")
    return checked


def added(hooks: list[Any], hook: Hook) -> Hook:
    """Puts a hook on a list, for decorators that register it."""
    hooks.append(hook)
    return hook
