"""The pauses of a flow run whose holder is another process."""

import threading

from antiphon.engine.pauses import Hold, Pauses
from antiphon.engine.scopes import RunScope
from antiphon.exceptions import AntiphonException
from antiphon.session.session import Session
from antiphon.shared_client import shared_client
from antiphon.state_core import State
from antiphon.state_protos import from_proto
from antiphon.v1.flow_run_service_pb2 import WatchFlowRunRequest
from antiphon.v1.state_pb2 import STATE_TYPE_PAUSED

_FOLLOWED = "followed"


class FollowedPauses(Pauses):
    """Nobody tells this process of a pause, so the flow run is watched while a task run waits for its end: in one
    thread, whatever the number of runs that wait."""

    def __init__(self, flow_run_id: str, session: Session, scope: RunScope) -> None:
        super().__init__(flow_run_id, session, scope)
        self._id = flow_run_id
        self._lock = threading.Lock()

    @property
    def current(self) -> Hold | None:
        """The pause that is on now, or is over in a moment. Ask where the server has just said that there is one."""
        with self._lock:
            known = super().current
            if known is not None:
                return known
            # As a pause of ours: who waits for its end hears what became of the run, so nobody need be stopped.
            hold = self.begin(_FOLLOWED, own=True)
            threading.Thread(target=self._follow, name="antiphon-pause", daemon=True).start()
            return hold

    def _follow(self) -> None:
        try:
            state = self._next_state()
        except AntiphonException:
            state = None
        if state is None:
            # The server went away or the run did: asking to run tells which.
            self.ended += 1
            self.forget(_FOLLOWED)
        else:
            self.end(_FOLLOWED, state)

    def _next_state(self) -> State | None:
        """What the flow run is in when it is not paused any more."""
        client = shared_client()
        for response in client.stream(client.flow_runs.WatchFlowRun, WatchFlowRunRequest(id=self._id)):
            if response.HasField("flow_run") and response.flow_run.state.type != STATE_TYPE_PAUSED:
                return from_proto(response.flow_run.state)
        return None
