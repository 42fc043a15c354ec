"""The model server of sessions on a real Unix socket, with cuts where a test wants them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from antiphon.v1 import session_pb2, session_service_pb2, session_service_pb2_grpc
from antiphon.v1.session_pb2 import ServerFrame
from session_model import Refused, SessionModel, Stream, make_status

UNAVAILABLE = make_status("UNAVAILABLE", "CUT", "the test cut the stream")


class _End:
    def __init__(self, status: status_pb2.Status | None) -> None:
        self.status = status


class _Attached:
    """One stream of the model with its way to the client."""

    def __init__(self) -> None:
        self.out: SimpleQueue[list[ServerFrame] | _End] = SimpleQueue()
        self.stream: Stream | None = None


class SessionServer(session_service_pb2_grpc.SessionServiceServicer):
    """`with SessionServer(folder) as server:`. Whatever tests read of the model they read under `changed`, a condition
    that is notified after each message."""

    def __init__(self, folder: Path, model: SessionModel | None = None) -> None:
        self.model = model or SessionModel()
        self.target = f"unix:{folder / 's'}"
        self.changed = threading.Condition(threading.RLock())
        self.attaches = 0
        #: A status for each attach to come that is to fail.
        self.refusals: list[status_pb2.Status] = []
        #: Messages from clients after each of which the stream is cut, before they are looked at (False) or after.
        self.cuts: list[bool] = []
        #: Seconds from each Hello to its Welcome.
        self.welcome_delay = 0.0
        #: While set, nothing that clients say is looked at or answered.
        self.mute = False
        self._attached: list[_Attached] = []
        #: Lines that were uploaded, by id, and the sizes of batches.
        self.logs: dict[str, str] = {}
        self.batches: list[int] = []
        self.upload_cuts = 0
        #: A line that is refused.
        self.poison: str | None = None
        self._server: Any = None

    def __enter__(self) -> "SessionServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(32))
        session_service_pb2_grpc.add_SessionServiceServicer_to_server(self, self._server)
        self._server.add_insecure_port(self.target)
        self._server.start()

    def stop(self) -> None:
        """As if killed: calls end without a word."""
        self.end_streams(None)
        self._server.stop(0).wait()

    # The control stream

    def Attach(self, request_iterator: Any, context: Any) -> Iterator[session_service_pb2.AttachResponse]:
        attached = _Attached()
        hello = next(request_iterator).frames[0].hello
        threading.Event().wait(self.welcome_delay)
        with self.changed:
            self.attaches += 1
            if self.refusals:
                attached.out.put(_End(self.refusals.pop(0)))
            elif not self.mute:
                try:
                    attached.stream = self.model.attach(hello, attached.out.put)
                except Refused as refusal:
                    attached.out.put(_End(refusal.status))
            self._attached.append(attached)
            self.changed.notify_all()
        context.add_callback(lambda: attached.out.put(_End(None)))
        threading.Thread(target=self._read, args=(attached, request_iterator), daemon=True).start()
        while True:
            item = attached.out.get()
            if isinstance(item, _End):
                break
            yield session_service_pb2.AttachResponse(frames=item)
        with self.changed:
            self._attached.remove(attached)
        if item.status is not None:
            context.abort_with_status(rpc_status.to_status(item.status))

    def _read(self, attached: _Attached, requests: Any) -> None:
        try:
            for request in requests:
                with self.changed:
                    self._take(attached, request.frames)
                    self.changed.notify_all()
            attached.out.put(_End(None))
        except grpc.RpcError:
            pass  # the client hung up
        except Refused as refusal:
            attached.out.put(_End(refusal.status))

    def _take(self, attached: _Attached, frames: Any) -> None:
        if self.mute or attached.stream is None:
            return
        cut = bool(self.cuts) and any(frame.sequence for frame in frames)
        looked_at = not cut or self.cuts.pop(0)
        if cut and looked_at:
            attached.stream.push = lambda frames: None
        if looked_at:
            attached.stream.receive(frames)
        if cut:
            attached.out.put(_End(UNAVAILABLE))

    def end_streams(self, status: status_pb2.Status | None = UNAVAILABLE) -> None:
        """Ends every stream: with a status, or in peace."""
        with self.changed:
            for attached in self._attached:
                attached.out.put(_End(status))

    def push(self, frames: list[ServerFrame]) -> None:
        """Says something on every stream."""
        with self.changed:
            for attached in self._attached:
                if attached.stream is not None:
                    attached.out.put(frames)

    def command(self, command: session_pb2.Command, *, session_id: str) -> None:
        """Sends a command, again with each attach until it is answered."""
        with self.changed:
            self.model.sessions[session_id].commands[command.id] = command
            self.push([ServerFrame(command=command)])

    def stages(self, session_id: str, count: int) -> list[tuple[str, int, str]]:
        """What became of commands, once so much was said."""
        self.wait_for(lambda: len(self.model.sessions[session_id].stages) >= count)
        return list(self.model.sessions[session_id].stages)

    def wait_for(self, condition: Any, timeout: float = 20.0) -> None:
        """Waits until something holds of the model."""
        with self.changed:
            assert self.changed.wait_for(condition, timeout), "the client did not do what the test waits for"

    # The bulk lane

    def Upload(self, request_iterator: Any, context: Any) -> Iterator[session_service_pb2.UploadResponse]:
        for request in request_iterator:
            with self.changed:
                if self.mute:
                    self.changed.wait_for(lambda: not self.mute)
                self.batches.append(len(request.logs))
                self.logs.update((log.id, log.message) for log in request.logs if log.message != self.poison)
                self.changed.notify_all()
                if self.upload_cuts:
                    self.upload_cuts -= 1
                    context.abort_with_status(rpc_status.to_status(UNAVAILABLE))
            refused = [
                session_service_pb2.RefusedLog(index=index, status=make_status("INVALID_ARGUMENT", "LOG_INVALID"))
                for index, log in enumerate(request.logs)
                if log.message == self.poison
            ]
            yield session_service_pb2.UploadResponse(sequence=request.sequence, refused=refused)

    def OpenSession(self, request: Any, context: Any) -> Any:
        raise NotImplementedError

    def ExchangeFrames(self, request: Any, context: Any) -> Any:
        raise NotImplementedError
