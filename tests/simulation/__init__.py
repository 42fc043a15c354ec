"""A whole life of the server's policy in one thread, drawn from one seed: see `test_simulation.py`."""
