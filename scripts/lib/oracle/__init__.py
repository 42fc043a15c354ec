"""Compares our policy with orchestration behaviour that was observed of another system and written down as data."""
