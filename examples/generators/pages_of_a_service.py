"""A task that yields: the flow works on each part while the next one is on its way.

For services that answer in pages and files that do not fit into memory. The task run ends with its last part.

Prints:
    page 1: airports 1 to 1000
    page 4: airports 3001 to 3376
    3376 airports in all
"""

from collections.abc import Iterator

from vega_datasets import local_data

from antiphon import flow, task


@task
def airport_pages(size: int) -> Iterator[list[str]]:
    names = local_data.airports().name.tolist()
    for start in range(0, len(names), size):
        yield names[start : start + size]


@flow
def read_all(size: int = 1000) -> int:
    seen = 0
    for number, page in enumerate(airport_pages(size), 1):
        print(f"page {number}: airports {seen + 1} to {seen + len(page)}")
        seen += len(page)
    return seen


if __name__ == "__main__":
    print(f"{read_all()} airports in all")
