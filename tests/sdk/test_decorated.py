"""What flows and tasks have in common as decorators."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from antiphon import Flow, Task


@pytest.mark.parametrize("kind", [Flow, Task])
def test_options_go_by_place_too(kind: Callable[..., Any]) -> None:
    def work() -> None: ...

    assert kind(work, "called so").name == "called so"


def test_with_options_shows_what_it_takes() -> None:
    for each in (Flow, Task):
        shown = inspect.signature(each.with_options).parameters
        made = inspect.signature(each).parameters
        assert list(shown) == ["self", *list(made)[1:]]
        assert all(option.kind is option.KEYWORD_ONLY for option in list(shown.values())[1:])


@pytest.mark.parametrize("kind", [Flow, Task])
def test_none_takes_storage_and_serializer_away_again(kind: Callable[..., Any]) -> None:
    def work() -> None: ...

    chosen = kind(work, result_storage="somewhere", result_serializer="json")
    assert chosen.with_options(name="other").result_storage == "somewhere"
    bare = chosen.with_options(result_storage=None, result_serializer=None)
    assert (bare.result_storage, bare.result_serializer) == (None, None)
