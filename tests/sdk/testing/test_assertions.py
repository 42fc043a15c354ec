"""What tests often ask."""

import warnings

import pytest
from pydantic import BaseModel, PrivateAttr

from antiphon.testing.utilities import assert_blocks_equal, assert_does_not_warn, exceptions_equal


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
