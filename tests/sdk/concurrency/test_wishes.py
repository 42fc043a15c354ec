"""What is asked of concurrency limits: wrong arguments are named before anybody asks."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest

from antiphon.concurrency.asyncio import concurrency as async_concurrency
from antiphon.concurrency.sync import concurrency, rate_limit
from antiphon.concurrency.wishes import checked_wish


@pytest.mark.parametrize(
    ("names", "options", "error", "message"),
    [
        (3, {}, TypeError, "names is the name of a concurrency limit or a list of names, not int"),
        (b"db", {}, TypeError, "not bytes"),
        ({"db": 1}, {}, TypeError, "not dict"),
        (["db", 3], {}, TypeError, "The name of a concurrency limit is text, not int: 3"),
        (["db", ""], {}, ValueError, "has 1 to 500 characters"),
        ("x" * 501, {}, ValueError, "has 1 to 500 characters"),
        ([f"{n}" for n in range(101)], {}, ValueError, "At most 100 concurrency limits can be named at once, not 101"),
        ("db", {"occupy": 0}, ValueError, "occupy is from 1 to"),
        ("db", {"occupy": True}, TypeError, "occupy is a whole number, not bool"),
        ("db", {"occupy": 1.5}, TypeError, "occupy is a whole number, not float"),
        ("db", {"timeout_seconds": -1}, ValueError, "timeout_seconds is at least 0 seconds, not -1"),
        ("db", {"timeout_seconds": "1"}, TypeError, "timeout_seconds is a number of seconds, not str"),
        ("db", {"timeout_seconds": float("nan")}, ValueError, "timeout_seconds is at least 0 seconds, not nan"),
        ("db", {"max_retries": -1}, ValueError, "max_retries is from 0 to"),
        ("db", {"lease_duration": 0.5}, ValueError, "lease_duration is from 1 to 86,400 seconds, not 0.5"),
        ("db", {"lease_duration": 86_401}, ValueError, "lease_duration is from 1 to 86,400 seconds"),
        ("db", {"holder": 3}, TypeError, "holder is text, or has a `type` and an `id`, and 3 has not"),
    ],
)
def test_wrong_arguments(names: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message), concurrency(names, **options):
        raise AssertionError("nobody gets in")


def test_the_twins_have_one_signature_for_both() -> None:
    assert inspect.signature(concurrency).parameters == inspect.signature(async_concurrency).parameters
    with pytest.raises(ValueError, match="occupy"):
        rate_limit("db", occupy=0)


def test_names_are_asked_for_once_each() -> None:
    assert checked_wish(["b", "a", "b"], 1, None, strict=False).names == ("b", "a")
    assert checked_wish("", 1, None, strict=False).names == ()


@pytest.mark.parametrize(
    ("holder", "words"),
    [(None, ""), ("me", "me"), ({"type": "t", "id": 3}, "t:3"), (SimpleNamespace(type="t", id="4"), "t:4")],
)
def test_holders(holder: Any, words: str) -> None:
    assert checked_wish("db", 1, None, strict=False, holder=holder).holder == words
