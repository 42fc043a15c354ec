"""Writes the tables of docs/monitoring.md: metrics from the server's catalogue, alerts from deploy/prometheus."""
