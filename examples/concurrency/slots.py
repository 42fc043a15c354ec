"""`concurrency` bounds how many at once do a thing, over all tasks, flows and processes of a server.

For a database with few connections, or a licence for two machines. The limit is made once, here or by `antiphon gcl
create`.

Prints:
    6 reports, at most 2 at once: True
"""

import time
from threading import Lock

from antiphon import flow, get_client, task
from antiphon.concurrency.sync import concurrency

lock, inside, most = Lock(), 0, 0


@task
def render(report: str) -> str:
    global inside, most
    with concurrency("report-renderer", occupy=1):
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.05)
        with lock:
            inside -= 1
    return f"{report}.pdf"


@flow
def reports(names: list[str]) -> list[str]:
    return render.map(names).result()


if __name__ == "__main__":
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name("report-renderer", limit=2)
    files = reports([f"report-{number}" for number in range(6)])
    print(f"{len(files)} reports, at most 2 at once: {most <= 2}")
