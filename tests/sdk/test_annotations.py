"""The wrappers around arguments."""

import pickle

import pytest

from antiphon.annotations import NotSet, allow_failure, opaque, quote, unmapped


@pytest.mark.parametrize("kind", [unmapped, allow_failure, quote, opaque])
def test_wrapping_keeps_the_value_and_the_kind(kind: type[unmapped[object]]) -> None:
    value = [1]
    wrapped = kind(value)
    assert wrapped.unwrap() is value
    again = wrapped.rewrap("other")
    assert type(again) is kind
    assert again.unwrap() == "other"
    assert wrapped == kind([1])
    assert wrapped != kind([2])
    assert repr(wrapped) == f"{kind.__name__}([1])"
    assert pickle.loads(pickle.dumps(wrapped)) == wrapped


def test_kinds_differ_and_can_be_in_sets() -> None:
    assert unmapped(1) != quote(1)
    assert len({unmapped(1), unmapped(1), quote(1)}) == 2


def test_unmapped_has_its_value_at_every_place() -> None:
    assert unmapped(7)[10_000] == 7


def test_not_set_is_a_mark_without_instances() -> None:
    assert pickle.loads(pickle.dumps(NotSet)) is NotSet
    with pytest.raises(TypeError, match="use the class itself"):
        NotSet()
