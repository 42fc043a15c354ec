"""The smallest flow: `python hello.py antiphon`, or `prefect`. A person who knows one changes this one word."""

import importlib
import sys

flow = importlib.import_module(sys.argv[1]).flow


@flow
def hello():
    return "hello"


if __name__ == "__main__":
    assert hello() == "hello"
