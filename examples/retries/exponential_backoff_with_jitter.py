"""Delays that grow, and differ by chance so that many who failed together do not come back together.

Use it for services that fail under load.

Prints:
    10 of 10 uploads are done
"""

from antiphon import flow, task
from antiphon.runtime import task_run
from antiphon.tasks import exponential_backoff


@task(retries=4, retry_delay_seconds=exponential_backoff(backoff_factor=0.05), retry_jitter_factor=0.5)
def upload(part: int) -> int:
    if task_run.run_count <= part % 3:
        raise TimeoutError("the service is busy")
    return part


@flow
def upload_all(parts: int) -> int:
    return len(upload.map(range(parts)).result())


if __name__ == "__main__":
    print(f"{upload_all(10)} of 10 uploads are done")
