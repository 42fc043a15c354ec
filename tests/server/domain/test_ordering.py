import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.domain.errors import InvalidArgument
from antiphon_server.domain.ordering import OrderFields, OrderKey, parse_order_by

FIELDS = OrderFields({"create_time": "create_time", "name": "name_column"}, "create_time desc")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", (OrderKey("create_time", True), OrderKey("id", True))),
        ("  ", (OrderKey("create_time", True), OrderKey("id", True))),
        ("name", (OrderKey("name_column"), OrderKey("id"))),
        ("name asc", (OrderKey("name_column"), OrderKey("id"))),
        (" name   desc ", (OrderKey("name_column", True), OrderKey("id", True))),
        (
            "create_time desc,name",
            (OrderKey("create_time", True), OrderKey("name_column"), OrderKey("id")),
        ),
    ],
)
def test_keys_end_in_the_id(text: str, keys: tuple[OrderKey, ...]) -> None:
    assert parse_order_by(text, FIELDS) == keys


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("size", 1, "'size' does not begin with a field"),
        ("name, size desc", 7, "'size desc' does not begin with a field"),
        ("id", 1, "does not begin with a field"),
        ("name down", 1, "asc and desc"),
        ("name DESC", 1, "asc and desc"),
        ("name desc desc", 1, "asc and desc"),
        ("name,", 6, "comma too many"),
        (", name", 1, "comma too many"),
        ("name desc, name", 12, "for the second time"),
    ],
)
def test_errors_name_column_and_fields(text: str, column: int, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_order_by(text, FIELDS)
    error = caught.value
    assert (error.reason, error.field) == ("ORDER_BY_INVALID", "order_by")
    assert error.message.startswith(f"wrong order_by at column {column}: ")
    assert words in error.message
    assert error.message.endswith("fields: create_time, name")


@given(st.one_of(st.text(), st.lists(st.sampled_from(["name", "create_time", "desc", ",", " "])).map("".join)))
def test_no_text_raises_anything_but_invalid_argument(text: str) -> None:
    try:
        assert parse_order_by(text, FIELDS)[-1].column == "id"
    except InvalidArgument as error:
        assert error.reason == "ORDER_BY_INVALID"
