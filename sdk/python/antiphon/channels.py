"""How this SDK opens channels."""

from functools import cache

import grpc

from antiphon.grpc_target import is_several

ChannelOptions = tuple[tuple[str, int | str], ...]

_MIB = 1024 * 1024
#: Seconds of silence on a line over which calls run, before gRPC asks by a ping, and for the answer.
KEEPALIVE_TIME = 10.0
KEEPALIVE_TIMEOUT = 5.0
#: For every channel of this SDK. Pings go out only while a call is open: an idle channel costs nothing. Servers take a
#: ping every 5 s. No proxy: http_proxy is meant for browsers, and a server on this host would be looked for behind it.
CHANNEL_OPTIONS: ChannelOptions = (
    ("grpc.max_receive_message_length", 16 * _MIB),
    ("grpc.max_send_message_length", 16 * _MIB),
    ("grpc.keepalive_time_ms", round(KEEPALIVE_TIME * 1000)),
    ("grpc.keepalive_timeout_ms", round(KEEPALIVE_TIMEOUT * 1000)),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # A server that restarts is found again soon; by default gRPC would wait for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
    # No retries of gRPC's own: where a server takes a connection and says GOAWAY at once, as it stops, gRPC begins the
    # call over and over on it, 700 MB of memory a second, until the process is aborted (grpcio 1.85; transparent
    # retries come with the policy of a service config and cannot be had without). `call_retries` has the policy.
    ("grpc.enable_retries", 0),
)
#: By TCP a peer may vanish without a word: it is noticed within 15 s. gRPC goes by `ping_timeout_ms`, which is 60 s
#: unless it is set; `keepalive_timeout_ms` alone changes nothing (grpcio 1.85). A Unix socket breaks with its server.
_BY_TCP: ChannelOptions = (("grpc.http2.ping_timeout_ms", round(KEEPALIVE_TIMEOUT * 1000)),)
#: Where there are several servers: calls go to each in turn that a connection is open to.
_IN_TURN: ChannelOptions = (
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    # A server that is not there must not be waited for as long as gRPC likes (20 s) before it counts as away.
    ("grpc.min_reconnect_backoff_ms", 2_000),
    # Names are looked up again when a connection is lost, but not more often than this.
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),
)


def options_for(target: str) -> ChannelOptions:
    """Return the options of a channel over which calls go to any server of `target`."""
    by_tcp = () if target.startswith("unix:") else _BY_TCP
    in_turn = _IN_TURN if is_several(target) else ()
    return (*CHANNEL_OPTIONS, *by_tcp, *in_turn)


def open_channel(dialled: str, options: ChannelOptions = CHANNEL_OPTIONS) -> grpc.Channel:
    """Return a new channel to what gRPC dials, for the caller to close."""
    _keep_grpc_up()
    return grpc.insecure_channel(dialled, options=options)


@cache
def _keep_grpc_up() -> grpc.Channel:
    """A channel that is never used nor closed. With the last one gRPC shuts itself down, in a thread of its own, and a
    fork at that moment hangs for ever: one in a thousand did. (grpcio 1.85)"""
    return grpc.insecure_channel("ipv4:127.0.0.1:1")
