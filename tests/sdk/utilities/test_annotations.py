"""The annotations under the name that Prefect has for them."""

import antiphon.annotations
import antiphon.main
import antiphon.utilities.annotations as found
from antiphon.collections_visit import resolve


def test_they_are_the_same() -> None:
    assert all(getattr(antiphon.annotations, each) is getattr(found, each) for each in found.__all__)


def test_quote_and_freeze() -> None:
    quoted = found.Quote([1])
    assert isinstance(quoted, found.quote) and quoted.unquote() == [1]
    assert found.freeze([1]).unfreeze() == [1] and repr(found.freeze(1)) == "freeze(1)"
    assert resolve({"a": found.freeze(1)}, lambda each: each) == {"a": 1}


def test_the_main_module_has_what_the_package_has() -> None:
    shared = set(antiphon.__all__) & set(antiphon.main.__all__)
    assert {"flow", "task", "State", "tags", "unmapped"} <= shared
    assert all(getattr(antiphon, each) is getattr(antiphon.main, each) for each in shared)
