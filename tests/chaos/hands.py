"""Threads that do things one after the other, one thread for each thing that they are done to."""

import queue
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]


class Hands:
    """The threads live as long as the process: what a thread has started is killed when the thread ends (see
    `machine.die_with_parent`)."""

    def __init__(self) -> None:
        self._queues: dict[str, queue.SimpleQueue[Job]] = {}
        self._changed = threading.Condition()
        self._pending: dict[str, int] = {}
        #: What a job has raised: the harness itself has failed.
        self.error: BaseException | None = None

    def do(self, owner: str, job: Job) -> None:
        """Behind what its owner has to do by now."""
        with self._changed:
            self._pending[owner] = self._pending.get(owner, 0) + 1
            if owner not in self._queues:
                self._queues[owner] = queue.SimpleQueue()
                threading.Thread(target=self._serve, args=(owner,), name=owner, daemon=True).start()
        self._queues[owner].put(job)

    def do_and_wait(self, owner: str, job: Job) -> None:
        done = threading.Event()

        def work() -> None:
            try:
                job()
            finally:
                done.set()

        self.do(owner, work)
        done.wait()

    def busy(self, owner: str) -> bool:
        return self._pending.get(owner, 0) > 0

    def idle(self, patience: float) -> None:
        """Waits until nobody has anything to do. Raises TimeoutError, or what a job raised."""
        end = time.monotonic() + patience
        with self._changed:
            while any(self._pending.values()) and self.error is None:
                if not self._changed.wait(end - time.monotonic()):
                    busy = [owner for owner, count in self._pending.items() if count]
                    raise TimeoutError(f"not mended in {patience} s: {', '.join(busy)}")
        if self.error is not None:
            raise self.error

    def _serve(self, owner: str) -> None:
        while True:
            job = self._queues[owner].get()
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - `idle` raises it
                self.error = error
            with self._changed:
                self._pending[owner] -= 1
                self._changed.notify_all()
