"""An async flow over 3,376 airports: rows that cannot be true go to a list of their own, the rest is counted by state.

Many small tasks in one loop; a failure of one state does not hold up the others.

Prints:
    3376 airports, 12 with no state or place in the United States
    AK: 263 airports
    TX: 209 airports
    CA: 205 airports
"""

import asyncio
from collections import Counter

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task
from antiphon.artifacts import acreate_table_artifact


@task
async def split() -> tuple[pd.DataFrame, pd.DataFrame]:
    airports = local_data.airports()
    good = airports.state.notna() & airports.latitude.between(13, 72) & airports.longitude.between(-180, -60)
    return airports[good], airports[~good]


@task(task_run_name="count-{state}", tags=["airports"])
async def count(state: str, airports: pd.DataFrame) -> tuple[str, int]:
    return state, int((airports.state == state).sum())


@flow
async def airports() -> Counter[str]:
    good, strange = await split()
    print(f"{len(good) + len(strange)} airports, {len(strange)} with no state or place in the United States")
    await acreate_table_artifact(strange.iata.to_frame().to_dict(orient="records"), key="strange-airports")
    counted = await asyncio.gather(*(count(state, good) for state in sorted(good.state.unique())))
    return Counter(dict(counted))


if __name__ == "__main__":
    for state, number in asyncio.run(airports()).most_common(3):
        print(f"{state}: {number} airports")
