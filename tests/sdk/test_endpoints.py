"""Where the servers of a target are, with names that only the test knows."""

import pytest

from antiphon.endpoints import balanced, endpoints_of, look_up

NAMES = {
    "one": ["10.0.0.1"],
    "two": ["10.0.0.2", "fd00::2"],
    "10.0.0.9": ["10.0.0.9"],
    "::1": ["::1"],
}


def lookup(host: str, port: int) -> list[str]:
    if host not in NAMES:
        raise OSError(f"no such host as {host}")
    return NAMES[host]


@pytest.mark.parametrize(
    ("target", "endpoints"),
    [
        ("unix:/a,b", ["unix:/a,b"]),
        ("one:1", ["one:1"]),
        ("two:1", ["two:1"]),
        ("one:1,[::1]:2,nowhere:3", ["one:1", "[::1]:2", "nowhere:3"]),
        ("dns:///two:1", ["10.0.0.2:1", "[fd00::2]:1"]),
        ("dns:///two:1,dns:///one:1,10.0.0.2:1", ["10.0.0.2:1", "[fd00::2]:1", "10.0.0.1:1"]),
        ("dns:///nowhere:1", ["dns:///nowhere:1"]),
    ],
)
def test_endpoints_are_dialled_one_at_a_time(target: str, endpoints: list[str]) -> None:
    assert endpoints_of(target, lookup) == endpoints


@pytest.mark.parametrize(
    ("target", "dialled"),
    [
        ("unix:/a,b", "unix:/a,b"),
        ("two:1", "two:1"),
        ("dns:///two:1", "dns:///two:1"),
        ("one:1,10.0.0.9:2", "ipv4:10.0.0.1:1,10.0.0.9:2"),
        ("one:1,one:1,one:2", "ipv4:10.0.0.1:1,10.0.0.1:2"),
        ("one:1,[::1]:2", "ipv6:[::ffff:10.0.0.1]:1,[::1]:2"),
        ("dns:///two:1,nowhere:3", "ipv6:[::ffff:10.0.0.2]:1,[fd00::2]:1"),
        ("nowhere:1,neither:2", "nowhere:1"),
    ],
)
def test_grpc_dials_all_at_once(target: str, dialled: str) -> None:
    assert balanced(target, lookup) == dialled


def test_names_are_looked_up_by_the_system() -> None:
    assert look_up("127.0.0.1", 1) == ["127.0.0.1"] and look_up("::1", 1) == ["::1"]
    assert set(look_up("localhost", 1)) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError):
        look_up("antiphon.invalid", 1)
