"""A table of Seattle's months that is there when it is true, and else not at all.

    python examples/seattle_checked.py

What it shows: a transaction. The task that writes the file says how to take that back; where the check behind it fails,
that is done.
"""

from pathlib import Path

from vega_datasets import local_data

from antiphon import flow, get_run_logger, task
from antiphon.transactions import BaseTransaction, transaction


@task
def write_rain(file: Path) -> Path:
    """Millimetres of rain in each month from 2012 on, as CSV."""
    weather = local_data.seattle_weather().set_index("date")
    file.parent.mkdir(parents=True, exist_ok=True)
    weather.precipitation.resample("MS").sum().round(1).to_csv(file)
    return file


@write_rain.on_rollback
def remove(of: BaseTransaction) -> None:
    file: Path = of.get("file")
    file.unlink()
    get_run_logger().info("%s is gone again", file)


@task
def check_rain(file: Path, most: float) -> None:
    """Raises ValueError for a month with more rain than can be true."""
    for line in file.read_text().splitlines()[1:]:
        month, rain = line.split(",")
        if float(rain) > most:
            raise ValueError(f"{rain} mm of rain in {month[:7]}, and {most:.0f} mm are the most that can be true")


@flow
def publish_rain(folder: str = "build/demo", most: float = 250) -> Path:
    """Writes seattle_rain.csv and checks it. `most` is in mm a month."""
    file = Path(folder, "seattle_rain.csv")
    with transaction() as together:
        together.set("file", file)
        write_rain(file)
        check_rain(file, most)
    return file


if __name__ == "__main__":
    for most in (1000, 250):
        state = publish_rain(most=most, return_state=True)
        print(f"{state.name}: {state.message or 'the table is true'}")
