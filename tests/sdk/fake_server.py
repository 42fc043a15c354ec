"""Stands in for `python -m antiphon_server` in tests of starting it: a real process on a real Unix socket, no gRPC.

The first argument is the mode: `serve`; `gate` (opens the fifo `<home>/gate` and serves once that is closed);
`busy` (says that it is, then as `gate`); `leave` (serves, and at SIGUSR1 closes its socket, then waits for the fifo
before it frees the home); `refuse` (says error); `die` (writes to its log and ends); `hang` (says nothing).
Each start adds its process id to `<home>/starts`.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import sys


def main() -> int:
    options = read_options()
    with open(os.path.join(options.home, "starts"), "a") as starts:
        starts.write(f"{os.getpid()}\n")
    if options.mode == "refuse":
        os.write(options.ready_fd, b"error the database is from a newer version\n")
        return 2
    if options.mode == "die":
        print("a traceback, say", file=sys.stderr, flush=True)
        return 7
    if options.mode == "hang":
        signal.pause()
    if options.mode == "busy":
        os.write(options.ready_fd, b"busy upgrading the database\nbusy still\n")
    if options.mode in ("gate", "busy"):
        wait_for_gate(options.home)
    return serve(options)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    parser.add_argument("--home", required=True)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--idle-timeout", type=float)
    parser.add_argument("--listen", action="append", default=[])
    parser.add_argument("--log-level")
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--lock-fd", type=int, required=True)
    return parser.parse_args()


def wait_for_gate(home: str) -> None:
    with open(os.path.join(home, "gate")) as gate:
        gate.read()


def serve(options: argparse.Namespace) -> int:
    home_lock = os.open(os.path.join(options.home, "server.lock"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(home_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.truncate(home_lock, 0)
    os.write(home_lock, f"{os.getpid()}\n".encode())
    with contextlib.suppress(FileNotFoundError):
        os.unlink(options.socket)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(options.socket)
    listener.listen(64)
    signal.signal(signal.SIGUSR1, lambda *_: leave(listener, options.home))
    addresses = " ".join([f"unix:{options.socket}", *options.listen])
    os.close(options.lock_fd)
    say_ready(options.ready_fd, f"ready {addresses}\n".encode())
    while True:
        connection, _ = listener.accept()
        connection.close()


def say_ready(descriptor: int | None, line: bytes) -> None:
    """To who started this, or to the fifo that a test names where nobody waits."""
    if descriptor is None:
        descriptor = os.open(os.environ["FAKE_TELLS"], os.O_WRONLY)
    with contextlib.suppress(BrokenPipeError):  # who started this may be gone
        os.write(descriptor, line)
    os.close(descriptor)


def leave(listener: socket.socket, home: str) -> None:
    listener.close()
    wait_for_gate(home)
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
