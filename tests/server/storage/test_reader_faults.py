"""Reading a database that cannot be read."""

import asyncio
from pathlib import Path

import pytest

from antiphon_server.domain.errors import Unavailable
from antiphon_server.storage import sources
from antiphon_server.storage.reader import Reader
from antiphon_server.storage.reader_engine import reader_engine
from antiphon_server.storage.schema import prepare
from stores import database_for, only_sqlite


def refusal(reader: Reader) -> Unavailable:
    async def read() -> None:
        try:
            await reader.get(sources.FLOWS, "id")
        finally:
            await reader.close()

    with pytest.raises(Unavailable) as refused:
        asyncio.run(read())
    return refused.value


@only_sqlite
def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    path.write_text("a letter, and a long one\n" * 1000)
    error = refusal(Reader(lambda: reader_engine(database_for(path))))
    assert (error.reason, "SQLITE_NOTADB" in error.message) == ("STORAGE_UNAVAILABLE", True)


@only_sqlite
def test_a_file_that_is_gone(tmp_path: Path) -> None:
    error = refusal(Reader(lambda: reader_engine(database_for(tmp_path / "missing" / "antiphon.db"))))
    assert (error.reason, "SQLITE_CANTOPEN" in error.message) == ("STORAGE_UNAVAILABLE", True)


def test_readers_that_are_all_busy(tmp_path: Path) -> None:
    path = tmp_path / "antiphon.db"
    engine = database_for(path).writer_engine()
    prepare(engine)
    engine.dispose()

    async def read() -> None:
        readers = reader_engine(database_for(path))
        readers.pool._timeout = 0.01  # type: ignore[attr-defined]
        reader = Reader(lambda: readers)
        held = [await readers.connect() for _ in range(readers.pool.size())]  # type: ignore[attr-defined]
        try:
            with pytest.raises(Unavailable) as refused:
                await reader.exists(sources.FLOWS, "id")
            assert refused.value.reason == "READERS_BUSY"
        finally:
            for each in held:
                await each.close()
        assert not await reader.exists(sources.FLOWS, "id")
        await reader.close()

    asyncio.run(read())
