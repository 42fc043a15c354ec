"""What the thread that takes a stream's requests sleeps at, and others ring."""

from enum import Enum, auto

from antiphon.mailbox import Gate


class _Listening(Enum):
    """What the thread wakes up for."""

    NOBODY = auto()
    TO_URGENT = auto()
    TO_ALL = auto()


class Bell:
    """One stream's. A late thread of an older stream has its own and cannot disturb.

    Nothing is lost without a lock, since both sides keep an order: whoever rings has queued first, and who listens
    looks at the queue once more before sleeping.
    """

    __slots__ = ("_gate", "_listening", "_urgent")

    def __init__(self) -> None:
        self._gate = Gate()
        self._listening = _Listening.NOBODY
        self._urgent = False

    def ring(self, *, urgent: bool = True) -> None:
        """Something is there to be sent, or the stream is over. Where it is not `urgent`, a thread that gathers is left
        in peace."""
        if urgent:
            self._urgent = True
        if self._listening is _Listening.TO_ALL or (urgent and self._listening is _Listening.TO_URGENT):
            self._gate.open()

    def gather(self, seconds: float) -> None:
        """Sleep so long, or until something urgent is there; not at all if it is already."""
        self._listening = _Listening.TO_URGENT
        if not self._urgent:
            self._gate.wait(seconds)

    def answer(self) -> None:
        """All that was rung for until now is about to be taken."""
        self._urgent = False
        self._listening = _Listening.NOBODY

    def listen(self) -> None:
        """From now on `ring` is heard. Look at the queue once more, then `wait`."""
        self._listening = _Listening.TO_ALL

    def wait(self, seconds: float | None) -> bool:
        """Sleep until it rings; False if it did not for `seconds`."""
        return self._gate.wait(seconds)
