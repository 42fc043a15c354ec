"""Functions that serve sync and async code alike, written once: as generators of effects.

    @dual
    def create_note(text: str) -> Work[UUID]:
        answer = yield from call_server(lambda client: client.notes.CreateNote, ..., CreateNoteResponse)
        return UUID(answer.note.id)

    acreate_note = awaitable(create_note)

`create_note(...)` returns the value in sync code and a coroutine in async code; `acreate_note(...)` always a coroutine.
"""

from collections.abc import Callable, Coroutine, Generator
from functools import wraps
from inspect import unwrap
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

from antiphon.async_code import in_async_code
from antiphon.context import FlowRunContext
from antiphon.engine.drivers import adrive, drive
from antiphon.engine.effects import Ask, Effect

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")

#: A generator of effects that gives an R.
Work: TypeAlias = Generator[Effect, Any, R]


def dual(function: Callable[P, Work[R]]) -> Callable[P, R]:
    """Makes of a generator function one that does the work: at once in sync code, by a coroutine in async code.

    Type checkers see the sync one; async code under their eyes calls the `awaitable` twin.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Any:
        return perform(function(*args, **kwargs))

    return call


def work_of(function: Callable[P, R]) -> Callable[P, Work[R]]:
    """Gives the generator function that a `dual` function was made of, to be a part of other work; of a class method,
    one that takes the class."""
    inner: Callable[P, Work[R]] = unwrap(function)
    return inner


def at_once(value: R) -> Work[R]:
    """Work that asks nothing of the world and gives `value`."""
    return value
    yield  # makes it a generator


def awaitable(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Makes the twin of a `dual` function that gives a coroutine in any code."""
    inner = work_of(function)

    @wraps(inner)
    def call(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        return adrive(inner(*args, **kwargs), session_around())

    call.__name__ = f"a{inner.__name__}"
    call.__qualname__ = call.__name__.join(inner.__qualname__.rsplit(inner.__name__, 1))
    return call


def awaitable_of_class(method: Callable[Concatenate[type[C], P], R]) -> "classmethod[Any, P, Coroutine[Any, Any, R]]":
    """The same for a `dual` class method, in the body of its class."""
    return classmethod(awaitable(method.__func__))  # type: ignore[attr-defined]  # there it is a classmethod still


def perform(work: Work[R]) -> Any:
    """Does the work now, or gives a coroutine that does, as fits the calling code."""
    if in_async_code():
        return adrive(work, session_around())
    return drive(work, session_around())


def ask(function: Callable[[], R]) -> Work[R]:
    """The work of calling a function that blocks; in async code a thread does so."""
    answer: R = yield Ask(function)
    return answer


async def aperform(work: Work[R]) -> R:
    """Does the work in any async code."""
    result: R = await adrive(work, session_around())
    return result


def session_around() -> Any:
    """The session of the flow run around; None where there is none, and where only work without Send can be done."""
    around = FlowRunContext.around()
    return around.session if around is not None else None
