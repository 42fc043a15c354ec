"""Results that are Pydantic models and dataclasses come back as what they were, though they are kept as JSON.

Prints:
    Cached: Invoice(number=7, total=Decimal('119.00'), due=datetime.date(2026, 8, 1))
    Cached: Address(city='Porto', country='PT')
"""

import tempfile
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pydantic import BaseModel

from antiphon import flow, task
from antiphon.cache_policies import INPUTS


class Invoice(BaseModel):
    number: int
    total: Decimal
    due: date


@dataclass
class Address:
    city: str
    country: str


@task(cache_policy=INPUTS, result_serializer="json")
def make_invoice(number: int, net: int) -> Invoice:
    return Invoice(number=number, total=Decimal(net) * Decimal("1.19"), due=date(2026, 8, 1))


@task(cache_policy=INPUTS, result_serializer="json")
def find_address(customer: str) -> Address:
    return Address("Porto", "PT")


@flow
def bill() -> None:
    make_invoice(7, 100)
    find_address("ada")
    for state in (make_invoice(7, 100, return_state=True), find_address("ada", return_state=True)):
        print(f"{state.name}: {state.result()!r}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        bill.with_options(result_storage=folder)()
