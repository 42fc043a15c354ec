"""Arguments to parameters and back, and their validation."""

import dataclasses
import functools
import gc
import subprocess
import sys
import typing
import weakref
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import BaseModel, Field
from pydantic_core import core_schema
from typing_extensions import TypedDict

from antiphon.exceptions import ParameterBindError, ParameterTypeError, SignatureMismatchError
from antiphon.parameters import bind, call_args, validate
from antiphon.signatures import shape_of

if TYPE_CHECKING:
    from decimal import Decimal

FRESH_LIST: Any = Field(default_factory=list)


def plain(x, y=2, *, z=3): ...  # type: ignore[no-untyped-def]
def rich(a, b, /, c=3, *rest, d, e=5, **more): ...  # type: ignore[no-untyped-def]
def nothing() -> None: ...


class Model(BaseModel):
    a: int


@dataclasses.dataclass
class Arbitrary:
    a: int


class Other:
    pass


class Owner:
    def method(self, x: int) -> int:
        return x

    @classmethod
    def class_method(cls, x: int) -> int:
        return x

    @staticmethod
    def static_method(x: int) -> int:
        return x

    def __call__(self, x: "int") -> int:
        return x


@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "expected"),
    [
        (nothing, (), {}, {}),
        (plain, (1,), {}, {"x": 1, "y": 2, "z": 3}),
        (plain, (1, 5), {"z": 6}, {"x": 1, "y": 5, "z": 6}),
        (plain, (), {"z": 6, "y": 5, "x": 1}, {"x": 1, "y": 5, "z": 6}),
        (
            rich,
            (1, 2),
            {"d": 4},
            {"a": 1, "b": 2, "c": 3, "rest": (), "d": 4, "e": 5, "more": {}},
        ),
        (
            rich,
            (1, 2, 9, 8, 7),
            {"d": 4, "a": "not the first one", "q": 0},
            {"a": 1, "b": 2, "c": 9, "rest": (8, 7), "d": 4, "e": 5, "more": {"a": "not the first one", "q": 0}},
        ),
        (Owner().method, (1,), {}, {"x": 1}),
        (Owner.class_method, (1,), {}, {"x": 1}),
        (Owner.static_method, (1,), {}, {"x": 1}),
        (Owner(), (1,), {}, {"x": 1}),
        (functools.partial(plain, 1), (), {}, {"y": 2, "z": 3}),
    ],
)
def test_binding_keeps_the_order_of_the_signature_and_can_be_undone(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], expected: dict[str, Any]
) -> None:
    bound = bind(fn, args, kwargs)
    assert list(bound.items()) == list(expected.items())
    again = bind(fn, *call_args(fn, bound))
    assert again == bound


def test_an_unbound_method_takes_its_self() -> None:
    owner = Owner()
    bound = bind(Owner.method, (owner, 1), {})
    assert bound == {"self": owner, "x": 1}
    assert Owner.method(*call_args(Owner.method, bound)[0]) == 1
    assert validate(Owner.method, {"self": owner, "x": "2"}) == {"self": owner, "x": 2}


@pytest.mark.parametrize(
    ("fn", "args", "kwargs", "text"),
    [
        (plain, (), {}, r"missing a required argument: 'x'.*It is plain\(x, y=\.\.\., \*, z=\.\.\.\)"),
        (plain, (1, 2, 3), {}, "too many positional arguments"),
        (plain, (1,), {"x": 2}, "multiple values for argument 'x'"),
        (plain, (1,), {"w": 2}, "unexpected keyword argument 'w'"),
        (rich, (1, 2), {}, r"'d'.*It is rich\(a, b, /, c=\.\.\., \*rest, d, e=\.\.\., \*\*more\)"),
        (nothing, (1,), {}, "too many positional arguments"),
        (Owner().method, (), {}, r"'x'.*It is Owner\.method\(x\)"),
    ],
)
def test_arguments_that_do_not_fit_say_why(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], text: str
) -> None:
    with pytest.raises(ParameterBindError, match=text) as raised:
        bind(fn, args, kwargs)
    assert isinstance(raised.value, TypeError)


