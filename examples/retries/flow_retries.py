"""A flow that fails is tried again; tasks that keep their results do not run a second time.

For flows whose first half takes hours and whose second half depends on somebody else's service.

Prints:
    training takes hours
    upload, attempt 1
    upload, attempt 2
    model-v1 is online
"""

from antiphon import flow, task
from antiphon.runtime import flow_run


@task(persist_result=True)
def train() -> str:
    print("training takes hours")
    return "model-v1"


@task
def upload(model: str, attempt: int) -> str:
    print(f"upload, attempt {attempt}")
    if attempt == 1:
        raise ConnectionError("the registry is down")
    return f"{model} is online"


@flow(retries=2, retry_delay_seconds=0.2)
def train_and_upload() -> str:
    model = train()
    return upload(model, flow_run.run_count)


if __name__ == "__main__":
    print(train_and_upload())
