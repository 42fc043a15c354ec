"""docs/high-availability.md: its numbers are those of the code."""

import json
import re
from pathlib import Path
from typing import Any

from antiphon.call_retries import RetryPolicy
from antiphon.channels import KEEPALIVE_TIME, KEEPALIVE_TIMEOUT
from antiphon.grpc_target import is_several, parse_target
from antiphon.session.outage import ELSEWHERE_DELAY, FIRST_DELAY, LONGEST_DELAY
from antiphon.session.vigil import DRAIN_SPREAD, LONGEST_PATIENCE, LOOK_AFTER, LOOK_PATIENCE

PAGE = (Path(__file__).parents[2] / "docs" / "high-availability.md").read_text()


def test_the_service_config_is_the_policy_that_the_client_follows() -> None:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found
    config: dict[str, Any] = json.loads(found[1])
    retry, throttling = config["methodConfig"][0]["retryPolicy"], config["retryThrottling"]
    assert RetryPolicy() == RetryPolicy(
        max_attempts=retry["maxAttempts"],
        initial_backoff=float(retry["initialBackoff"].removesuffix("s")),
        max_backoff=float(retry["maxBackoff"].removesuffix("s")),
        backoff_multiplier=retry["backoffMultiplier"],
        max_tokens=throttling["maxTokens"],
        token_ratio=throttling["tokenRatio"],
        retryable_codes=frozenset(retry["retryableStatusCodes"]),
    )
    assert config["loadBalancingConfig"] == [{"round_robin": {}}]


def test_the_addresses_are_ones() -> None:
    addresses = re.findall(r"^ANTIPHON_API_URL=(\S+)", PAGE, re.MULTILINE)
    assert len(addresses) == 3
    assert all(is_several(parse_target(address)) for address in addresses)


def test_the_times_are_those_of_the_code() -> None:
    assert (LOOK_AFTER, LOOK_PATIENCE, LONGEST_PATIENCE) == (0.75, 0.75, 10)
    assert (KEEPALIVE_TIME, KEEPALIVE_TIMEOUT) == (10, 5)
    assert (ELSEWHERE_DELAY, FIRST_DELAY, LONGEST_DELAY, DRAIN_SPREAD) == (0.1, 0.01, 2, 1)
    page = " ".join(PAGE.split())
    for words in (
        "0.75 s",
        "up to 10 s",
        "after 10 s without a word",
        "5 s for the answer",
        "10 ms, 20 ms",
        "within 1 s",
    ):
        assert words in page, words
