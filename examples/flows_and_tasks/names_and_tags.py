"""Names, descriptions and tags: how runs are found again among thousands.

A run's name may be made of its parameters. Tags of a `with tags(...)` block go to all runs inside of it, flows and
tasks.

Prints:
    flow run invoices-2026-07, tags ['billing', 'nightly']
    task run send-4711-to-ada@example.com, tags ['billing', 'mail', 'nightly']
"""

from antiphon import flow, tags, task
from antiphon.runtime import flow_run, task_run


@task(name="Send an invoice", task_run_name="send-{number}-to-{address}", tags=["mail"])
def send(number: int, address: str) -> None:
    print(f"task run {task_run.name}, tags {sorted(task_run.tags)}")


@flow(
    name="Monthly invoices",
    flow_run_name="invoices-{year}-{month:02}",
    description="Sends the invoices of a month.",
    version="3",
)
def invoices(year: int, month: int) -> None:
    print(f"flow run {flow_run.name}, tags {sorted(flow_run.tags)}")
    send(4711, "ada@example.com")


if __name__ == "__main__":
    with tags("nightly", "billing"):
        invoices(2026, 7)
