"""Types for fields of Pydantic models."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from antiphon import types


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (types.Name, "a name", "a name"),
        (types.NameOrEmpty, "", ""),
        (types.NonEmptyishName, "a", "a"),
        (types.NonNegativeInteger, 0, 0),
        (types.PositiveInteger, 1, 1),
        (types.NonNegativeFloat, 0, 0.0),
        (types.NonNegativeTimeDelta, 0, timedelta(0)),
        (types.SecondsTimeDelta, 5, timedelta(seconds=5)),
        (types.SecondsTimeDelta, "1.5", timedelta(seconds=1.5)),
        (types.SecondsTimeDelta, "PT1M", timedelta(minutes=1)),
        (types.StatusCode, 404, 404),
        (types.ListOfNonEmptyStrings, ["a", " ", ""], ["a"]),
        (types.LogLevel, "debug", "DEBUG"),
        (types.JsonStringOrDict, '{"a": "b"}', {"a": "b"}),
        (types.JsonStringOrDict, {}, {}),
        (types.KeyValueLabelsField, None, {}),
        (types.KeyValueLabelsField, {"a": 1, "b": True, "c": "d"}, {"a": 1, "b": True, "c": "d"}),
        (types.ClientRetryExtraCodes, "404, 500", {404, 500}),
        (types.ClientRetryExtraCodes, 404, {404}),
        (types.ClientRetryExtraCodes, "", set()),
        (types.TaskRetryDelaySeconds, "1,2", [1.0, 2.0]),
        (types.TaskRetryDelaySeconds, "3", 3.0),
        (types.TaskRetryDelaySeconds, "", None),
        (types.TaskRetryDelaySeconds, [1, 2], [1.0, 2.0]),
        (types.StrictVariableValue, {"a": [1, None]}, {"a": [1, None]}),
        (types.URILike, "s3://a b", "s3://a b"),
        (types.ValidAssetKey, "s3://bucket/key", "s3://bucket/key"),
    ],
)
def test_values(kind: Any, value: Any, expected: Any) -> None:
    read = TypeAdapter(kind).validate_python(value)
    assert read == expected and type(read) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        *((types.Name, f"a{each}", "should match pattern") for each in types.BANNED_CHARACTERS),
        (types.Name, "", "should match pattern"),
        (types.NonEmptyishName, "' \"", "needs a character that is neither white space nor a quotation mark"),
        (types.NonNegativeInteger, -1, "greater than or equal to 0"),
        (types.PositiveInteger, 0, "greater than 0"),
        (types.NonNegativeTimeDelta, -1, "is not negative here"),
        (types.SecondsTimeDelta, "soon", "timedelta"),
        (types.StatusCode, 99, "greater than or equal to 100"),
        (types.LogLevel, "loud", "'DEBUG'"),
        (types.LogLevel, 10, "'DEBUG'"),
        (types.JsonStringOrDict, "x", "Expecting value"),
        (types.KeyValueLabelsField, {"a": [1]}, "valid"),
        (types.ClientRetryExtraCodes, "a", "invalid literal"),
        (types.StrictVariableValue, object(), "something that JSON can say"),
        (types.StrictVariableValue, "x" * 4999, "has at most 5,000 characters as JSON; this has 5,001"),
        (types.URILike, "S3://a", "a URI with a protocol in lower case"),
        (types.ValidAssetKey, "s3://a b", "an asset's key cannot contain ' '"),
        (types.ValidAssetKey, "s3://" + "a" * 508, "at most 512 characters"),
    ],
)
def test_values_that_are_none(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert message in str(caught.value)


def test_a_secret_is_not_shown() -> None:
    secret = TypeAdapter(types.SecretDict).validate_python({"password": "hunter2"})
    assert "hunter2" not in repr(secret) and secret.get_secret_value() == {"password": "hunter2"}
    assert set(types.__all__) <= set(dir(types))
