"""The block for secrets."""

from datetime import datetime
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from antiphon.blocks.core import Block
from antiphon.blocks.system import Secret
from stored import Stored


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("sk-123", "sk-123"),
        ("5", 5),
        ('{"a": 1}', {"a": 1}),
        (5, 5),
        ({"user": "ann"}, {"user": "ann"}),
        ([1, "x"], [1, "x"]),
        (None, None),
        (SecretStr("inner"), "inner"),
    ],
)
def test_a_value_comes_back(stored: Stored, value: Any, expected: Any) -> None:
    block: Secret[Any] = Secret(value=value)
    assert block.get() == expected
    block.save("any-value", overwrite=True)
    loaded = Block.load("secret/any-value")
    assert isinstance(loaded, Secret) and loaded.get() == expected
    assert "sk-123" not in repr(loaded)


def test_a_type_is_checked_and_converted(stored: Stored) -> None:
    assert Secret[int](value="5").get() == 5
    moment = datetime(2026, 1, 2)
    Secret[datetime](value=moment).save("moment", overwrite=True)
    assert Secret[datetime].load("moment").get() == moment
    assert Secret.load("moment").get() == "2026-01-02T00:00:00"
    assert Secret[int].get_block_type_slug() == "secret" and Secret[int].get_block_type_name() == "Secret"
    with pytest.raises(ValidationError, match="valid integer"):
        Secret[int](value="five")
    with pytest.raises(RuntimeError, match="does not fit"):
        Secret[int].load("moment")
    assert Block.get_block_class_from_key("secret") is Secret


def test_a_secret_is_protected(stored: Stored) -> None:
    Secret.register_type_and_schema()
    assert Secret.model_json_schema()["secret_fields"] == ["value"]
