"""What makes an object a future of ours, for modules that stand below the futures themselves."""

from typing import TYPE_CHECKING, Any, Protocol, TypeGuard

if TYPE_CHECKING:
    from antiphon.state_core import State


class FutureLike(Protocol):
    """A run whose end can be waited for."""

    @property
    def state(self) -> "State":
        """The state that the run has now."""

    def wait(self, timeout: float | None = None) -> Any:
        """Return when the run has ended, or after `timeout` seconds."""

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
        """Return what the run gave."""


def is_future(value: object) -> TypeGuard[FutureLike]:
    """Whether a value is a future of ours.

    Looks at the class only: asking a stranger's object for attributes may run code of his, and a mock has them all.
    """
    kind = type(value)
    return (
        hasattr(kind, "state")
        and callable(getattr(kind, "wait", None))
        and callable(getattr(kind, "result", None))
        and callable(getattr(kind, "add_done_callback", None))
    )
