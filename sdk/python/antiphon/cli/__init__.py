"""The `antiphon` command line."""
