"""The options of channels."""

from antiphon.channels import KEEPALIVE_TIME, options_for
from antiphon_server.server import OPTIONS as SERVER_OPTIONS


def test_servers_accept_the_pings_of_clients() -> None:
    server = dict(SERVER_OPTIONS)
    assert server["grpc.http2.min_ping_interval_without_data_ms"] < KEEPALIVE_TIME * 1000
    assert dict(options_for("one:1"))["grpc.keepalive_time_ms"] == KEEPALIVE_TIME * 1000


def test_grpc_never_retries_by_itself() -> None:
    for target in ("unix:/a", "one:1", "one:1,two:2", "dns:///one:1"):
        assert dict(options_for(target))["grpc.enable_retries"] == 0


def test_a_peer_that_vanished_by_tcp_is_noticed_and_several_are_called_in_turn() -> None:
    assert "grpc.http2.ping_timeout_ms" not in dict(options_for("unix:/a"))
    assert dict(options_for("one:1"))["grpc.http2.ping_timeout_ms"] == 5000
    assert "grpc.service_config" not in dict(options_for("one:1"))
    for several in ("one:1,two:2", "dns:///one:1"):
        assert "round_robin" in str(dict(options_for(several))["grpc.service_config"])
