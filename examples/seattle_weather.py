"""When is Seattle's weather good for a small plane, and where could one fly?

A real job over the data that the package `vega_datasets` carries: four years of daily weather and the airports of the
United States. Run it as it stands:

    python examples/seattle_weather.py

What it shows: tasks called one by one and mapped in parallel, retries of a task that fails by chance, a nested flow,
logs, results that later tasks take as arguments, and results that the next run takes from the cache: only the check is
made and the plot is drawn again.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from vega_datasets import local_data

from antiphon import flow, get_run_logger, task, unmapped
from antiphon.cache_policies import INPUTS, TASK_SOURCE
from antiphon.runtime import flow_run, task_run
from seattle_plot import draw

YEARS = (2012, 2013, 2014, 2015)
MEASURED = ["precipitation", "temp_max", "temp_min", "wind"]
EARTH_RADIUS_KM = 6371.0
#: What was found is found again where arguments and code are the same.
SAME = INPUTS + TASK_SOURCE


class LineDropped(ConnectionError):
    """The line to the weather station dropped."""


@dataclass(frozen=True)
class Month:
    """Four years of one month. Temperatures in °C, rain in mm a month, days good for flying from 0 to 1."""

    number: int
    high: float
    low: float
    rain: float
    flyable: float


@dataclass(frozen=True)
class State:
    """The airports of one state within reach. Distances in km."""

    code: str
    airports: int
    nearest: str
    nearest_km: float


@dataclass(frozen=True)
class Report:
    """What the job found."""

    flow_run_id: str
    months: list[Month]
    states: list[State]
    plot: Path


@task(retries=5, retry_delay_seconds=0.2, task_run_name="read-year-{year}", cache_policy=SAME)
def read_year(year: int, seed: int) -> pd.DataFrame:
    """The station's line drops now and then: by chance, but the same way for the same seed."""
    attempt = task_run.run_count
    if random.Random(f"{seed}/{year}/{attempt}").random() < 0.5:
        raise LineDropped(f"the line to the weather station dropped while it sent {year} (attempt {attempt})")
    weather = local_data.seattle_weather()
    return weather[weather.date.dt.year == year]


@task
def validate_weather(years: list[pd.DataFrame]) -> pd.DataFrame:
    """What was measured, as one table without a gap; raises ValueError where the data cannot be true."""
    weather = pd.concat(years).sort_values("date").set_index("date")[MEASURED]
    missing = pd.date_range(weather.index.min(), weather.index.max()).difference(weather.index)
    if len(missing):
        raise ValueError(f"{len(missing)} days are missing, the first is {missing[0]:%Y-%m-%d}")
    wrong = weather[(weather.temp_min > weather.temp_max) | (weather.precipitation < 0) | (weather.wind < 0)]
    if len(wrong):
        raise ValueError(f"{len(wrong)} days cannot be true, the first is {wrong.index[0]:%Y-%m-%d}")
    get_run_logger().info("%d days from %s to %s", len(weather), *weather.index[[0, -1]].strftime("%Y-%m-%d"))
    return weather


@task(task_run_name="summarize-month-{number}", cache_policy=SAME)
def summarize_month(number: int, weather: pd.DataFrame) -> Month:
    """A day is good for flying when it is dry (under 0.5 mm) and its wind stays under 5 m/s."""
    days = weather[weather.index.month == number]
    flyable = (days.precipitation < 0.5) & (days.wind < 5)
    rain = days.precipitation.sum() / days.index.year.nunique()
    return Month(number, days.temp_max.mean(), days.temp_min.mean(), rain, flyable.mean())


@task(cache_policy=SAME)
def load_airports(home: str) -> pd.DataFrame:
    """All airports with a position on Earth and their distance from `home`, an IATA code."""
    airports = local_data.airports().dropna(subset=["state"])
    airports = airports[airports.latitude.between(-90, 90) & airports.longitude.between(-180, 180)]
    start = airports[airports.iata == home]
    if start.empty:
        raise ValueError(f"no airport has the code {home!r}: take one such as SEA or PDX")
    return airports.assign(km=great_circle_km(airports, start.iloc[0]))


def great_circle_km(airports: pd.DataFrame, start: pd.Series) -> pd.Series:
    """Distance over the ground from `start` to each airport (haversine formula)."""
    latitude, longitude = np.radians(airports.latitude), np.radians(airports.longitude)
    start_latitude, start_longitude = np.radians(start.latitude), np.radians(start.longitude)
    arc = np.sin((latitude - start_latitude) / 2) ** 2
    arc += np.cos(latitude) * np.cos(start_latitude) * np.sin((longitude - start_longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(arc))


@task(task_run_name="summarize-state-{code}", cache_policy=SAME)
def summarize_state(code: str, airports: pd.DataFrame) -> State:
    """The airports of one state."""
    here = airports[airports.state == code].sort_values("km")
    return State(code, len(here), here.name.iloc[0], here.km.iloc[0])


@flow
def airports_within_reach(home: str, reach_km: float) -> tuple[pd.DataFrame, list[State]]:
    """A flow of its own: called from another one, it becomes a nested run."""
    airports: pd.DataFrame = load_airports(home)
    near = airports[(airports.km > 0) & (airports.km <= reach_km)]
    states = summarize_state.map(sorted(near.state.unique()), unmapped(near)).result()
    get_run_logger().info("%d airports within %.0f km of %s", len(near), reach_km, home)
    return near, states


@task
def plot(months: list[Month], airports: pd.DataFrame, file: Path) -> Path:
    """Draws the months and the map, and returns the file."""
    return draw(months, airports, file)


@flow
def seattle_weather(folder: str = "build/demo", seed: int = 8, reach_km: float = 600) -> Report:
    """The whole job. Another `seed` drops the line at other times."""
    years = read_year.map(YEARS, seed=seed)
    weather = validate_weather(years)
    months = summarize_month.map(range(1, 13), weather=unmapped(weather))
    airports, states = airports_within_reach("SEA", reach_km)
    file = plot(months, airports, Path(folder, "seattle_weather.png"))  # type: ignore[arg-type]  # futures are fine
    return Report(str(flow_run.id), months.result(), states, file)


if __name__ == "__main__":
    report = seattle_weather()
    best = max(report.months, key=lambda month: month.flyable)
    print(f"best month: {best.number}, {best.flyable:.0%} of its days are good for flying; plot: {report.plot}")
