"""Parameters of a flow are checked and converted by their annotations before its code runs.

Text becomes a date or a number, a dict becomes a Pydantic model, and what does not fit fails the run with a message
that names the parameter. Useful where parameters come from forms, files and the command line.

Prints:
    2 nights from Friday 3 July 2026 for 2 guests
    refused: ... Input should be less than or equal to 8 ...
"""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from antiphon import flow
from antiphon.exceptions import ParameterTypeError


class Party(BaseModel):
    guests: int = Field(ge=1, le=8)
    breakfast: bool = False


@flow
def book(arrival: date, nights: int, party: Party) -> str:
    return f"{nights} nights from {arrival:%A} {arrival.day} {arrival:%B %Y} for {party.guests} guests"


if __name__ == "__main__":
    form: dict[str, Any] = {"arrival": "2026-07-03", "nights": "2", "party": {"guests": "2"}}
    print(book(**form))
    try:
        book(**form | {"party": {"guests": 20}})
    except ParameterTypeError as error:
        print("refused:", str(error).replace("\n", " "))
