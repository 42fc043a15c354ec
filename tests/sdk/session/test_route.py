"""Which server is dialled next."""

import pytest

from antiphon.exceptions import ServerUnreachable
from antiphon.session.route import Route


class Names:
    """Says what it is told, and counts how often it is asked."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return self.target


def route(names: Names) -> Route:
    return Route(names, shuffle=lambda servers: servers.sort())


def test_one_server_is_looked_for_anew_each_time() -> None:
    names = Names("a:1")
    alone = route(names)
    assert alone.next() == "a:1" and not alone.is_several
    assert not alone.failed() and alone.rounds == 1
    assert alone.next() == "a:1"
    alone.answered()
    assert not alone.failed() and alone.rounds == 1
    names.target = "b:1"
    assert alone.next() == "b:1" and names.asked == 3


def test_all_are_tried_before_any_is_tried_again() -> None:
    names = Names("a:1,b:1,c:1")
    several = route(names)
    tried = []
    fresh = []
    for _ in range(6):
        tried.append(several.next())
        fresh.append(several.failed())
    assert tried == ["a:1", "b:1", "c:1"] * 2
    assert fresh == [True, True, False] * 2
    assert (several.rounds, names.asked) == (2, 2)


def test_the_one_that_answered_comes_last_once_it_is_gone() -> None:
    several = route(Names("a:1,b:1,c:1"))
    several.next()
    several.failed()
    assert several.next() == "b:1"
    several.answered()
    assert several.failed() and several.rounds == 0
    assert [several.next(), several.failed()] == ["c:1", True]
    assert [several.next(), several.failed()] == ["a:1", True]
    assert [several.next(), several.failed()] == ["b:1", False]


def test_each_process_begins_somewhere_else() -> None:
    first = {Route(lambda: "a:1,b:1,c:1").next() for _ in range(200)}
    assert first == {"a:1", "b:1", "c:1"}


def test_each_address_of_a_name_is_a_server_and_they_may_change() -> None:
    servers = ["10.0.0.1", "fd00::1"]
    several = Route(lambda: "dns:///servers:7,c:1", lambda host, port: servers, lambda found: found.sort())
    assert [several.next() for _ in range(3)] == ["10.0.0.1:7", "[fd00::1]:7", "c:1"]
    several.answered()
    servers[:] = ["10.0.0.9"]
    assert several.failed()
    assert [several.next() for _ in range(2)] == ["10.0.0.9:7", "c:1"]


def test_a_name_without_an_address_is_left_to_grpc_to_fail_over() -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    assert Route(lambda: "dns:///servers:7", nowhere).next() == "dns:///servers:7"


def test_what_finds_no_server_is_heard() -> None:
    def fail() -> str:
        raise ServerUnreachable("none could be started")

    with pytest.raises(ServerUnreachable):
        Route(fail).next()
