"""Forks. gRPC keeps threads, locks and file descriptors that do not survive one while a call runs: of children that
were forked so, one in twenty died by a signal while the calls were silent, and one in five while they were busy. With
the calls ended, but the channel open, none of 1,400 did. So whatever holds a call puts it down before a fork and takes
it up again in the parent, by the same way as after any other cut; the child leaves what it inherited alone, and opens
its own.

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
#: One fork at a time. The forking thread holds it meanwhile, so it is no lock that an exception may leave behind.
_turn = threading.Lock()


def track(member: Forkable) -> None:
    """Have `member` told of forks for as long as it lives."""
    _members.add(member)


def _before() -> None:
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


def _after_in_child() -> None:
    global _turn
    _turn = threading.Lock()
    _inherited.extend(_paused)
    _paused.clear()
    _members.clear()
    for member in _inherited:
        member.abandon()


#: Those that the fork under way has paused.
_paused: list[Forkable] = []

os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
