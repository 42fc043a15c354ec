"""Helpers under the names that Prefect has for them."""

__all__: list[str] = []
