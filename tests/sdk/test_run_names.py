"""Names of runs from templates and functions, and names drawn by chance."""

import random
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from antiphon.exceptions import InvalidNameError
from antiphon.naming import ADJECTIVES, ANIMALS, generate_run_name, task_run_name
from antiphon.run_names import render_name

PARAMETERS = {"x": 5, "date": date(2024, 5, 6), "user": SimpleNamespace(name="ada"), "items": ["a"], "self": 1}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (None, "default"),
        ("", "default"),
        ("fixed", "fixed"),
        ("{x}-{date:%A}", "5-Monday"),
        ("{user.name} {items[0]} {x:03d} {self}", "ada a 005 1"),
        (lambda: "from a function", "from a function"),
        (lambda parameters: f"x is {parameters['x']}", "x is 5"),
        (lambda y="default of its own": y, "default of its own"),
        (lambda: "", "default"),
        ("x" * 500, "x" * 500),
        ("x" * 501, "x" * 493 + "… (cut)"),
        (lambda: "half \ud800", "half \\ud800"),
    ],
)
def test_names_from_templates(template: Any, expected: str) -> None:
    assert render_name(template, PARAMETERS, "default") == expected


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{y}", r"'\{y\}' cannot be filled in: there is no parameter 'y'; there are: x, date, user"),
        ("{}", "positional fields"),
        ("{items[1]}", "list index out of range"),
        ("{user.age}", "no attribute 'age'"),
        ("{x", "expected '}'"),
        ("{x:%A}", "Invalid format specifier"),
        (lambda a, b: "", "must take no argument"),
        (lambda: 5, "as text, not int"),
    ],
)
def test_a_template_that_cannot_be_filled_in_says_why(template: Any, text: str) -> None:
    with pytest.raises(InvalidNameError, match=text):
        render_name(template, PARAMETERS, "default")


def test_a_function_cannot_change_the_parameters() -> None:
    parameters = {"x": 1}
    assert render_name(lambda parameters: str(parameters.pop("x")), parameters, "d") == "1"
    assert parameters == {"x": 1}


def test_drawn_names_are_many_and_plain() -> None:
    for words in (ADJECTIVES, ANIMALS):
        assert len(set(words)) == len(words) >= 64
        assert all(word.isalpha() and word.islower() for word in words)
    adjective, animal = generate_run_name().split("-")
    assert adjective in ADJECTIVES
    assert animal in ANIMALS
    assert len({generate_run_name() for _ in range(200)}) > 150


def test_drawing_names_leaves_the_numbers_of_user_code_alone() -> None:
    random.seed(1)
    expected = [random.random() for _ in range(2)]
    random.seed(1)
    first = random.random()
    generate_run_name()
    task_run_name("t")
    assert [first, random.random()] == expected


def test_names_of_task_runs() -> None:
    assert task_run_name("load", 3) == "load-3"
    assert task_run_name("load", "abc") == "load-abc"
    prefix, _, suffix = task_run_name("load").rpartition("-")
    assert prefix == "load"
    assert len(suffix) == 3
    int(suffix, 16)
