"""What need not be remembered any more, and how long it was."""

from antiphon_server.application.forgetting import WORKERS_KEPT, ForgetWorkers
from antiphon_server.application.sessions import ForgetSessions, LeaveSession, OnSession, OpenSession
from antiphon_server.storage import tables
from writing import SECOND, Writing, new_id

TTL = 30 * SECOND


def test_a_worker_is_remembered_from_its_end_on_however_long_ago_it_came(writing: Writing) -> None:
    session = writing.do(OpenSession("worker", TTL))
    id, none = new_id(), {"queue_names": "[]", "labels": "{}", "client": ""}
    came = {"session_id": session.id, "create_time": writing.now, "update_time": writing.now, "version": 1}
    with writing.engine.begin() as connection:
        connection.execute(tables.workers.insert().values(id=id, work_pool_id=new_id(), name="w", **none, **came))
    writing.now += 2 * WORKERS_KEPT
    writing.do(OnSession(session.id, session.epoch, TTL))
    writing.do(LeaveSession(session.id, session.epoch, "enough"))
    assert writing.do(ForgetWorkers()) is False
    writing.now += WORKERS_KEPT
    writing.do(ForgetSessions())
    writing.do(ForgetWorkers())
    assert [row.id for row in writing.rows(tables.workers)] == [id]
    writing.now += TTL + 1
    writing.do(ForgetSessions())
    writing.do(ForgetWorkers())
    assert writing.rows(tables.workers) == []
    assert writing.changes is not None
    assert writing.changes.workers == {id: None}, "who watches is told"
