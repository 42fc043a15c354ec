"""Locks for transactions: in this process, between processes by a folder, between machines by Redis."""
