"""A file system as a block: flows read and write by a name, and whoever runs the server says where that is.

Another flow run may have a bucket there: `RemoteFileSystem(basepath="s3://...")` has the same methods.

Prints:
    wrote cars-of-1970.csv, read 36 lines
"""

import tempfile

from vega_datasets import local_data

from antiphon import flow, task
from antiphon.filesystems import LocalFileSystem


@task
def export(year: int) -> str:
    cars = local_data.cars()
    name = f"cars-of-{year}.csv"
    text = cars[cars.Year.dt.year == year].to_csv(index=False)
    LocalFileSystem.load("exports").write_path(name, text.encode())
    return name


@task
def count_lines(name: str) -> int:
    return len(LocalFileSystem.load("exports").read_path(name).splitlines())


@flow
def export_cars(year: int) -> None:
    name = export(year)
    print(f"wrote {name}, read {count_lines(name)} lines")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        LocalFileSystem(basepath=folder).save("exports", overwrite=True)
        export_cars(1970)
