"""A latency histogram with fine buckets whose observing and exposing cost next to nothing.

prometheus-client's own walks the buckets one by one to observe and makes an object per bucket to expose: with 200
buckets per label child that is tens of milliseconds for each scrape, in a process whose latency we measure.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Child:
    """One set of label values. `observe` is for one thread; reading is safe from any."""

    __slots__ = ("_bounds", "_counts", "_lines", "_name", "_rendered", "_sum", "_tail", "labels")

    def __init__(self, name: str, labels: Sequence[tuple[str, str]], bounds: Sequence[float]) -> None:
        self.labels = dict(labels)
        self._name = name
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        own = "".join(f'{label}="{_escaped(value)}",' for label, value in labels)
        self._lines = [f'{name}_bucket{{{own}le="{bound}"}} ' for bound in _texts(bounds)]
        self._tail = f"{{{own.rstrip(',')}}} " if own else " "
        self._rendered: tuple[float, str] | None = None

    def observe(self, seconds: float) -> None:
        self._sum += seconds  # before the count: a text made between the two is then made again
        self._counts[bisect_left(self._bounds, seconds)] += 1

    def cumulative(self) -> list[int]:
        total = 0
        return [total := total + count for count in self._counts.copy()]

    @property
    def sum(self) -> float:
        return self._sum

    def exposition(self) -> str:
        """The text is kept until something was observed: most children of a process rest between two scrapes."""
        if self._rendered is None or self._rendered[0] != sum(self._counts):
            cumulative = self.cumulative()
            lines = [f"{line}{count}.0\n" for line, count in zip(self._lines, cumulative, strict=True)]
            lines.append(f"{self._name}_count{self._tail}{cumulative[-1]}.0\n")
            lines.append(f"{self._name}_sum{self._tail}{self._sum!r}\n")
            self._rendered = (cumulative[-1], "".join(lines))
        return self._rendered[1]


class LatencyHistogram(Collector):
    """A classic Prometheus histogram in seconds; `bounds` ascend and leave +Inf out."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labelnames: Sequence[str] = (),
        *,
        bounds: Sequence[float],
        registry: CollectorRegistry,
    ) -> None:
        self._name = name
        self._documentation = documentation
        self._labelnames = tuple(labelnames)
        self._bounds = tuple(bounds)
        self._children: dict[tuple[str, ...], Child] = {}
        if not labelnames:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Child:
        child = self._children.get(values)
        if child is None:
            pairs = [(label, str(value)) for label, value in zip(self._labelnames, values, strict=True)]
            child = self._children[values] = Child(self._name, pairs, self._bounds)
        return child

    def observe(self, seconds: float) -> None:
        self._children[()].observe(seconds)

    def exposition(self) -> str:
        head = f"# HELP {self._name} {self._documentation}\n# TYPE {self._name} histogram\n"
        return head + "".join(child.exposition() for child in list(self._children.values()))

    def describe(self) -> list[Metric]:
        return [HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)]

    def collect(self) -> Iterator[Metric]:
        """The slow way, for registries that know no other."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labelnames)
        bounds = _texts(self._bounds)
        for values, child in self._children.items():
            buckets = list(zip(bounds, map(float, child.cumulative()), strict=True))
            family.add_metric([str(value) for value in values], buckets, child.sum)
        yield family


def _texts(bounds: Sequence[float]) -> list[str]:
    return [*map(repr, bounds), "+Inf"]


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
