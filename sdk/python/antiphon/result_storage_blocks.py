"""Results in storage blocks: anything that has `write_path` and `read_path`, such as a LocalFileSystem."""

import asyncio
import importlib
import inspect
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from antiphon.engine.drivers import drive
from antiphon.exceptions import AntiphonException, ResultStorageError
from antiphon.result_storage import check_key

#: URL -> the block, as long as it lives.
_unsaved: WeakValueDictionary[str, Any] = WeakValueDictionary()


class BlockStorage:
    """A storage block as a place for results."""

    def __init__(self, block: Any) -> None:
        self._block = block
        name = getattr(block, "_block_document_name", None)
        slug = getattr(type(block), "get_block_type_slug", None)
        #: Another process finds the block by its name. One that was not saved is found in this process only.
        self.url = (
            f"block:{slug()}/{name}" if name and slug is not None else f"block:{type(block).__name__}:{id(block)}"
        )
        if not name:
            with suppress(TypeError):  # no weak reference can be made to it
                _unsaved[self.url] = block

    def location(self, key: str) -> str:
        """For people: in a block that knows a folder, by that."""
        return f"{getattr(self._block, 'basepath', None) or self.url}/{check_key(key)}"

    def write(self, key: str, data: bytes) -> None:
        try:
            _done(self._block.write_path(check_key(key), content=data))
        except Exception as error:
            # What goes wrong in a store has the exception types of its client library, which have no common base.
            raise ResultStorageError(
                f"A result of {len(data):,} bytes could not be written to {self.location(key)}: "
                f"{type(error).__name__}: {error}. Check the block's settings, access and credentials."
            ) from error

    def read(self, key: str) -> bytes:
        try:
            found = _done(self._block.read_path(check_key(key)))
        except ValueError as error:
            # So do blocks say that there is no such path.
            raise FileNotFoundError(str(error)) from error
        except OSError:
            raise
        except Exception as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        if found is None:
            raise FileNotFoundError(self.location(key))
        return bytes(found)


def unsaved_block_storage(url: str) -> BlockStorage | None:
    """Return the storage in a block of this process that was not saved; None where it is not there (any more)."""
    block = _unsaved.get(url)
    return BlockStorage(block) if block is not None else None


def load_block_storage(name: str) -> BlockStorage:
    """Return the saved block `type/name` as a place for results. Raises ResultStorageError where it cannot be had."""
    base = importlib.import_module("antiphon.blocks.core").Block
    loading = importlib.import_module("antiphon.blocks.loading")
    try:
        block = drive(loading.loaded(base, loading.request(base, name), validate=True), None)
    except (AntiphonException, ValueError) as error:
        raise ResultStorageError(f"The storage block {name!r} cannot be loaded: {error}") from error
    return BlockStorage(block)


def _done(answer: Any) -> Any:
    """What a block's method gives, which may be a coroutine; also where a loop runs in this thread."""
    if not inspect.isawaitable(answer):
        return answer

    async def wait() -> Any:
        return await answer

    with ThreadPoolExecutor(1, thread_name_prefix="antiphon-block") as executor:
        return executor.submit(asyncio.run, wait()).result()
