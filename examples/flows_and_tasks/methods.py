"""Methods as flows and tasks: instance methods, class methods and static methods.

Useful where steps share settings, such as the address of a service or a rate.

Prints:
    120.00 EUR are 129.60 USD
    100.00 EUR are 90.00 GBP
"""

from typing import Self

from antiphon import flow, task


class Exchange:
    """Converts money by a table of rates."""

    def __init__(self, rates: dict[str, float]) -> None:
        self.rates = rates

    @classmethod
    def of_today(cls) -> Self:
        return cls({"USD": 1.08, "GBP": 0.9})

    @task
    def convert(self, euros: float, currency: str) -> float:
        return euros * self.rates[currency]

    @task
    @staticmethod
    def as_text(euros: float, amount: float, currency: str) -> str:
        return f"{euros:.2f} EUR are {amount:.2f} {currency}"

    @flow
    def quote(self, euros: float, currency: str) -> str:
        amount = self.convert(euros, currency)
        return Exchange.as_text(euros, amount, currency)


if __name__ == "__main__":
    exchange = Exchange.of_today()
    print(exchange.quote(120, "USD"))
    print(exchange.quote(100, "GBP"))
