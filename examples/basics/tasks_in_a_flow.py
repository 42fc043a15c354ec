"""A flow that calls tasks as plain functions, one after another.

Each call is a task run with a state, a result and logs of its own. Begin like this: functions of a script that one runs
every day, with `@task` above each of them.

Prints:
    AAPL: 64.73 on average, 223.02 on the best day
"""

from dataclasses import dataclass

import pandas as pd
from vega_datasets import local_data

from antiphon import flow, task


@dataclass
class Summary:
    symbol: str
    mean: float
    best: float


@task
def load_prices(symbol: str) -> pd.DataFrame:
    stocks = local_data.stocks()
    return stocks[stocks.symbol == symbol]


@task
def summarize(prices: pd.DataFrame) -> Summary:
    return Summary(prices.symbol.iloc[0], prices.price.mean(), prices.price.max())


@task
def write_line(summary: Summary) -> str:
    return f"{summary.symbol}: {summary.mean:.2f} on average, {summary.best:.2f} on the best day"


@flow
def stock_report(symbol: str) -> str:
    prices = load_prices(symbol)
    summary = summarize(prices)
    return write_line(summary)


if __name__ == "__main__":
    print(stock_report("AAPL"))
