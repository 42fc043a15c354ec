"""The library's instruments, made of the catalogue."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from antiphon_server.metrics.catalogue import Metric, Type


def counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    """Counts by itself."""
    return Counter(metric.name, metric.meaning, tuple(metric.labels), registry=registry)


def gauge(metric: Metric, registry: CollectorRegistry) -> Gauge:
    """Goes up and down by itself."""
    return Gauge(metric.name, metric.meaning, tuple(metric.labels), registry=registry)


def histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    """Counts by size."""
    return Histogram(metric.name, metric.meaning, tuple(metric.labels), registry=registry, buckets=metric.buckets)


def family(metric: Metric) -> CounterMetricFamily | GaugeMetricFamily:
    """What is read at the time of a scrape, to add samples to."""
    made = CounterMetricFamily if metric.type is Type.COUNTER else GaugeMetricFamily
    return made(metric.name, metric.meaning, labels=tuple(metric.labels))
