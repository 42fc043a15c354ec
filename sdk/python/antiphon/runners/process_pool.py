"""Processes that carry out task runs one by one, and the thread that sees to them.

Not `concurrent.futures`: there nobody knows which process has a task, so none can be stopped alone, and one that dies
takes all tasks with it.
"""

import json
import os
import pickle
import queue
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle  # type: ignore[import-untyped]  # it ships no types

from antiphon.runners.answers import WorkerLost
from antiphon.runners.errand import Errand, Parcel

#: Seconds for which a worker that is done may say the last of its logs and its session's end.
_LAST_WORDS = 20.0
#: With the paths and the arguments of this process, so that modules are found there which are found here. `-c`: the
#: main script is not run again.
_BOOTSTRAP = (
    "import json, sys; descriptor, sys.path[:], sys.argv[:] = int(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]; "
    "from antiphon.runners.process_worker import main; main(descriptor)"
)
#: What the thread is asked to do, next time that it looks.
_Wish = Callable[[], object]


class ProcessErrand(Errand):
    """One task run, queued or in a worker."""

    sees_our_end = True

    def __init__(self, pool: "ProcessPool", parcel: Parcel) -> None:
        super().__init__()
        self.parcel: Parcel | None = parcel
        self._pool = pool

    def stop(self, reason: str) -> bool:
        self._pool.stop(self, reason)
        return True

    def kill(self) -> None:
        self._pool.kill(self)


