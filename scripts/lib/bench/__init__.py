"""Measures Antiphon, and on wish its peers, by the same work in the same run. `scripts/bench` is the front door."""
