"""What a server's metrics say, read as Prometheus reads them."""

import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families


class Scraped:
    """One scrape of `host:port`."""

    def __init__(self, address: str) -> None:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
            self.families = list(text_string_to_metric_families(answer.read().decode()))
        self._values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """Of the series with exactly these labels; 0 where there is none, as in a sum."""
        return self._values.get((name, frozenset(labels.items())), 0.0)

    def has(self, name: str, **labels: str) -> bool:
        return (name, frozenset(labels.items())) in self._values

    @property
    def names(self) -> set[str]:
        """Of all samples."""
        return {name for name, _ in self._values}

    def series(self, name: str) -> list[Mapping[str, str]]:
        """The labels of each series of a name."""
        return [dict(labels) for other, labels in self._values if other == name]
