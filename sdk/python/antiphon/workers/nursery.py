"""A process that has imported what runs flow runs, and forks itself for each: a new interpreter takes a third of a
second for that, a fork some milliseconds.

It has no thread, no connection and no settings of its own, so that there is nothing that a fork could break; each run
has a process to itself all the same. A worker starts it, and it leaves when the worker does; its children go on.

On the socket that it inherits it is told, by messages of four bytes for the length and JSON:
    {"launch": number, "env": {...}, "folder": ..., "quiet": bool}, with a descriptor to say that the run is claimed
    {"signal": number, "pid": ...}, for the group of a child that is alive
and says, a line of JSON each: {"launched": number, "pid": ...} or {"refused": number, "errno": ...}, where the system
has no room for another process, and {"pid": ..., "code": ...}.
"""

import array
import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import Any

from antiphon.flow_run_process import main
from antiphon.run_environment import CLAIMED_FD
from antiphon.settings.current import replace_root

_MOST_DESCRIPTORS = 1


class _Nursery:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._alive: set[int] = set()
        #: Those that were told to end.
        self._signalled: set[int] = set()

    def serve(self) -> bool:
        """Until the worker is gone; True in a child, which has become what it was launched as."""
        heard, told = socket.socketpair()
        heard.setblocking(False)
        told.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            selector.register(heard, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if heard in ready:
                    with suppress(BlockingIOError):
                        heard.recv(4096)
                    self._bury()
                if self._line not in ready:
                    continue
                request, descriptors = self._read()
                if request is None:
                    return False
                if "launch" not in request:
                    self._signal(request)
                elif self._launch(request, descriptors):
                    for each in (heard, told):
                        each.close()
                    return True

    def _read(self) -> tuple[dict[str, Any] | None, list[int]]:
        fds = array.array("i")
        head, ancillary, _, _ = self._line.recvmsg(4, socket.CMSG_LEN(_MOST_DESCRIPTORS * fds.itemsize))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        while head and len(head) < 4:
            head += self._line.recv(4 - len(head))
        left = int.from_bytes(head, "big") if head else 0
        body = b""
        while left > len(body):
            part = self._line.recv(left - len(body))
            if not part:
                return None, list(fds)
            body += part
        return (json.loads(body) if body else None), list(fds)

    def _launch(self, request: dict[str, Any], descriptors: list[int]) -> bool:
        try:
            pid = os.fork()
        except OSError as error:
            self._say({"refused": request["launch"], "errno": error.errno})
        else:
            if pid == 0:
                self._line.close()
                _become(request, descriptors)
                return True
            self._alive.add(pid)
            self._say({"launched": request["launch"], "pid": pid})
        for each in descriptors:
            os.close(each)
        return False

    def _signal(self, request: dict[str, Any]) -> None:
        # What is not buried yet has its number to itself.
        pid, number = request["pid"], request["signal"]
        if pid not in self._alive:
            return
        self._signalled.add(pid)
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            # It was forked a moment ago, and has no group of its own yet.
            os.kill(pid, number)

    def _bury(self) -> None:
        for pid in list(self._alive):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            if pid in self._signalled:
                # What it has started and did not end with it; the number is its own before it is waited for.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                self._signalled.discard(pid)
            _, status = os.waitpid(pid, 0)
            self._alive.discard(pid)
            self._say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, word: dict[str, Any]) -> None:
        with suppress(OSError):  # the worker is gone, which is seen at the next look
            self._line.sendall(json.dumps(word).encode() + b"\n")


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Makes of a forked child what a new interpreter would be."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    for each in descriptors:
        os.environ[CLAIMED_FD] = str(each)
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    sys.argv = ["antiphon.engine"]
    if request["quiet"]:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
    replace_root(None)


def _run() -> int:
    line = socket.socket(fileno=int(sys.argv[1]))
    gc.freeze()
    return main() if _Nursery(line).serve() else 0


if __name__ == "__main__":
    sys.exit(_run())
