"""The same in async code: `async with atransaction()`, and hooks that may be coroutine functions.

Prints:
    moved 30: a has 70, b has 30
    not moved: a has 70, b has 30
"""

import asyncio

from antiphon import flow, task
from antiphon.transactions import AsyncTransaction, atransaction

ACCOUNTS = {"a": 100, "b": 0}


@task
async def withdraw(account: str, amount: int) -> None:
    ACCOUNTS[account] -= amount


@withdraw.on_rollback
async def give_back(txn: AsyncTransaction) -> None:
    ACCOUNTS[txn.get("from")] += txn.get("amount")


@task
async def deposit(account: str, amount: int) -> None:
    ACCOUNTS[account] += amount


@flow
async def move(amount: int, source: str, target: str) -> None:
    async with atransaction() as txn:
        txn.set("from", source)
        txn.set("amount", amount)
        await withdraw(source, amount)
        await deposit(target, amount)


def balances() -> str:
    return ", ".join(f"{name} has {amount}" for name, amount in ACCOUNTS.items())


async def main() -> None:
    await move(30, "a", "b")
    print(f"moved 30: {balances()}")
    await move(50, "a", "nobody", return_state=True)
    print(f"not moved: {balances()}")


if __name__ == "__main__":
    asyncio.run(main())
