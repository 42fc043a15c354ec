"""A limit of a tag bounds how many task runs with that tag run at once; the code of the tasks knows nothing of it.

For people who run the server: `antiphon concurrency-limit create warehouse 2` is enough, with flows that are there
already.

Prints:
    8 queries, at most 2 at once: True
"""

import time
from threading import Lock

from antiphon import flow, get_client, task

lock, inside, most = Lock(), 0, 0


@task(tags=["warehouse"])
def query(table: str) -> str:
    global inside, most
    with lock:
        inside += 1
        most = max(most, inside)
    time.sleep(0.05)
    with lock:
        inside -= 1
    return table


@flow
def queries(tables: list[str]) -> list[str]:
    return query.map(tables).result()


if __name__ == "__main__":
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit(tag="warehouse", concurrency_limit=2)
    done = queries([f"table-{number}" for number in range(8)])
    print(f"{len(done)} queries, at most 2 at once: {most <= 2}")
