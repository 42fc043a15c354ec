"""What tests often ask."""

import asyncio
import warnings
from pathlib import Path

import pytest
from pydantic import BaseModel, PrivateAttr

from antiphon import task
from antiphon.testing.utilities import (
    antiphon_test_harness,
    assert_blocks_equal,
    assert_does_not_warn,
    assert_uses_result_serializer,
    assert_uses_result_storage,
    exceptions_equal,
)


def raised(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (ValueError("a"), ValueError("a"), True),
        (ValueError("a"), ValueError("b"), False),
        (ValueError("a"), KeyError("a"), False),
        (raised(ValueError("a"), KeyError("k")), raised(ValueError("a"), KeyError("k")), True),
        (raised(ValueError("a"), KeyError("k")), raised(ValueError("a"), KeyError("l")), False),
        (raised(ValueError("a"), KeyError("k")), ValueError("a"), False),
        (None, None, True),
        (None, ValueError(), False),
    ],
)
def test_exceptions(one: BaseException | None, other: BaseException | None, equal: bool) -> None:
    assert exceptions_equal(one, other) is equal
    assert exceptions_equal(other, one) is equal


def test_what_must_not_warn() -> None:
    with pytest.raises(AssertionError, match="There was a warning: UserWarning: careful"), assert_does_not_warn():
        warnings.warn("careful", stacklevel=1)
    with assert_does_not_warn([DeprecationWarning]):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


class Thing(BaseModel):
    name: str
    _secret: str = PrivateAttr("")


class OtherThing(Thing):
    pass


def test_blocks() -> None:
    one, other = Thing(name="a"), Thing(name="a")
    other._secret = "x"
    assert_blocks_equal(one, other)
    with pytest.raises(AssertionError):
        assert_blocks_equal(one, other, exclude_private=False)
    with pytest.raises(AssertionError, match="OtherThing is no Thing"):
        assert_blocks_equal(OtherThing(name="a"), one)
    with pytest.raises(AssertionError):
        assert_blocks_equal(Thing(name="b"), one)
    assert_blocks_equal(Thing(name="b"), one, exclude={"name"})


def test_where_and_how_a_result_is_kept(tmp_path: Path) -> None:
    @task(persist_result=True, result_serializer="json", result_storage=str(tmp_path / "mine"))
    def kept() -> int:
        return 1

    @task
    def small() -> int:
        return 1

    with antiphon_test_harness():
        state, other = kept(return_state=True), small(return_state=True)

    async def look() -> None:
        await assert_uses_result_serializer(state, "json")
        await assert_uses_result_storage(state, tmp_path / "mine")
        with pytest.raises(AssertionError, match="The result was written as serializer/json;"):
            await assert_uses_result_serializer(state, "pickle")
        with pytest.raises(AssertionError, match=f"The result is kept in .*{tmp_path.name}/mine"):
            await assert_uses_result_storage(state, tmp_path)
        with pytest.raises(AssertionError, match="not kept in storage: persist_result=True"):
            await assert_uses_result_storage(other, tmp_path)

    asyncio.run(look())
