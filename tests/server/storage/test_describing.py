"""What the log says of an operation."""

from antiphon_server.application.edits import Edit
from antiphon_server.application.operations import ProposeOnSession
from antiphon_server.application.requests import Remembered
from antiphon_server.application.sessions import Frame, SpeakOnSession
from antiphon_server.domain.states import RUNNING
from antiphon_server.storage.describing import MOST, describe
from writing import flow_run, proposal


def test_ids_are_told_and_nothing_else_is() -> None:
    proposed = proposal("run", RUNNING, id="transition", message="secret", data=b"secret", session_id="session")
    created = flow_run("new", name="secret", tags=["secret"], idempotency_key="secret")
    frames = [Frame(1, ProposeOnSession(proposed, 1, b"secret")), Frame(2, created)]
    told = describe(SpeakOnSession("session", 1, 30, frames))
    assert told == (
        "SpeakOnSession(session_id=session, ProposeOnSession, Proposal, transition_id=transition, run_id=run, State, "
        "id=transition, session_id=session, CreateFlowRun, NewRun, id=new)"
    )


def test_an_operation_in_another_is_told() -> None:
    edit = Edit("flow run", "run", "secret", {"name": "secret"})
    told = describe(Remembered("request", "secret", lambda: [b"secret"], edit, lambda *_: b"secret"))
    assert told == "Remembered(request_id=request, Edit, id=run)"


def test_of_many_ids_some_are_told() -> None:
    told = describe(SpeakOnSession("session", 1, 30, [Frame(i, flow_run(f"run {i}")) for i in range(1000)]))
    assert told.endswith(", ...)")
    assert told.count(",") == MOST


def test_what_is_no_dataclass_has_a_name_at_least() -> None:
    assert describe(object()) == "object()"
