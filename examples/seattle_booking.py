"""Books a small plane in Seattle once somebody agrees.

    python examples/seattle_booking.py

It waits until the run is answered, from this machine or another:

    antiphon flow-run ls --state paused
    antiphon flow-run resume <name> --input '{"agreed": true, "seats": 4}'

What it shows: a pause that asks for input. The answer is checked before the run goes on, and nobody polls.
"""

from antiphon import flow, get_run_logger, pause_flow_run
from antiphon.input import RunInput


class Agreement(RunInput):
    """What somebody has to say before the plane is booked."""

    agreed: bool
    seats: int = 2


@flow
def book_plane(month: str = "July") -> str:
    """What became of the booking. It fails where nobody answers within an hour."""
    question = Agreement.with_initial_data(description=f"Shall a plane be booked for {month}?", seats=2)
    answer = pause_flow_run(wait_for_input=question, timeout=3600)
    booked = f"{answer.seats} seats in {month} are booked" if answer.agreed else f"nothing is booked in {month}"
    get_run_logger().info(booked)
    return booked


if __name__ == "__main__":
    print(book_plane())
