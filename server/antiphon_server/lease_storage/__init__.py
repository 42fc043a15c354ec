"""Where the time of leases is kept: `opening.py` chooses. Redis's part is loaded where it is used."""
