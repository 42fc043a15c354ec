"""Unary mutations that are sent again."""

from typing import Any

import pytest

from antiphon_server.application import forgetting
from antiphon_server.application.creation import CreateFlow
from antiphon_server.application.requests import ForgetRequests, Remembered
from antiphon_server.domain.errors import AlreadyExists, NotFound
from antiphon_server.storage import tables
from writing import SECOND, Writing, flow_run, new_id


def request(operation: Any, request_id: str = "", **changes: Any) -> Remembered:
    fields = {
        "method": "Make",
        "digests": lambda: [b"body"],
        "answer": lambda _, result: f"made {result}".encode(),
        **changes,
    }
    return Remembered(request_id=request_id, operation=operation, **fields)


def test_the_same_request_gets_its_first_answer(writing: Writing) -> None:
    id = new_id()
    first = writing.do(request(CreateFlow("one"), id))
    writing.now += 1
    before = writing.everything()
    again = writing.do(request(CreateFlow("one"), id))
    assert again == first == f"made {writing.row(tables.flows).id}".encode()
    assert writing.everything() == before


def test_the_same_request_twice_in_one_batch(writing: Writing) -> None:
    id = new_id()
    first, again = writing.together(request(CreateFlow("one"), id), request(CreateFlow("one"), id))
    assert first == again
    assert len(writing.rows(tables.flows)) == 1


@pytest.mark.parametrize("change", [{"digests": lambda: [b"another"]}, {"method": "Break"}])
@pytest.mark.parametrize("together", [True, False])
def test_the_id_of_another_request_is_refused(writing: Writing, change: dict[str, Any], together: bool) -> None:
    id = new_id()
    requests = request(CreateFlow("one"), id), request(CreateFlow("two"), id, **change)
    answers = writing.together(*requests) if together else [writing.together(each)[0] for each in requests]
    assert isinstance(answers[1], AlreadyExists)
    assert (answers[1].reason, answers[1].field) == ("REQUEST_ID_REUSED", "request_id")
    assert [flow.name for flow in writing.rows(tables.flows)] == ["one"]


def test_a_refusal_is_not_remembered(writing: Writing) -> None:
    id = new_id()
    flow = new_id()
    with pytest.raises(NotFound):
        writing.do(request(flow_run(flow_id=flow), id))
    with writing.engine.begin() as connection:
        row = {"id": flow, "name": "now it is", "tags": "[]", "create_time": 1, "update_time": 1, "version": 1}
        connection.execute(tables.flows.insert(), row)
    assert writing.do(request(flow_run(flow_id=flow), id)).startswith(b"made ")


def test_without_an_id_each_request_is_a_new_one(writing: Writing) -> None:
    assert writing.do(request(flow_run())) != writing.do(request(flow_run()))
    assert writing.rows(tables.requests) == []


def test_the_answer_is_made_of_what_was_written(writing: Writing) -> None:
    def answer(working_set: Any, id: str) -> bytes:
        row = working_set.connection.execute(tables.flows.select().where(tables.flows.c.id == id)).one()
        return str(row.name).encode()

    assert writing.do(request(CreateFlow("one"), answer=answer)) == b"one"


DAY = 24 * 3600 * SECOND


def test_an_answer_is_remembered_for_a_day(writing: Writing) -> None:
    id = new_id()
    first = writing.do(request(flow_run(), id))
    writing.now += DAY
    assert writing.do(ForgetRequests()) is False
    assert writing.do(request(flow_run(), id)) == first
    writing.now += 1
    assert writing.do(ForgetRequests()) is False
    assert writing.rows(tables.requests) == []
    assert writing.do(request(flow_run(), id)) != first


def test_old_answers_are_forgotten_a_few_at_a_time_and_new_ones_are_kept(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "MAX_FORGOTTEN", 2)
    ids = []
    for _ in range(4):
        ids.append(new_id())
        writing.do(request(flow_run(), ids[-1]))
        writing.now += 1
    writing.now += DAY - 1
    left = []
    while writing.do(ForgetRequests()):
        left.append([row.id for row in writing.rows(tables.requests)])
    left.append([row.id for row in writing.rows(tables.requests)])
    assert left == [ids[2:], ids[3:]]


def test_a_request_is_remembered_by_the_first_digest_and_known_by_each(writing: Writing) -> None:
    id = new_id()
    first = writing.do(request(CreateFlow("one"), id, digests=lambda: [b"first", b"second"]))
    assert writing.row(tables.requests).digest == b"first"
    assert writing.do(request(CreateFlow("one"), id, digests=lambda: [b"of a newer key", b"first"])) == first
    with pytest.raises(AlreadyExists):
        writing.do(request(CreateFlow("one"), id, digests=lambda: [b"second"]))
