"""A variable as a bookmark: each run goes on where the one before has stopped.

For loads of what is new since last time. A run that fails leaves the bookmark where it was.

Prints:
    2000-01-01: 12 months of MSFT
    2001-01-01: 12 months of MSFT
"""

from datetime import date

from vega_datasets import local_data

from antiphon import flow, task
from antiphon.variables import Variable


@task
def load_year(symbol: str, begin: date) -> int:
    stocks = local_data.stocks()
    return int(((stocks.symbol == symbol) & (stocks.date.dt.year == begin.year)).sum())


@flow
def load_what_is_new(symbol: str) -> None:
    bookmark = f"loaded-until-{symbol.lower()}"
    begin = date.fromisoformat(Variable.get(bookmark, default="2000-01-01"))
    print(f"{begin}: {load_year(symbol, begin)} months of {symbol}")
    Variable.set(bookmark, begin.replace(year=begin.year + 1).isoformat(), overwrite=True)


if __name__ == "__main__":
    Variable.unset("loaded-until-msft")  # so that this begins anew each time
    load_what_is_new("MSFT")
    load_what_is_new("MSFT")
