"""Compares our public names with those of Prefect, written down as data, and writes `docs/coming-from-prefect.md`."""
