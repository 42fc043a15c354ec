"""`with_options` makes a variant of a flow or a task, and leaves the first as it is.

For tasks from a library of one's own that need other retries, names or tags in one place.

Prints:
    Download: 0 retries, Download patiently: 5 retries
    fetched a.csv and b.csv
"""

from antiphon import flow, task


@task(name="Download")
def download(file: str) -> str:
    return f"fetched {file}"


download_patiently = download.with_options(
    name="Download patiently", retries=5, retry_delay_seconds=[1, 10, 60, 60, 60]
)


@flow
def fetch() -> str:
    return f"{download('a.csv')} and {download_patiently('b.csv').removeprefix('fetched ')}"


if __name__ == "__main__":
    print(", ".join(f"{one.name}: {one.retries} retries" for one in (download, download_patiently)))
    print(fetch.with_options(name="fetch-for-the-report")())
