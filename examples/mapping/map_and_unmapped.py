"""`map` runs a task for each element of a list, in parallel; `unmapped` hands the same value to all.

The usual way to fan out: a run for each month, file or customer.

Prints:
    January: 8 °C
    July: 26 °C
    warmest: August
"""

import calendar

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task, unmapped


@task(task_run_name="mean-of-month-{month}")
def mean_temperature(month: int, weather: pd.DataFrame) -> float:
    return float(weather[weather.date.dt.month == month].temp_max.mean())


@flow
def seattle() -> list[float]:
    weather = local_data.seattle_weather()
    return mean_temperature.map(range(1, 13), unmapped(weather)).result()


if __name__ == "__main__":
    means = dict(zip(calendar.month_name[1:], seattle(), strict=True))
    for month in ("January", "July"):
        print(f"{month}: {means[month]:.0f} °C")
    print("warmest:", max(means, key=lambda month: means[month]))
