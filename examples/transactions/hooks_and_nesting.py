"""Transactions in transactions: inner ones wait for the outer one, and all are rolled back, the last first.

`on_commit` is for what should be done only when everything is certain.

Prints:
    booked flight, booked hotel, booked car
    mail: the trip of ada is certain
    booked flight, booked hotel, no car
    cancelled hotel, cancelled flight
"""

from antiphon import flow, task
from antiphon.transactions import Transaction, transaction

diary: list[str] = []


@task
def book(what: str, available: bool = True) -> None:
    if not available:
        diary.append(f"no {what}")
        raise LookupError(f"there is no {what}")
    diary.append(f"booked {what}")


@task
def book_flight() -> None:
    book.fn("flight")


@book_flight.on_rollback
def cancel_flight(txn: Transaction) -> None:
    diary.append("cancelled flight")


@task
def book_hotel() -> None:
    book.fn("hotel")


@book_hotel.on_rollback
def cancel_hotel(txn: Transaction) -> None:
    diary.append("cancelled hotel")


@book_hotel.on_commit
def tell(txn: Transaction) -> None:
    print(", ".join(diary))
    print(f"mail: the trip of {txn.get('traveller')} is certain")


@flow
def trip(traveller: str, car: bool) -> None:
    with transaction() as txn:
        txn.set("traveller", traveller)
        book_flight()
        with transaction():
            book_hotel()
            book("car", available=car)


if __name__ == "__main__":
    trip("ada", car=True)
    diary.clear()
    trip("grace", car=False, return_state=True)
    print(", ".join(diary[:3]))
    print(", ".join(diary[3:]))
