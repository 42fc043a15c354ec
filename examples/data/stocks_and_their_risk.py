"""Five stocks over ten years: measured in parallel, cached, and gathered in a table that people see as an artifact.

The report of every morning: what has not changed since yesterday is not computed again.

Prints:
    AAPL: +760 %, worst month -58 %
    MSFT: -28 %, worst month -34 %
    steadiest: IBM
"""

from dataclasses import asdict, dataclass

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task, unmapped
from antiphon.artifacts import create_table_artifact
from antiphon.cache_policies import INPUTS, TASK_SOURCE


@dataclass(frozen=True)
class Risk:
    symbol: str
    gain: float
    worst_month: float
    spread: float


@task
def load() -> pd.DataFrame:
    return local_data.stocks().pivot(index="date", columns="symbol", values="price")


@task(task_run_name="risk-of-{symbol}", cache_policy=INPUTS + TASK_SOURCE)
def measure(symbol: str, prices: pd.DataFrame) -> Risk:
    column = prices[symbol].dropna()
    months = column.pct_change().dropna()
    return Risk(symbol, float(column.iloc[-1] / column.iloc[0] - 1), float(months.min()), float(months.std()))


@flow
def stocks() -> list[Risk]:
    prices = load()
    risks = measure.map(list(prices.columns), unmapped(prices)).result()
    create_table_artifact([asdict(risk) for risk in risks], key="risk-of-stocks", description="2000 to 2010")
    return risks


if __name__ == "__main__":
    risks = stocks()
    for risk in risks:
        print(f"{risk.symbol}: {100 * risk.gain:+.0f} %, worst month {100 * risk.worst_month:.0f} %")
    print("steadiest:", min(risks, key=lambda risk: risk.spread).symbol)
