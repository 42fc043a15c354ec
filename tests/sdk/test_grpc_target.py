import pytest

from antiphon.exceptions import SettingError
from antiphon.grpc_target import parse_target
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
    ],
)
def test_wrong_addresses(address: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_target(address)
    with pytest.raises(SettingError, match="ANTIPHON_API_URL"), temporary_settings({"api_url": address}):
        pass
