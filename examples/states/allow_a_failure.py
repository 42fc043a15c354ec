"""A task that takes the result of a failed one does not run; `allow_failure` lets it run all the same.

For clean-up and reports, which are wanted most when something went wrong.

Prints:
    publish: NotReady
    clean up after 'the source has no rows'
"""

from antiphon import allow_failure, flow, task


@task
def extract() -> list[int]:
    raise ValueError("the source has no rows")


@task
def publish(rows: list[int]) -> int:
    return len(rows)


@task
def clean_up(rows: object) -> str:
    return f"clean up after '{rows}'" if isinstance(rows, Exception) else "nothing to clean up"


@flow
def nightly() -> str:
    rows = extract.submit()
    published = publish.submit(rows)
    published.wait()
    print(f"publish: {published.state.name}")
    return clean_up.submit(allow_failure(rows)).result()


if __name__ == "__main__":
    print(nightly())
