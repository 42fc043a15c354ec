"""A run that returns a state ends in it: with a name and a message of its own.

For outcomes that are neither a value nor an exception: nothing to do, skipped, refused by a person.

Prints:
    monday: Completed, 40 mails are sent
    sunday: Skipped, nobody reads mail on sundays
    holiday: Refused, the calendar says no
"""

from antiphon import flow, task
from antiphon.states import Completed, Failed, State


@task
def count_mails(day: str) -> int:
    return 40 if day == "monday" else 0


@flow
def newsletter(day: str) -> State:
    if day == "sunday":
        return Completed(name="Skipped", message="nobody reads mail on sundays")
    if day == "holiday":
        return Failed(name="Refused", message="the calendar says no")
    return Completed(message=f"{count_mails(day)} mails are sent")


if __name__ == "__main__":
    for day in ("monday", "sunday", "holiday"):
        state = newsletter(day, return_state=True)
        print(f"{day}: {state.name}, {state.message}")
