"""One stream to the server, opened again whenever it ends, in a thread of its own.

What is said on it is a `Talk`'s affair. gRPC takes requests from the talk in one thread of its own; answers are handed
to the talk in the link's thread.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import grpc

from antiphon.channels import open_channel, options_for
from antiphon.exceptions import AntiphonException
from antiphon.session.bell import Bell
from antiphon.session.route import Route
from antiphon.session.stream_end import EndKind, StreamEnd, left, paused, read_end
from antiphon.session.vigil import Vigil
from antiphon.session.watchman import Watch, Watchman

#: A connection for each link: what floods one must not delay the other, and a new attempt must not wait for the
#: back-off of an older one, which gRPC keeps with connections that are shared.
_APART = ("grpc.use_local_subchannel_pool", 1)
#: Seconds that a fork waits for a link to put its call down. Only a server that is being started takes so long.
PAUSE_PATIENCE = 30.0
_THREAD_PATIENCE = 2.0

logger = logging.getLogger("antiphon.session")


class Stream:
    """One call, from its first request to its end."""

    def __init__(self) -> None:
        #: The talk's number for it.
        self.number = 0
        #: Wakes the thread that waits for something to send.
        self.bell = Bell()
        #: Where there is another server to go to.
        self.watch: Watch | None = None
        #: Why we left its server; empty unless we did.
        self.left = ""
        self._call: Any = None
        self._cancelled = False
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, method: Any, requests: Iterator[bytes]) -> Any:
        """Begin the call and give what iterates over its answers."""
        call = method(self._watched(requests))
        if not call.add_callback(self._ended):
            self._over.set()
        self._call = call
        if self._cancelled:
            call.cancel()
        return call

    def cancel(self) -> None:
        """Hang up. Safe in any thread, and more than once."""
        self._cancelled = True
        if self._call is not None:
            self._call.cancel()

    def leave(self, reason: str) -> None:
        """Hang up for good, to go to another server. Safe in any thread."""
        self.left = reason
        self.cancel()

    def leave_soon(self) -> None:
        """The server will stop: leave it for another one, if there is one, once what is under way is answered."""
        if self.watch is not None:
            self.watch.leave_soon()

    def wait_for_threads(self) -> None:
        """Once the call and the talk have ended, wait until gRPC's two threads for them are gone."""
        self._over.wait(_THREAD_PATIENCE)
        for thread in list(self._threads):
            thread.join(_THREAD_PATIENCE)

    def _watched(self, requests: Iterator[bytes]) -> Iterator[bytes]:
        self._threads.append(threading.current_thread())
        for request in requests:
            if self.watch is not None:
                self.watch.said()
            yield request

    def _ended(self) -> None:
        self._threads.append(threading.current_thread())
        self._over.set()


class Talk(Protocol):
    """What is said on a link."""

    #: The full name of the RPC.
    method: str

    def parse(self, data: bytes) -> Any:
        """Makes a message of an answer's bytes."""

    def requests(self, stream: Stream) -> Iterator[bytes]:
        """Begin a stream. Gives encoded requests; the iterator is for another thread, waits at `stream.bell` when there
        is nothing to say, and ends when the stream is over."""

    def received(self, stream: Stream, message: Any) -> None:
        """An answer is here."""

    def awaits_answer(self) -> bool:
        """Whether something was said on the present stream that the server answers soon. Must not block."""

    def stream_ended(self, stream: Stream, end: StreamEnd) -> float | None:
        """The stream is over, or could not begin: ring its bell, so that its requests end. Give seconds to wait before
        the next one, or None to stop."""

    def stopped(self, error: Exception | None) -> None:
        """The link's thread ends; `error` is a bug that stopped it."""


