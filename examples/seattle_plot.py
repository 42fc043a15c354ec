"""Draws what seattle_weather.py found."""

import calendar
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

RAIN, HEAT, GOOD = "#7aa6c2", "#d1495b", "#2e7d5b"


class Month(Protocol):
    """What is drawn of a month."""

    @property
    def number(self) -> int: ...
    @property
    def high(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def rain(self) -> float: ...
    @property
    def flyable(self) -> float: ...


def draw(months: Sequence[Month], airports: pd.DataFrame, file: Path) -> Path:
    """Writes a PNG. Uses no global state of matplotlib, so that it may run in any thread."""
    figure = Figure(figsize=(13, 5), layout="constrained")
    FigureCanvasAgg(figure)
    weather, chance, area = figure.subplots(1, 3, width_ratios=(1.2, 1, 1))
    draw_weather(weather, months)
    draw_chance(chance, months)
    draw_map(area, airports)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    return file


def draw_weather(axes: Axes, months: Sequence[Month]) -> None:
    numbers = [month.number for month in months]
    axes.bar(numbers, [month.rain for month in months], color=RAIN, alpha=0.7)
    axes.set_ylabel("rain, mm a month", color=RAIN)
    heat = axes.twinx()
    lows, highs = [month.low for month in months], [month.high for month in months]
    heat.fill_between(numbers, lows, highs, color=HEAT, alpha=0.25)
    heat.plot(numbers, highs, color=HEAT)
    heat.plot(numbers, lows, color=HEAT, linestyle=":")
    heat.set_ylabel("mean high and low, °C", color=HEAT)
    name_months(axes, numbers)
    axes.set_title("Seattle's weather, 2012 to 2015")


def draw_chance(axes: Axes, months: Sequence[Month]) -> None:
    numbers = [month.number for month in months]
    best = max(month.flyable for month in months)
    colors = [GOOD if month.flyable == best else "#a9cbbb" for month in months]
    bars = axes.bar(numbers, [month.flyable * 100 for month in months], color=colors)
    axes.bar_label(bars, fmt="%.0f", fontsize=8)
    axes.set_ylabel("dry and calm days, %")
    name_months(axes, numbers)
    axes.set_title("Days good for a small plane")


def draw_map(axes: Axes, airports: pd.DataFrame) -> None:
    dots = axes.scatter(airports.longitude, airports.latitude, c=airports.km, s=14, cmap="viridis_r")
    axes.figure.colorbar(dots, ax=axes, label="km from Seattle-Tacoma")
    nearest = airports.sort_values("km").groupby("state", sort=False).head(1)
    frame = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    middle = airports.longitude.mean()
    for number, row in enumerate(nearest.itertuples()):
        offset, side = (-5, "right") if row.longitude > middle else (5, "left")
        axes.annotate(
            f"{row.iata} ({row.state})",
            (row.longitude, row.latitude),
            (offset, 6 if number % 2 else -12),
            textcoords="offset points",
            horizontalalignment=side,
            fontsize=8,
            bbox=frame,
        )
    axes.set_aspect(1.45, adjustable="datalim")  # a degree of latitude is longer here
    axes.set_xlabel("longitude")
    axes.set_ylabel("latitude")
    axes.set_title(f"{len(airports)} airports within reach")


def name_months(axes: Axes, numbers: Sequence[int]) -> None:
    axes.set_xticks(numbers, [calendar.month_abbr[number][0] for number in numbers])
