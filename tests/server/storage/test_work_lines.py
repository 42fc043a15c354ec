"""The queue of deferred task runs is read by its indexes, however long it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from antiphon_server.storage.schema import prepare
from looks_at_lines import LOOKS
from stores import database_for, only_sqlite


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = database_for(tmp_path / "antiphon.db").writer_engine()
    prepare(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


@pytest.mark.parametrize("query", LOOKS.values(), ids=LOOKS)
@only_sqlite
def test_each_look_is_one_into_an_index(connection: Connection, query: Any) -> None:
    sql = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert len(plan) == 1 and "SEARCH task_runs USING" in plan[0] and "INDEX ix_task_runs_task_key" in plan[0], plan
