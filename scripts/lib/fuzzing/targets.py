"""What is fuzzed: functions that take any bytes. A refusal is well; any other exception is a bug of the server."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError, Message

from antiphon.v1 import session_service_pb2, work_service_pb2
from antiphon_server.application import listings
from antiphon_server.application.listings import Listing
from antiphon_server.application.page_tokens import PageTokens
from antiphon_server.application.tokens import ResumeTokens
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.domain.filters import parse_filter
from antiphon_server.domain.ordering import parse_order_by
from antiphon_server.rpc.change_log import ChangeLog, Watched
from antiphon_server.rpc.validation import check
from antiphon_server.rpc.worker_conversions import coming_from
from antiphon_server.rpc.write_conversions import sort_lines
from fuzzing.conversation import Conversation
from fuzzing.requests import REQUESTS

LISTINGS: Sequence[Listing] = [each for each in vars(listings).values() if isinstance(each, Listing)]
KEY = b"a key of thirty-two secret bytes"
QUERY = ("ListFlows", "", [("create_time", True), ("id", True)])

_page_tokens, _resume_tokens = PageTokens(KEY), ResumeTokens(KEY)
_change_log = ChangeLog()


def query(data: bytes) -> None:
    """A list's filter and order: the first byte says whose, a NUL parts the two."""
    listing = LISTINGS[(data[0] if data else 0) % len(LISTINGS)]
    words, _, order = data[1:].decode(errors="replace").partition("\0")
    for read in (lambda: parse_filter(words, listing.filters), lambda: parse_order_by(order, listing.order)):
        _refusable(read)


def token(data: bytes) -> None:
    """What callers bring back: page tokens, resume tokens, cursors."""
    text = data.decode(errors="replace")
    _refusable(lambda: _page_tokens.read(QUERY, text))
    _refusable(lambda: _resume_tokens.session_id(text))
    _refusable(lambda: _at_once(_change_log.parse(text, [Watched.FLOW_RUN])))


def request(data: bytes) -> None:
    """The first byte says of which method; then its message, as it travels."""
    kind = REQUESTS[(data[0] if data else 0) % len(REQUESTS)]
    message = _decoded(kind, data[1:])
    if message is not None:
        _refusable(lambda: check(message))


def work(data: bytes) -> None:
    """A worker's message, and the lines of a log."""
    said = _decoded(work_service_pb2.WorkRequest, data)
    if said is not None:
        _refusable(lambda: check(said))
        if said.WhichOneof("body") == "hello":
            _refusable(lambda: coming_from(said.hello))
    lines = _decoded(session_service_pb2.UploadRequest, data)
    if lines is not None:
        _refusable(lambda: sort_lines(lines))


_conversation: Conversation | None = None


def session(data: bytes) -> None:
    """The messages of a session, each behind its length in two bytes: read, decided, and answered."""
    global _conversation
    _conversation = _conversation or Conversation()
    _conversation.play(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {each.__name__: each for each in (query, token, request, work, session)}
)


def _refusable(read: Callable[[], object]) -> None:
    try:
        read()
    except AntiphonError:
        return


def _at_once(coroutine: Coroutine[Any, Any, object]) -> None:
    """Runs what awaits nothing: a loop for each input would cost more than what is fuzzed."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it awaits something")


def _decoded(kind: type[Message], data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError:
        return None
