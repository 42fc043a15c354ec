"""What flows and tasks have in common as decorators: the function below, its place in a class, copies with options."""

import importlib
import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import update_wrapper, wraps
from typing import Any, ClassVar, Generic, ParamSpec, Self, TypeVar

from antiphon.annotations import NotSet
from antiphon.exceptions import ReservedArgumentError
from antiphon.signatures import shape_of

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
Hook = TypeVar("Hook", bound=Callable[..., Any])

#: Arguments that calls of flows and tasks take for themselves.
RESERVED = frozenset({"return_state", "wait_for"})


class Decorated(Generic[P, R]):
    """A function with options. Works on functions, methods, static and class methods."""

    name: str
    __name__: str
    #: Options for which None in `with_options` is a value of its own.
    reset_by_none: ClassVar[frozenset[str]] = frozenset(
        {"persist_result", "result_storage", "result_serializer", "log_prints"}
    )

    def __init__(self, fn: Callable[P, R], *, noun: str, description: str | None) -> None:
        """Raises TypeError where `fn` is no function, ReservedArgumentError where it takes a name that calls keep."""
        function = fn.__func__ if isinstance(fn, staticmethod | classmethod) else fn
        if not callable(function):
            raise TypeError(f"@{noun} stands on functions, not on {type(fn).__name__}: {fn!r}.")
        if isinstance(function, type):
            raise TypeError(
                f"@{noun} stands on functions, and {function.__name__} is a class. Put @{noun} on its methods; to make "
                f"objects in a run, put it on a function that returns {function.__name__}(...)."
            )
        taken = RESERVED.intersection(shape_of(function).names)
        if taken:
            raise ReservedArgumentError(
                f"The {noun} function takes {', '.join(sorted(taken))!r}, which {noun} calls keep for themselves. "
                "Give the parameter another name."
            )
        # First, since it copies the attributes of what may be a flow or a task itself.
        update_wrapper(self, function)  # type: ignore[arg-type]
        self.fn: Callable[..., Any] = function
        #: staticmethod or classmethod, where one of these is decorated.
        self._binding: Any = type(fn) if isinstance(fn, staticmethod | classmethod) else None
        self.description = description or inspect.getdoc(function)
        self.isgenerator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        self.isasync = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)

    @classmethod
    def check_option_names(cls, names: Iterable[str]) -> None:
        """Raises TypeError for an option that does not exist, with the one that may be meant."""
        code = cls.__init__.__code__
        known = code.co_varnames[2 : code.co_argcount + code.co_kwonlyargcount]
        for name in names:
            if name not in known:
                near = importlib.import_module("difflib").get_close_matches(name, known, 1)
                guess = f"Is {near[0]!r} meant?" if near else f"There are: {', '.join(known)}."
                raise TypeError(f"A {cls.__name__.lower()} has no option {name!r}. {guess}")

    @abstractmethod
    def _options(self) -> dict[str, Any]:
        """The arguments of the decorator that make this object once more."""

    def with_options(self, **changes: Any) -> Self:
        """Return a copy with these options of the decorator changed.

        `NotSet` leaves one as it is. So does None, but for those of `reset_by_none`. Raises TypeError for an option
        that does not exist.
        """
        type(self).check_option_names(changes)
        given = {
            name: value
            for name, value in changes.items()
            if value is not NotSet and not (value is None and name not in self.reset_by_none)
        }
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


def show_options_of(decorator: Callable[..., Any], kind: type[Any]) -> None:
    """Have `help` and `inspect` show what a decorator takes: the function, and the options of what it makes."""
    signature = inspect.signature(kind.__init__)
    parameters = list(signature.parameters.values())[1:]
    parameters[0] = parameters[0].replace(default=None)
    decorator.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]


def show_changes_of(kind: type[Decorated[Any, Any]]) -> None:
    """Have `help` and `inspect` show what `with_options` of a class takes: its options, unchanged where not given."""
    signature = inspect.signature(kind.__init__)
    own, _, *options = signature.parameters.values()
    changes = [
        option.replace(kind=option.KEYWORD_ONLY, default=NotSet if option.name in kind.reset_by_none else None)
        for option in options
    ]

    @wraps(Decorated.with_options)
    def with_options(self: Any, **changes: Any) -> Any:
        return Decorated.with_options(self, **changes)

    with_options.__signature__ = signature.replace(parameters=[own, *changes])  # type: ignore[attr-defined]
    kind.with_options = with_options  # type: ignore[method-assign]


def named_after(coroutine: Any, decorated: Decorated[Any, Any]) -> Any:
    """Returns the coroutine with the function's name: Python says that where nobody awaits it."""
    coroutine.__qualname__ = getattr(decorated.fn, "__qualname__", decorated.name)
    coroutine.__name__ = decorated.name
    return coroutine


def added(hooks: list[Any], hook: Hook) -> Hook:
    """Puts a hook on a list, for decorators that register it. Raises TypeError for what is no function."""
    if not callable(hook):
        raise TypeError(f"A hook is a function, not {type(hook).__name__}: {hook!r}.")
    hooks.append(hook)
    return hook
