"""A flow that yields: whoever calls it sees each result as soon as it is there.

For long flows whose results are shown or stored one by one.

Prints:
    MSFT lost 28 %
    AMZN gained 100 %
"""

from collections.abc import Iterator

from vega_datasets import local_data

from antiphon import flow, task


@task(task_run_name="gain-of-{symbol}")
def gain(symbol: str, prices: list[float]) -> float:
    return prices[-1] / prices[0] - 1


@flow
def gains(symbols: list[str]) -> Iterator[tuple[str, float]]:
    stocks = local_data.stocks()
    for symbol in symbols:
        yield symbol, gain(symbol, stocks[stocks.symbol == symbol].price.tolist())


if __name__ == "__main__":
    for symbol, part in gains(["MSFT", "AMZN", "IBM"]):
        print(f"{symbol} {'gained' if part > 0 else 'lost'} {abs(part):.0%}".replace("%", " %"))
