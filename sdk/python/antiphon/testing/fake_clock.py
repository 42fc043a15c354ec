"""A clock that a test moves: that of the server which the test has to itself."""

import socket
import threading
from datetime import UTC, datetime, timedelta

from antiphon.exceptions import AntiphonException

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FakeClock:
    """What time it is for the server of a test, which decides when a retry delay, a scheduled time, a pause's timeout
    or a lease is over. It goes on like any clock, and a test can put it forward.

    Time in the test's own process does not change: `time.sleep`, a task's `timeout_seconds` and `datetime.now()` are as
    ever. Safe to use from several threads.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._answers = control.makefile("r", encoding="utf-8")
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._tell("now")

    def advance(self, by: float | timedelta) -> datetime:
        """Put the clock forward, by seconds or a timedelta, and return the time after it.

        Whatever waits for a time that has come then goes on; runs whose deadline has passed end. Sessions, and leases
        that are held, live on: their holders would have renewed them. Raises ValueError where it is less than 0 or more
        than ten years.
        """
        seconds = by.total_seconds() if isinstance(by, timedelta) else float(by)
        return self._tell(f"advance {seconds!r}")

    def advance_to_next_wait(self, timeout: float = 30.0) -> datetime:
        """Block until some run waits for a time, such as a retry's, and put the clock forward to the soonest of these.

        Returns the time after it. Raises ValueError where none does within `timeout` seconds.
        """
        return self._tell(f"next {timeout!r}")

    def skip_waits(self, skip: bool = True) -> None:
        """Whether the clock goes by itself to the end of each wait for a time, as soon as that begins."""
        self._tell(f"jump {'on' if skip else 'off'}")

    def close(self) -> None:
        """Let the server go."""
        with self._lock:
            self._answers.close()
            self._control.close()

    def _tell(self, command: str) -> datetime:
        with self._lock:
            try:
                self._control.sendall(f"{command}\n".encode())
                word, _, rest = self._answers.readline().rstrip("\n").partition(" ")
            except (OSError, ValueError) as error:  # ValueError: closed
                raise _gone() from error
        if word == "error":
            raise ValueError(f"The clock cannot be put forward: {rest}.")
        if word != "ok":
            raise _gone()
        return _EPOCH + timedelta(microseconds=int(rest))


def _gone() -> AntiphonException:
    return AntiphonException(
        "The server of this test has ended, and its clock with it. Use the clock inside `with antiphon_test_harness()`;"
        " if you do, the end of server.log in the harness's home says why the server left."
    )
