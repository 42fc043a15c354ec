"""Servers as they are reached from inside a container."""

import pytest

from antiphon.exceptions import ConfigurationError
from antiphon.workers.addresses import from_inside, is_local, is_socket, require_address


@pytest.mark.parametrize(
    ("address", "local", "inside"),
    [
        ("grpc://localhost:4200", True, "grpc://host:4200"),
        ("127.0.0.1:4200", True, "host:4200"),
        ("grpc://[::1]:4200", True, "grpc://host:4200"),
        ("localhost.example.com:4200", False, "localhost.example.com:4200"),
        ("my-localhost:4200", False, "my-localhost:4200"),
        ("10.127.0.0.1:4200", False, "10.127.0.0.1:4200"),
        ("localhost:1,grpc://127.0.0.1:2,far.example.com:3", True, "host:1,grpc://host:2,far.example.com:3"),
        ("dns:///localhost:1", True, "dns:///host:1"),
        ("unix:/localhost:1/s", False, "unix:/localhost:1/s"),
    ],
)
def test_addresses_of_this_machine(address: str, local: bool, inside: str) -> None:
    assert is_local(address) == local
    assert from_inside(address, "host") == inside
    assert is_socket(address) == address.startswith("unix:")


@pytest.mark.parametrize("address", [None, ""])
def test_no_address(address: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"`antiphon server start`.*ANTIPHON_API_URL"):
        require_address(address, "a pod")
