"""Tasks in a transaction count together or not at all: what fails later undoes what was done before.

For steps with effects outside, such as files, bookings and payments, that must not be left half done.

Prints:
    good.csv is published: True
    bad.csv is rolled back
    bad.csv is published: False
"""

import tempfile
from pathlib import Path

from antiphon import flow, task
from antiphon.transactions import Transaction, transaction


@task
def write(file: Path, text: str) -> None:
    file.write_text(text)


@write.on_rollback
def remove(txn: Transaction) -> None:
    file = txn.get("file")
    file.unlink()
    print(f"{file.name} is rolled back")


@task
def check(file: Path) -> None:
    if len({line.count(",") for line in file.read_text().splitlines()}) != 1:
        raise ValueError(f"the lines of {file.name} have different numbers of columns")


@flow
def publish(file: Path, text: str) -> None:
    with transaction() as txn:
        txn.set("file", file)
        write(file, text)
        check(file)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {"good.csv": "a,b\n1,2\n", "bad.csv": "a,b\n1,2,3\n"}.items():
            publish(Path(folder, name), text, return_state=True)
            print(f"{name} is published: {Path(folder, name).exists()}")
