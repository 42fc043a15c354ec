"""For processes of others' programs that tests start: they end where the tests end without a word."""

import ctypes
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
# Between fork and exec nothing should be loaded.
_LIBC = ctypes.CDLL(None)


def die_with_parent(how: int) -> Callable[[], None]:
    """For `preexec_fn`: the new process gets the signal `how` when the thread that starts it ends."""

    def set_signal() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, how)

    return set_signal