def test_a_callable_without_a_signature_says_what_to_do() -> None:
    with pytest.raises(ParameterBindError, match="Wrap it in a function"):
        bind(dict, (), {})


def test_stored_parameters_may_lack_defaults_but_nothing_else() -> None:
    assert call_args(plain, {"x": 1}) == ((1, 2), {"z": 3})
    assert call_args(rich, {"a": 1, "b": 2, "d": 4}) == ((1, 2, 3), {"d": 4, "e": 5})
    with pytest.raises(SignatureMismatchError, match=r"plain.*missing: x; unknown: q, r"):
        call_args(plain, {"y": 1, "r": 1, "q": 1})
    with pytest.raises(SignatureMismatchError, match="missing: x; unknown: w"):
        call_args(plain, {"w": 1, "y": 2, "z": 3})


def test_what_is_known_of_a_function_goes_with_it() -> None:
    def short_lived(x: int) -> None: ...

    validate(short_lived, {"x": 1})
    assert shape_of(short_lived) is shape_of(short_lived)
    gone = weakref.ref(short_lived)
    del short_lived
    gc.collect()
    assert gone() is None


def test_methods_of_many_objects_share_what_is_known() -> None:
    assert shape_of(Owner().method) is shape_of(Owner().method)
    assert shape_of(Owner().method) is not shape_of(Owner.method)


def test_values_are_coerced_and_what_fits_stays_the_same_object() -> None:
    def fn(  # type: ignore[no-untyped-def]
        a: int, b: date, c: Model, d: Model, e: Arbitrary, f: Other, g: Any, h: object, i, j: list[int] | None = None
    ) -> None: ...

    given = {
        **{"a": "1", "b": "2024-05-06", "c": {"a": "2"}, "d": Model(a=3), "e": Arbitrary(4)},
        **{"f": Other(), "g": [1], "h": {1}, "i": "x", "j": ["5"]},
    }
    coerced = validate(fn, given)
    assert list(coerced) == list(given)
    assert (coerced["a"], coerced["b"], coerced["c"], coerced["j"]) == (1, date(2024, 5, 6), Model(a=2), [5])
    for name in ("d", "e", "f", "g", "h", "i"):
        assert coerced[name] is given[name], name


def test_each_wrong_parameter_has_a_line() -> None:
    def fn(a: int, b: list[int], c: Other, d: int | str, e: float) -> None: ...

    with pytest.raises(ParameterTypeError) as raised:
        validate(fn, {"a": "x", "b": [1, "y"], "c": 5, "d": [], "e": 1})
    lines = str(raised.value).splitlines()
    assert "fn do not fit its annotations" in lines[0]
    assert [line.split(":")[0] for line in lines[1:]] == ["  - a", "  - b", "  - c", "  - d"]
    assert "valid integer" in lines[1]
    assert "(given: 'x', a str)" in lines[1]
    assert "1: Input should be a valid integer" in lines[2]
    assert "instance of Other" in lines[3]


def test_a_huge_wrong_value_makes_no_huge_message() -> None:
    def fn(a: int) -> None: ...

    with pytest.raises(ParameterTypeError) as raised:
        validate(fn, {"a": "x" * 100_000})
    assert len(str(raised.value)) < 500


def test_variadic_parameters_are_checked_item_by_item() -> None:
    def fn(*numbers: int, **words: float) -> None: ...

    assert validate(fn, bind(fn, ("1", 2), {"k": "3.5"})) == {"numbers": (1, 2), "words": {"k": 3.5}}
    with pytest.raises(ParameterTypeError, match=r"numbers: 1: .*\n  - words: k: "):
        validate(fn, bind(fn, (1, "x"), {"k": "y"}))


def test_unpacked_types_are_understood() -> None:
    class Options(TypedDict):
        depth: int

    def fn(*numbers: *tuple[int, ...], **options: typing.Unpack[Options]) -> None: ...

    assert validate(fn, bind(fn, (1,), {"depth": "3"})) == {"numbers": (1,), "options": {"depth": 3}}


