"""Slots of concurrency limits, taken by name: `antiphon.concurrency.sync` and `antiphon.concurrency.asyncio`."""
