"""`refresh_cache=True` runs a task though its result is cached, and keeps the new one.

For the one run a day that has to look again, while all others take what it found.

Prints:
    found 1, found 1, found 2, found 2
"""

from itertools import count
from uuid import uuid4

from antiphon import flow, task
from antiphon.cache_policies import INPUTS

visits = count(1)


@task(cache_policy=INPUTS)
def crawl(site: str) -> str:
    return f"found {next(visits)}"


@flow
def look() -> str:
    site = f"https://example.com/{uuid4()}"
    again = crawl.with_options(refresh_cache=True)
    return ", ".join([crawl(site), crawl(site), again(site), crawl(site)])


if __name__ == "__main__":
    print(look())
