"""What processes must not do by themselves, whatever happens around them."""

from collections.abc import Iterator

from chaos.driving import Account
from chaos.evidence import Finding
from chaos.quiet import Calm

STAYS = "nobody ends who was not ended"
LEAVES = "who is asked to end does so, and well"


def check(account: Account, calm: Calm) -> Iterator[Finding]:
    for name, times in account.deaths.items():
        yield Finding(STAYS, f"{name} ended {times} times; its log says why")
    for told in account.bad_ends:
        yield Finding(LEAVES, told)
    for name in calm.stuck:
        yield Finding(LEAVES, f"{name} had to be killed, or failed, when all was well again")
