"""A session without a wire: what its messages ask for is decided and written into a database in memory."""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import DecodeError

from antiphon.v1 import session_service_pb2
from antiphon_server.application.handing_over import hand_over_freed
from antiphon_server.application.sessions import OpenSession, SpeakOnSession, Spoken
from antiphon_server.domain.errors import AntiphonError
from antiphon_server.rpc.frames import answer_frames, read_message
from antiphon_server.rpc.validation import check_items
from antiphon_server.storage.schema import prepare
from antiphon_server.storage.sqlite import Sqlite
from antiphon_server.storage.working_set import Needs, WorkingSet
from antiphon_server.storage.writer import Operation

TTL = 30_000_000
START = 1_800_000_000_000_000
SECOND = 1_000_000
SESSION = "0190163d-8694-739b-aea5-966c26f8ad90"


class Conversation:
    """Plays one after the other, each on an empty database."""

    def __init__(self) -> None:
        engine = Sqlite(Path(":memory:"), durable=False).writer_engine()
        prepare(engine)
        self._connection = engine.connect()

    def play(self, data: bytes) -> None:
        """Each message is a transaction, a second after the one before, and all are undone at the end."""
        undo = self._connection.begin()
        try:
            self._transact(START, OpenSession("fuzz", TTL, SESSION))
            sequence = 0
            for number, body in enumerate(messages_in(data), 1):
                sequence = self._say(START + number * SECOND, body, sequence)
        except (AntiphonError, DecodeError):  # A refusal, which ends the stream.
            return
        finally:
            undo.rollback()

    def _say(self, now: int, body: bytes, before: int) -> int:
        """What a message leads to; gives the number of the last frame that is committed."""
        request = session_service_pb2.AttachRequest.FromString(body)
        message = read_message(request.frames, SESSION, check_items(request, "frames"))
        spoken = self._transact(now, SpeakOnSession(SESSION, 1, TTL, message.frames, message.goodbye))
        assert isinstance(spoken, Spoken)
        for frame in answer_frames(spoken):
            frame.SerializeToString()
        assert before <= spoken.committed_sequence <= before + len(message.frames), "numbers go on one by one"
        answered = len(spoken.answers)
        assert (answered == len(message.frames)) == (spoken.fatal is None), "what is not answered has a reason"
        if spoken.fatal is not None:
            raise spoken.fatal
        return spoken.committed_sequence

    def _transact(self, now: int, operation: Operation) -> object:
        working_set = WorkingSet(self._connection, now, "server")
        needs = Needs()
        operation.needs(needs)
        working_set.load(needs)
        answer: object = operation.apply(working_set)
        hand_over_freed(working_set)
        working_set.flush()
        return answer


def messages_in(data: bytes) -> Iterator[bytes]:
    """Those that `joined` has put together; the last one may lack its end."""
    at = 0
    while at + 2 <= len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def joined(*messages: bytes) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in messages)
