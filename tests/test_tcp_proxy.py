"""What the proxy does to connections."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tcp_proxy import TcpProxy
from until import until


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that says again what it hears; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(taken: socket.socket) -> None:
            with taken:
                try:
                    while heard := taken.recv(65536):
                        taken.sendall(heard)
                except OSError:
                    return

        def accept() -> None:
            try:
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
            except OSError:
                return  # closed

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.fixture
def proxy(echo: str) -> Iterator[TcpProxy]:
    with TcpProxy(echo) as running:
        yield running


def dial(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def say(line: socket.socket, words: bytes) -> bytes:
    line.sendall(words)
    return receive(line, len(words))


def receive(line: socket.socket, size: int) -> bytes:
    heard = b""
    while len(heard) < size and (more := line.recv(size - len(heard))):
        heard += more
    return heard


def test_bytes_and_ends_go_through(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        words = bytes(range(256)) * 4000
        sender = threading.Thread(target=line.sendall, args=(words,))
        sender.start()
        assert receive(line, len(words)) == words
        sender.join()
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""
    until(lambda: proxy.connections == 0, 10)
    assert (proxy.taken, proxy.passed) == (1, 2 * len(words))


def test_a_cut_breaks_what_is_open_and_nothing_else(proxy: TcpProxy) -> None:
    with dial(proxy) as line, dial(proxy) as other:
        assert say(line, b"a") + say(other, b"b") == b"ab"
        assert proxy.cut() == 2
        for each in (line, other):
            with pytest.raises(ConnectionResetError):
                each.recv(1)
    with dial(proxy) as line:
        assert say(line, b"again") == b"again"


def test_a_black_hole_swallows_and_gives_back_when_it_heals(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        assert say(line, b"a") == b"a"
        proxy.black_hole()
        with dial(proxy) as new:
            for each in (line, new):
                each.sendall(b"lost?")
                each.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    each.recv(1)
                each.settimeout(10)
            proxy.heal()
            assert receive(line, 5) == receive(new, 5) == b"lost?"


def test_refused_until_it_heals_on_the_same_port(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        assert say(line, b"0") == b"0"
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            dial(proxy)
        assert say(line, b"a") == b"a"
        proxy.heal()
        with dial(proxy) as again:
            assert say(again, b"b") == b"b"


def test_a_delay_is_for_each_way_and_keeps_order(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        proxy.delay(0.2)
        began = time.monotonic()
        assert say(line, b"first") == b"first"
        assert time.monotonic() - began >= 0.4
        line.sendall(b"1")
        proxy.heal()
        assert say(line, b"2") == b"1" and receive(line, 1) == b"2"


def test_who_is_not_there_is_told(proxy: TcpProxy) -> None:
    proxy.target = "127.0.0.1:1"
    with pytest.raises(ConnectionResetError), dial(proxy) as line:  # perhaps while it is being dialled
        line.recv(1)


def test_answers_that_are_swallowed_come_once_it_heals(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        assert say(line, b"before") == b"before"
        until(lambda: proxy.passed == 2 * len(b"before"))
        proxy.swallow_answers()
        line.sendall(b"after")
        until(lambda: proxy.passed == 2 * len(b"before") + len(b"after"))
        line.settimeout(0.05)
        with pytest.raises(TimeoutError):
            line.recv(1)
        line.settimeout(10)
        proxy.heal()
        assert receive(line, len(b"after")) == b"after"
