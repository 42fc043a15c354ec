"""How this SDK opens channels."""

from functools import cache

import grpc

ChannelOptions = tuple[tuple[str, int | str], ...]

_MIB = 1024 * 1024
#: For every channel of this SDK. Pings go out only while a call is open: an idle channel costs nothing, and a peer that
#: vanished without a word is noticed within 40 s. No proxy: http_proxy is meant for browsers, and a server on this host
#: would be looked for behind it.
CHANNEL_OPTIONS: ChannelOptions = (
    ("grpc.max_receive_message_length", 16 * _MIB),
    ("grpc.max_send_message_length", 16 * _MIB),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.max_pings_without_data", 0),
    # A server that restarts is found again soon; by default gRPC would wait for up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.enable_http_proxy", 0),
    # No transparent retries: where a server takes a connection and says GOAWAY at once, as it stops, gRPC begins a
    # stream over and over on it, and then never ends it, whatever its deadline and though it is cancelled (grpcio
    # 1.85). Who calls tries again by himself.
    ("grpc.enable_retries", 0),
)


def open_channel(target: str, options: ChannelOptions = CHANNEL_OPTIONS) -> grpc.Channel:
    """Return a new channel to gRPC's `target`, for the caller to close."""
    _keep_grpc_up()
    return grpc.insecure_channel(target, options=options)


@cache
def _keep_grpc_up() -> grpc.Channel:
    """A channel that is never used nor closed. With the last one gRPC shuts itself down, in a thread of its own, and a
    fork at that moment hangs for ever: one in a thousand did. (grpcio 1.85)"""
    return grpc.insecure_channel("ipv4:127.0.0.1:1")
