"""What a decorator says of retries, as the server obeys it."""

from collections.abc import Sequence
from functools import lru_cache

from antiphon.v1.retry_policy_pb2 import RetryPolicy


def retry_policy(retries: int, delays: Sequence[float], jitter_factor: float) -> RetryPolicy | None:
    """None where there are no retries. Delays in seconds; the last one repeats."""
    return _made(retries, tuple(delays), jitter_factor) if retries else None


@lru_cache(maxsize=1024)
def _made(retries: int, delays: tuple[float, ...], jitter_factor: float) -> RetryPolicy:
    policy = RetryPolicy(max_retries=retries, jitter_factor=jitter_factor)
    for delay in delays:
        policy.delays.add().FromMicroseconds(round(delay * 1e6))
    return policy
