"""Writes the tables of docs/doctor.md from what server and client may find."""
