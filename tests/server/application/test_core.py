"""The core: what a commit brings is told in the loop, and one hearer that fails takes it from nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from antiphon_server.application.core import Changes, Core
from antiphon_server.storage.schema import prepare
from stores import database_for
from writing import flow_run


@asynccontextmanager
async def running_core(folder: Path) -> AsyncIterator[Core]:
    engine = database_for(folder / "antiphon.db").writer_engine()
    prepare(engine)
    core = Core(engine, lambda: 1)
    core.start()
    try:
        async with asyncio.timeout(20):
            yield core
    finally:
        await core.stop()
        engine.dispose()


def test_listeners_hear_before_the_answer_is_given(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_core(tmp_path) as core:
            heard: list[Changes] = []
            core.listen(heard.append)
            id = await core.run(flow_run())
            assert [run_id for each in heard for _, run_id in each.runs] == [id]

    asyncio.run(run())


def test_one_hearer_that_fails_takes_the_word_from_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fails(word: Any) -> None:
        raise RuntimeError("a bug")

    async def run() -> None:
        async with running_core(tmp_path) as core:
            heard: list[Changes] = []
            core.listen(fails)
            core.listen(heard.append)
            core.submit(flow_run(), fails)
            await core.run(flow_run())
            assert sum(len(each.runs) for each in heard) == 2

    asyncio.run(run())
    assert caplog.text.count("RuntimeError: a bug") >= 2
