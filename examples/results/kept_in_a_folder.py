"""Results in a folder of one's choice, as JSON that people can read.

The first line of the file says how to read the second. `persist_result=True` keeps them; the storage may also be an
address that fsspec knows, or a storage block.

Prints:
    {"Japan": 30.5, "Europe": 27.9, "USA": 20.1}
"""

import tempfile
from pathlib import Path

from vega_datasets import local_data

from antiphon import flow, task


@task(persist_result=True, result_storage_key="mileage.json", result_serializer="json")
def mileage() -> dict[str, float]:
    means = local_data.cars().groupby("Origin").Miles_per_Gallon.mean().round(1)
    return dict(sorted(means.items(), key=lambda item: -item[1]))


@flow
def report() -> dict[str, float]:
    return mileage()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        report.with_options(result_storage=folder)()
        print(Path(folder, "mileage.json").read_text())