class Link:
    """Keeps a talk going until it says stop."""

    def __init__(self, name: str, connect: Callable[[], str], talk: Talk) -> None:
        """`connect` gives the target, which may have several servers: one of them is dialled at a time. It may take
        long and raises AntiphonException if there is none."""
        self._route = Route(connect)
        self._watchman = Watchman(f"{name}-watch")
        self._talk = talk
        self._changed = threading.Condition()
        self._stream = Stream()
        self._channel: Any = None
        #: A fork came as it may still have been connecting.
        self._doubtful = False
        self._target = ""
        self._stopping = False
        self._pauses = 0
        #: The thread waits for the pauses to end and holds no call.
        self._parked = False
        #: Cuts a wait between two streams short.
        self._nudge = threading.Event()
        # A daemon: a process must be able to end though a server does not answer.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_current_thread(self) -> bool:
        """Whether this is called in the link's thread."""
        return threading.get_ident() == self._thread.ident

    def join(self, timeout: float) -> bool:
        """Wait until the thread has ended, at most `timeout` seconds; says whether it has."""
        if not self.is_current_thread:
            self._thread.join(max(timeout, 0))
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Hang up and end the thread; does not wait for it."""
        with self._changed:
            self._stopping = True
            stream = self._stream
            self._changed.notify_all()
        self._watchman.stop()
        self._nudge.set()
        stream.cancel()

    def request_pause(self) -> None:
        """Hang up, and keep the channel, until `resume`. Pauses are counted."""
        with self._changed:
            self._pauses += 1
            stream = self._stream
        self._watchman.rest()
        self._nudge.set()
        stream.cancel()

    def await_pause(self) -> None:
        """Wait until gRPC has nothing to do for this link, for a bounded time."""
        if self.is_current_thread:
            return
        with self._changed:
            done = self._changed.wait_for(lambda: self._parked, PAUSE_PATIENCE)
        done = self._watchman.await_rest(PAUSE_PATIENCE) and done
        if not done:
            logger.warning("%s is busy during a fork; gRPC may fail in the child", self._thread.name)

    def resume(self) -> None:
        """Undo one `request_pause`."""
        with self._changed:
            self._pauses -= 1
            self._changed.notify_all()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            while (stream := self._next_stream()) is not None:
                end = self._converse(stream)
                delay = self._talk.stream_ended(stream, end)
                if end.kind is EndKind.PAUSED:
                    stream.wait_for_threads()
                if delay is None:
                    break
                if end.elsewhere:
                    logger.info("The server at %s %s; going to another one", self._target, stream.left or "is gone")
                if delay > 0:
                    self._nudge.wait(delay)
        except Exception as bug:
            logger.exception("%s failed", self._thread.name)
            error = bug
        self._watchman.stop()
        self._hang_up()
        with self._changed:
            self._parked = True
            self._changed.notify_all()
        self._talk.stopped(error)

    def _next_stream(self) -> Stream | None:
        """Wait while paused; None once stopped."""
        with self._changed:
            while self._pauses and not self._stopping:
                self._parked = True
                self._changed.notify_all()
                self._changed.wait()
            self._parked = False
            if self._stopping:
                return None
            self._nudge.clear()
            self._stream = Stream()
            return self._stream

    def _converse(self, stream: Stream) -> StreamEnd:
        """One stream from beginning to end."""
        try:
            channel = self._dial()
        except AntiphonException as error:
            return StreamEnd(EndKind.NOWHERE, error)
        if self._route.is_several:
            self._begin_watch(stream, channel)
        method = channel.stream_stream(self._talk.method, None, self._talk.parse)
        end: grpc.RpcError | None = None
        answered = False
        try:
            for message in stream.start(method, self._talk.requests(stream)):
                if not answered:
                    answered = True
                    self._route.answered()
                self._talk.received(stream, message)
                if stream.watch is not None:
                    stream.watch.heard()
        except grpc.RpcError as error:
            end = error
        self._watchman.rest()
        if self._pauses:
            self._doubtful = not answered
            return paused()
        self._hang_up()
        over = left(self._target, stream.left) if stream.left else read_end(end, self._target)
        return replace(over, elsewhere=self._route.failed()) if over.kind is EndKind.RETRY else over

    def _dial(self) -> grpc.Channel:
        """The channel for the next stream: that of a pause, or a new one to the server whose turn it is."""
        again = self._doubtful
        if again:
            # Where a fork swallowed the end of a connection attempt, gRPC would wait for it for 20 seconds. Not closed
            # before the fork: that would be one more thing that gRPC does meanwhile.
            self._hang_up()
        if self._channel is None:
            self._target = self._target if again else self._route.next()
            self._channel = open_channel(self._target, (*options_for(self._target), _APART))
        return self._channel

    def _begin_watch(self, stream: Stream, channel: grpc.Channel) -> None:
        vigil = Vigil(self._route.rounds)
        stream.watch = Watch(vigil, channel, self._talk.awaits_answer, stream.leave, self._watchman.wake)
        self._watchman.begin(stream.watch)

    def _hang_up(self) -> None:
        """A channel that failed is not used again: gRPC would make a new connection wait."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._doubtful = False


class OnLink:
    """What talks over a link, and puts its call down around a fork: see `forking.Forkable`."""

    _link: Link

    def awaits_answer(self) -> bool:
        """See Talk. A server that hangs is noticed by gRPC's pings."""
        return False

    def request_pause(self) -> None:
        """See Forkable."""
        self._link.request_pause()

    def await_pause(self) -> None:
        """See Forkable."""
        self._link.await_pause()

    def resume(self) -> None:
        """See Forkable."""
        self._link.resume()