class _Worker:
    """One process, and this end of the line to it. Belongs to the pool's thread."""

    def __init__(self, first_words: bytes) -> None:
        here, there = socket.socketpair()
        with here, there:
            arguments = (str(there.fileno()), json.dumps(_paths()), *sys.argv)
            self.process = subprocess.Popen(
                (sys.executable, "-c", _BOOTSTRAP, *arguments), pass_fds=(there.fileno(),), stdin=subprocess.DEVNULL
            )
            self.line = Connection(here.detach())
        #: Readable once the process has died; None where the system has no such thing.
        self.death = _watch(self.process.pid)
        self.errand: ProcessErrand | None = None
        self.flow: bytes | None = None
        self.say(first_words)

    def give(self, errand: ProcessErrand) -> None:
        parcel, errand.parcel = errand.parcel, None
        assert parcel is not None
        self.errand = errand
        # The facts of a flow run may be large; they are sent once.
        known, self.flow = self.flow is parcel.flow, parcel.flow
        self.say(pickle.dumps(("run", parcel.call, known, None if known else parcel.flow)))

    def say(self, message: bytes) -> None:
        with suppress(OSError):  # it died; that is seen as the line's end
            self.line.send_bytes(message)

    def hang_up(self) -> None:
        """The process has died: after what it has said comes the line's end, whoever else holds the other end."""
        self._forget_death()
        with suppress(OSError), socket.socket(fileno=os.dup(self.line.fileno())) as here:
            here.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Of this end."""
        self.line.close()
        self._forget_death()

    def _forget_death(self) -> None:
        death, self.death = self.death, None
        if death is not None:
            os.close(death)


class ProcessPool:
    """`size` processes at most, started as they are needed."""

    def __init__(self, size: int, initializer: Callable[..., Any] | None, initargs: tuple[Any, ...]) -> None:
        """Raises whatever pickling the initializer raises."""
        self._size = size
        self._first_words = cloudpickle.dumps((initializer, initargs))
        self._wishes: queue.SimpleQueue[_Wish] = queue.SimpleQueue()
        self._waiting: deque[ProcessErrand] = deque()
        self._workers: list[_Worker] = []
        self._closing = False
        self._ear, self._mouth = socket.socketpair()
        self._mouth.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="antiphon-processes", daemon=True)
        self._thread.start()

    def send(self, parcel: Parcel) -> ProcessErrand:
        errand = ProcessErrand(self, parcel)
        self._wish(lambda: self._waiting.append(errand))
        return errand

    def stop(self, errand: ProcessErrand, reason: str) -> None:
        """Have its task interrupted."""
        self._wish(lambda: self._stop(errand, reason))

    def kill(self, errand: ProcessErrand) -> None:
        """End the process that has it."""
        self._wish(lambda: self._kill(errand))

    def close(self) -> None:
        """End the processes: those that have a task are told to break it off. Does not wait for them."""
        self._wish(self._close)

    # In the pool's thread

    def _wish(self, wish: _Wish) -> None:
        self._wishes.put(wish)
        with suppress(OSError):  # it has a lot to hear already, or has ended
            self._mouth.send(b"!")

    def _run(self) -> None:
        try:
            while not self._closing:
                lines: dict[Any, _Worker] = {worker.line: worker for worker in self._workers}
                deaths: dict[Any, _Worker] = {
                    worker.death: worker for worker in self._workers if worker.death is not None
                }
                for ready in wait([self._ear, *lines, *deaths]):
                    if ready == self._ear:
                        self._hear()
                    elif ready in lines:
                        self._listen(lines[ready])
                    else:
                        deaths[ready].hang_up()
                self._hand_out()
        finally:
            self._end()

    def _hear(self) -> None:
        self._ear.recv(4096)
        with suppress(queue.Empty):
            while True:
                self._wishes.get_nowait()()

    def _listen(self, worker: _Worker) -> None:
        try:
            answer = worker.line.recv_bytes()
        except (EOFError, OSError):
            self._bury(worker)
            return
        errand, worker.errand = worker.errand, None
        if errand is not None:
            errand.future.set_result(answer)

    def _bury(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.close()
        code = worker.process.wait()
        errand, worker.errand = worker.errand, None
        if errand is not None:
            errand.future.set_exception(WorkerLost(_obituary(worker.process.pid, code)))

    def _hand_out(self) -> None:
        for worker in self._idle():
            while self._waiting:
                errand = self._waiting.popleft()
                if errand.future.set_running_or_notify_cancel():
                    worker.give(errand)
                    break

    def _idle(self) -> Iterator[_Worker]:
        for worker in list(self._workers):
            if worker.errand is None:
                yield worker
        while self._waiting and len(self._workers) < self._size:
            try:
                worker = _Worker(self._first_words)
            except Exception as error:  # noqa: BLE001 - user code may have put anything into the paths and arguments
                if self._workers:
                    return  # They take what waits.
                future = self._waiting.popleft().future
                if future.set_running_or_notify_cancel():
                    future.set_exception(WorkerLost(f"No process could be started: {error}"))
                continue
            self._workers.append(worker)
            yield worker

    def _stop(self, errand: ProcessErrand, reason: str) -> None:
        if errand.future.cancel():
            return
        for worker in self._workers:
            if worker.errand is errand:
                worker.say(pickle.dumps(("stop", reason)))

    def _kill(self, errand: ProcessErrand) -> None:
        errand.future.cancel()
        for worker in self._workers:
            if worker.errand is errand:
                worker.process.kill()

    def _close(self) -> None:
        self._closing = True

    def _end(self) -> None:
        for errand in self._waiting:
            errand.future.cancel()
        for worker in self._workers:
            # They see the line's end.
            worker.close()
        for worker in self._workers:
            try:
                code = worker.process.wait(_LAST_WORDS)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                code = worker.process.wait()
            if worker.errand is not None:
                worker.errand.future.set_exception(WorkerLost(_obituary(worker.process.pid, code)))
        self._mouth.close()
        self._ear.close()


def _paths() -> list[str]:
    """Where modules are found. What else somebody has put there Python does not look at either."""
    return [os.fsdecode(each) for each in sys.path if isinstance(each, str | os.PathLike)]


def _watch(pid: int) -> int | None:
    """Gives a descriptor that can be waited on for the death of a child, where the system has them: on Linux."""
    with suppress(AttributeError, OSError):
        return os.pidfd_open(pid)
    return None


def _obituary(pid: int, code: int) -> str:
    if code < 0:
        how = f"was killed by signal {-code}" + (" (out of memory, perhaps)" if code == -9 else "")
    elif code == 0:
        how = "has ended"
    else:
        how = f"has ended with exit code {code}; it says why on its standard error"
    return f"The process {pid} that ran the task {how}."
