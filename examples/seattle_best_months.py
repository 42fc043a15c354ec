"""Which months of Seattle are best for a small plane, as a page that stays beside the run.

    python examples/seattle_best_months.py
    antiphon artifact inspect seattle-best-months

What it shows: a flow that calls another one, and an artifact under a key: each run adds a version.
"""

import calendar

from antiphon import flow
from antiphon.artifacts import create_markdown_artifact
from seattle_weather import Month, seattle_weather

KEY = "seattle-best-months"


def page(months: list[Month]) -> str:
    """The months as a table in Markdown."""
    rows = [f"| {calendar.month_name[each.number]} | {each.flyable:.0%} | {each.high:.1f} |" for each in months]
    return "\n".join(["# Fly in these months", "", "| month | good days | high °C |", "| --- | --- | --- |", *rows])


@flow
def best_months(count: int = 3, folder: str = "build/demo", seed: int = 8) -> list[str]:
    """Names of months, the best first. Folder and seed as for `seattle_weather`."""
    months = sorted(seattle_weather(folder, seed).months, key=lambda month: -month.flyable)[:count]
    create_markdown_artifact(page(months), key=KEY, description="Dry days with little wind, from 2012 to 2015")
    return [calendar.month_name[each.number] for each in months]


if __name__ == "__main__":
    print("best months:", ", ".join(best_months()))
