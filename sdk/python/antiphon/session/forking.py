"""Forks. gRPC keeps threads, locks and file descriptors that do not survive one while a call runs: of children that
were forked so, one in twenty died by a signal while the calls were silent, and one in five while they were busy. With
the calls ended, but the channel open, none of 1,400 did. So whatever holds a call puts it down before a fork and takes
it up again in the parent, by the same way as after any other cut; the child leaves what it inherited alone, and opens
its own. Two more such things are seen to elsewhere: a connection attempt that a fork falls into (`transport`), and
gRPC's own end (`channels`).

GRPC_ENABLE_FORK_SUPPORT stays as it is. Set to 1, it makes each fork wait a second or more for calls that run, and
breaks them now and then; set to 0 it takes away what the child needs. (grpcio 1.85)
"""

import os
import threading
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that holds a gRPC call."""

    def request_pause(self) -> None:
        """Begin to put the call down."""

    def await_pause(self) -> None:
        """Return once it is down, or after a bounded time."""

    def resume(self) -> None:
        """Take it up again; as often as `request_pause` was called."""

    def abandon(self) -> None:
        """In the child: fail whoever waits here, touch nothing of gRPC's."""


_members: "weakref.WeakSet[Forkable]" = weakref.WeakSet()
#: The child keeps what it inherited for good: to destroy it would be to use it.
_inherited: list[Forkable] = []
#: Thread that forks -> how many hooks it has begun and not ended.
_in_hooks: dict[int, int] = {}
#: One fork at a time. The forking thread holds it meanwhile, so it is no lock that an exception may leave behind.
_turn = threading.Lock()


def track(member: Forkable) -> None:
    """Have `member` told of forks for as long as it lives."""
    _members.add(member)


def enter_hooks() -> None:
    """This thread begins what must be whole around a fork. Python swallows an exception that is raised in a hook, and
    what is left of the hook with it, so nothing may be raised from outside meanwhile."""
    thread = threading.get_ident()
    _in_hooks[thread] = _in_hooks.get(thread, 0) + 1


def leave_hooks() -> None:
    """Undo one `enter_hooks`."""
    thread = threading.get_ident()
    left = _in_hooks.pop(thread, 0) - 1
    if left > 0:
        _in_hooks[thread] = left


def is_in_hooks(thread: int) -> bool:
    """Whether this thread forks just now."""
    return thread in _in_hooks


def _before() -> None:
    enter_hooks()
    _turn.acquire()
    members = list(_members)
    for member in members:
        member.request_pause()
    for member in members:
        member.await_pause()
    _paused.extend(members)


def _after_in_parent() -> None:
    for member in _paused:
        member.resume()
    _paused.clear()
    _turn.release()
    leave_hooks()


def _after_in_child() -> None:
    global _turn
    _turn = threading.Lock()
    _inherited.extend(_paused)
    _paused.clear()
    _members.clear()
    for member in _inherited:
        member.abandon()
    leave_hooks()


#: Those that the fork under way has paused.
_paused: list[Forkable] = []

os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
