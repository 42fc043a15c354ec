import pytest

from antiphon.exceptions import SettingError
from antiphon.grpc_target import is_several, parse_target
from antiphon.server_address import connect_target
from antiphon.settings import get_current_settings, temporary_settings


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("grpc://there:4200", "there:4200"),
        ("grpc://there:4200/", "there:4200"),
        ("there.example.com:1", "there.example.com:1"),
        ("[::1]:65535", "[::1]:65535"),
        ("grpc://[::1]:4200", "[::1]:4200"),
        ("unix:/a/b", "unix:/a/b"),
        ("unix:///a/b", "unix:/a/b"),
        ("dns:///there.internal:4200", "dns:///there.internal:4200"),
        ("one:1,grpc://two:2/, [::1]:3 ,one:1", "one:1,two:2,[::1]:3"),
        ("dns:///there:1,one:1", "dns:///there:1,one:1"),
    ],
)
def test_addresses(address: str, target: str) -> None:
    assert parse_target(address) == target
    with temporary_settings({"api_url": address}):
        assert connect_target(get_current_settings()) == target


@pytest.mark.parametrize(
    "address",
    [
        "http://there:4200",
        "grpcs://there:4200",
        "grpc://",
        "grpc://there",
        "there",
        "there:",
        ":4200",
        "there:0",
        "there:65536",
        "there:-1",
        "there:\uff14\uff12",
        "::1:4200",
        "a/b:1",
        "user@there:1",
        "grpc://there:4200/path",
        "un it:1",
        "unix:",
        "unix:/",
        "unix:relative",
        "dns:there:1",
        "dns://8.8.8.8/there:1",
        "dns:///there",
        "one:1,",
        ",one:1",
        "one:1,,two:2",
        "one:1,two",
        "one:1,unix:/a",
        "unix:/a,unix:/b",
    ],
)
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_target(address)
    with pytest.raises(SettingError, match="ANTIPHON_API_URL"), temporary_settings({"api_url": address}):
        pass


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("one:1,two", r"'two' is wrong: a host and a port from 1 to 65535 are needed"),
        ("one:1,http://two:2", r"'http://two:2' is wrong: the scheme 'http' is not known"),
        ("one:1,,two:2", r"an address is empty: there is a comma too many"),
        ("one:1,unix:/a", r"'unix:/a' is a Unix socket, which cannot be one of several"),
        ("dns://there:1", r"dns: takes three slashes"),
    ],
)
def test_the_wrong_one_of_several_is_named(address: str, words: str) -> None:
    with pytest.raises(SettingError, match=words), temporary_settings({"api_url": address}):
        pass


@pytest.mark.parametrize(
    ("target", "several"),
    [("one:1", False), ("one:1,two:1", True), ("dns:///one:1", True), ("unix:/a,b", False), ("unix:/a", False)],
)
def test_several(target: str, several: bool) -> None:
    assert is_several(target) == several
