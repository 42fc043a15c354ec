"""Of several equal runs at once only one computes; the others wait for it and take its result.

`isolation_level="SERIALIZABLE"` with a manager of locks: in memory for the threads of a process, in a folder or in
Redis for several processes.

Prints:
    rendering the tile, once
    5 tiles, all the same: True
"""

import tempfile
import time

from antiphon import flow, task
from antiphon.cache_policies import INPUTS
from antiphon.locking.memory import MemoryLockManager

ONE_AT_A_TIME = INPUTS.configure(isolation_level="SERIALIZABLE", lock_manager=MemoryLockManager())


@task(cache_policy=ONE_AT_A_TIME)
def render(x: int, y: int) -> bytes:
    print("rendering the tile, once")
    time.sleep(0.2)
    return bytes([x, y]) * 128


@flow
def show_map(visitors: int) -> list[bytes]:
    return render.map([3] * visitors, [7] * visitors).result()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        tiles = show_map.with_options(result_storage=folder)(5)
    print(f"{len(tiles)} tiles, all the same: {len(set(tiles)) == 1}")
