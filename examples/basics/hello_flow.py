"""The smallest flow: a function that one decorates.

Calling it makes a run that the server knows by a name of its own. A server starts by itself where none is running.

Prints:
    Hello, Ada! It is the year 1843.
"""

from antiphon import flow


@flow
def hello(name: str, year: int = 1843) -> str:
    return f"Hello, {name}! It is the year {year}."


if __name__ == "__main__":
    print(hello("Ada"))
