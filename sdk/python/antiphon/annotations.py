"""Wrappers that say how an argument of a task is to be treated, and the mark for "no value was given"."""

from typing import Any, Generic, Self, TypeVar

__all__ = ["BaseAnnotation", "NotSet", "Quote", "allow_failure", "freeze", "opaque", "quote", "unmapped"]

T = TypeVar("T")


class BaseAnnotation(Generic[T]):
    """A value with a word about how to treat it. Two are equal when their kind and their values are."""

    __slots__ = ("value",)

    def __init__(self, value: T) -> None:
        self.value = value

    def unwrap(self) -> T:
        """Return the value without the wrapper."""
        return self.value

    def rewrap(self, value: T) -> Self:
        """Return another value in a wrapper of the same kind."""
        return type(self)(value)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, BaseAnnotation):
            return NotImplemented
        return self.value is other.value or bool(self.value == other.value)

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(BaseAnnotation[T]):
    """For `map`: the same value for every call, where an iterable would be taken apart."""

    __slots__ = ()

    def __getitem__(self, _index: object) -> T:
        """Return the value: it stands at every place of an endless list."""
        return self.value


class allow_failure(BaseAnnotation[T]):
    """Lets a task run although this future failed; the task receives the exception in place of the result."""

    __slots__ = ()


class quote(BaseAnnotation[T]):
    """Hands a value over as it is: nothing in it is resolved, and nothing in it is looked at."""

    __slots__ = ()

    def unquote(self) -> T:
        """Return the value without the wrapper."""
        return self.value


class Quote(quote[T]):
    """The same under its older name."""

    __slots__ = ()

    def __init__(self, expr: T) -> None:
        super().__init__(expr)


class opaque(BaseAnnotation[T]):
    """Resolves the value itself, if it is a future, but looks for no futures inside it: cheap for large structures."""

    __slots__ = ()


class freeze(BaseAnnotation[T]):
    """Marks a parameter of a deployment as fixed: a run cannot be given another value."""

    __slots__ = ()

    def unfreeze(self) -> T:
        """Return the value without the wrapper."""
        return self.value


class NotSet:
    """Stands for "no value was given" where None is a value. The class itself is the mark; it has no instances."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        raise TypeError("NotSet is a mark; use the class itself.")
