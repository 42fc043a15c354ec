"""A large table as a result: kept packed in storage, with a reference in the state.

`compressed/pickle` and `compressed/json` pack what they write; other codecs are those of Python's `lzma`, `bz2` and
so on.

Prints:
    pickle: ... KiB
    compressed/pickle: ... KiB
    compressed is smaller: True
"""

import tempfile
from pathlib import Path

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task


@task(persist_result=True, result_storage_key="airports")
def load() -> pd.DataFrame:
    return local_data.airports()


@flow
def size_of_result(serializer: str, folder: Path) -> int:
    load.with_options(result_serializer=serializer, result_storage=folder)()
    return (folder / "airports").stat().st_size


if __name__ == "__main__":
    sizes = []
    for serializer in ("pickle", "compressed/pickle"):
        with tempfile.TemporaryDirectory() as folder:
            sizes.append(size_of_result(serializer, Path(folder)))
            print(f"{serializer}: {sizes[-1] / 1024:.0f} KiB")
    print("compressed is smaller:", sizes[1] < sizes[0])
