"""How a promise that was broken is told."""


class Violation(AssertionError):
    """`promise` names the invariant, `subjects` the runs, sessions and limits that it is about."""

    def __init__(self, promise: str, message: str, *subjects: str) -> None:
        super().__init__(f"{promise}: {message}")
        self.promise = promise
        self.subjects = frozenset(subjects)