def test_a_default_that_does_not_fit_is_left_alone() -> None:
    def fn(a: int = None, b: int = 1, c: int = 2) -> None: ...  # type: ignore[assignment] # noqa: RUF013 - people write this

    assert validate(fn, bind(fn, (), {"b": "5"})) == {"a": None, "b": 5, "c": 2}
    with pytest.raises(ParameterTypeError) as raised:
        validate(fn, bind(fn, (), {"b": None}))
    assert "- a" not in str(raised.value)


def test_annotations_as_text_are_resolved_where_they_can_be() -> None:
    class Local(BaseModel):
        a: int

    def fn(a: "int", b: "list[Model]", c: "Local", d: "Decimal", e: "no such thing") -> Any:  # type: ignore[valid-type] # noqa: F722
        return Local

    checked = validate(fn, {"a": "1", "b": [{"a": "2"}], "c": {"a": "3"}, "d": "as it is", "e": "as it is"})
    assert checked == {"a": 1, "b": [Model(a=2)], "c": Local(a=3), "d": "as it is", "e": "as it is"}


@pytest.mark.filterwarnings("ignore:5 is not a Python type")
def test_annotations_that_pydantic_knows_nothing_about_do_not_hide_the_others() -> None:
    def fn(a: 5, b: int, c: "Incomplete", *args: int) -> None: ...  # type: ignore[valid-type]

    assert validate(fn, {"a": "x", "b": "1", "c": 7, "args": ()}) == {"a": "x", "b": 1, "c": 7, "args": ()}


class Incomplete(BaseModel):
    other: "NowhereDefined"  # type: ignore[name-defined] # noqa: F821


@pytest.mark.parametrize("name", ["json", "copy", "schema", "model_config", "_private", "self", "p0"])
def test_any_name_can_be_a_parameter(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def fn({name}: int): ...", namespace)
    assert validate(namespace["fn"], {name: "1"}) == {name: 1}
    with pytest.raises(ParameterTypeError, match=f"- {name}:"):
        validate(namespace["fn"], {name: "x"})


def test_pydantic_fields_say_defaults_and_limits() -> None:
    def fn(a: int = Field(gt=0), b: int = Field(5, lt=10), c: list[int] = FRESH_LIST) -> None: ...

    first, second = bind(fn, (1,), {}), bind(fn, (1,), {})
    assert first == {"a": 1, "b": 5, "c": []}
    assert first["c"] is not second["c"]
    assert validate(fn, first) == first
    with pytest.raises(ParameterTypeError, match="greater than 0"):
        validate(fn, bind(fn, (0,), {}))
    with pytest.raises(ParameterBindError, match="'a'"):
        bind(fn, (), {})


def test_annotated_limits_hold_also_on_methods_wrappers_and_partials() -> None:
    def fn(x: Annotated[int, Field(gt=0)], y: "Model | None" = None) -> None: ...

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> None: ...

    for each in (fn, wrapper, functools.partial(fn, y=None)):
        assert validate(each, {"x": "1", "y": {"a": 1}}) == {"x": 1, "y": Model(a=1)}
        with pytest.raises(ParameterTypeError, match="greater than 0"):
            validate(each, {"x": 0, "y": None})
    owner = Owner()
    for method in (owner.method, owner.class_method, owner.static_method, owner):
        assert validate(method, {"x": "1"}) == {"x": 1}


def test_what_a_validator_raises_of_its_own_passes_through() -> None:
    class Strict:
        @classmethod
        def __get_pydantic_core_schema__(cls, _source: Any, handler: Any) -> Any:
            from_int = handler(int)
            return core_schema.no_info_before_validator_function(cls.fail, from_int)

        @staticmethod
        def fail(value: Any) -> Any:
            raise ZeroDivisionError(value)

    def fn(x: Strict) -> None: ...

    with pytest.raises(ZeroDivisionError):
        validate(fn, {"x": 1})


def test_binding_and_functions_without_annotations_need_no_pydantic() -> None:
    code = (
        "import sys\n"
        "from antiphon.parameters import bind, validate\n"
        "def f(x, y=1): ...\n"
        "assert validate(f, bind(f, (1,), {})) == {'x': 1, 'y': 1}\n"
        "print('pydantic' in sys.modules)\n"
        "def g(x: int): ...\n"
        "assert validate(g, {'x': '1'}) == {'x': 1}\n"
        "print('pydantic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
