"""Secrets in values: found by paths, masked, put back; and what is refused as values."""

import json

import pytest

from antiphon_server.domain.block_data import (
    MASK,
    MAX_DEPTH,
    MAX_PARTS,
    check_cost,
    checksum_of,
    has_mask,
    masked,
    parse_object,
    referenced_ids,
    secret_paths,
    unmasked,
)
from antiphon_server.domain.errors import InvalidArgument


@pytest.mark.parametrize(
    ("values", "paths", "expected"),
    [
        ({"a": 1, "b": 2}, ["a"], {"a": MASK, "b": 2}),
        ({"a": {"b": "x", "c": 1}}, ["a.b"], {"a": {"b": MASK, "c": 1}}),
        ({"a": {"b": "x", "c": [1]}}, ["a.*"], {"a": {"b": MASK, "c": MASK}}),
        ({"a": {"b": {"c": 1}, "d": 2}}, ["a.*.c"], {"a": {"b": {"c": MASK}, "d": 2}}),
        ({"a": [{"b": 1}, 3, [{"b": 2}]]}, ["a.b"], {"a": [{"b": MASK}, 3, [{"b": MASK}]]}),
        ({"a": ["x", "y"]}, ["a"], {"a": MASK}),
        ({"a": None, "b": ""}, ["a", "b"], {"a": None, "b": MASK}),
        ({"a": "text"}, ["a.b", "b", "a.*", ".", ""], {"a": "text"}),
        ({"a": 1}, ["*"], {"a": MASK}),
    ],
)
def test_what_is_secret_is_masked(values: dict[str, object], paths: list[str], expected: dict[str, object]) -> None:
    before = json.dumps(values)
    assert masked(values, paths) == expected
    assert json.dumps(values) == before
    assert has_mask(expected, paths) == (expected != values)
    assert unmasked(expected, values, paths) == values


def test_only_what_is_secret_and_was_there_is_put_back() -> None:
    before = {"a": "1", "b": "2", "list": [{"s": "x"}, {"s": "y"}]}
    after = {"a": MASK, "b": MASK, "c": MASK, "list": [{"s": MASK}]}
    assert unmasked(after, before, ["a", "c", "list.s"]) == {"a": "1", "b": MASK, "c": MASK, "list": [{"s": MASK}]}


def test_references_are_found_at_any_depth() -> None:
    reference = {"$ref": {"block_document_id": "one"}}
    values = {"a": reference, "b": [{"c": {"$ref": {"block_document_id": "two"}}}], "d": {"$ref": "#/definitions/x"}}
    assert referenced_ids(values) == {"one", "two"}
    assert referenced_ids({"e": {**reference, "more": 1}, "f": {"$ref": {"block_document_id": 3}}}) == set()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "must be a JSON object"),
        ("null", "must be a JSON object"),
        ('{"password": "hunter2"', "at line 1, column"),
        ('{"a": NaN}', "cannot be read"),
        ('{"a": [1e400]}', "cannot be read"),
        ('{"a": -1e400}', "cannot be read"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "levels deep"),
        ('{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "levels deep"),
        ('{"a": [' + "1," * MAX_PARTS + "1]}", "more than 20,000 values"),
    ],
)
def test_what_is_no_object_is_refused_without_a_word_of_it(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said) as caught:
        parse_object(text, "REASON", "thing.data")
    assert (caught.value.reason, caught.value.field) == ("REASON", "thing.data")
    assert "hunter2" not in caught.value.message


def test_an_object_of_the_greatest_depth_is_read() -> None:
    text = '{"a": ' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}"
    assert masked(parse_object(text, "R", "f"), ["a.b", "*"]) == {"a": MASK}
    assert parse_object("", "R", "f") == {}


@pytest.mark.parametrize("paths", ["password", [1], [""], {"a": 1}, None])
def test_secret_fields_are_a_list_of_texts(paths: object) -> None:
    with pytest.raises(InvalidArgument, match="list of texts"):
        secret_paths({"secret_fields": paths})


def test_a_checksum_is_that_of_type_fields_and_capabilities_in_any_order() -> None:
    first = checksum_of("a", {"x": 1, "y": 2}, ["p", "q"])
    assert first == checksum_of("a", {"y": 2, "x": 1}, ["q", "p"])
    others = [checksum_of("b", {"x": 1, "y": 2}, ["p", "q"]), checksum_of("a", {"x": 1}, ["p", "q"])]
    others.append(checksum_of("a", {"x": 1, "y": 2}, ["p"]))
    assert len({first, *others}) == 4
    assert first.startswith("sha256:")


def test_secrets_that_take_long_to_find_are_refused() -> None:
    values = parse_object('{"a": [' + "{},1," * 5_000 + "1]}", "R", "f")
    check_cost(values, ["a.b"] * 10)
    with pytest.raises(InvalidArgument, match="20 paths of secrets in 15,004 values, too many to look through"):
        check_cost(values, ["a.b"] * 20)
