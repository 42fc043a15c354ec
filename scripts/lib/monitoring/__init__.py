"""Writes tables of the docs: metrics from the server's catalogue, alerts from deploy/prometheus."""
