"""Who is offered runs, and how many more it takes."""

#: Of one receiver.
MOST_CREDIT = 10_000


class Receiver:
    """Somebody who is attached and says how many runs it takes. Belongs to the event loop."""

    def __init__(self) -> None:
        #: How many runs more it takes.
        self.credit = 0
        #: It let an offer lapse, and nothing was heard of it since.
        self.stalled = False
        #: It said that it takes nothing more.
        self._closed = False

    @property
    def open(self) -> bool:
        """Whether it can be offered a run."""
        return self.credit > 0 and not self.stalled

    def add_credit(self, runs: int) -> None:
        """It has room for more."""
        self.credit, self._closed = min(self.credit + runs, MOST_CREDIT), False

    def no_more(self) -> None:
        """It takes nothing more, whatever becomes of what it is about to be offered."""
        self.credit, self._closed = 0, True

    def take_back(self, runs: int = 1) -> None:
        """So many runs for which it had room are not offered to it after all."""
        if not self._closed:
            self.credit += runs
