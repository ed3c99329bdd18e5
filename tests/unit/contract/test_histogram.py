import random

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from contract.exposition import ProcessRegistry, render
from contract.histogram import LatencyHistogram

BOUNDS = (0.0001, 0.001, 0.25, 1.0, 30.0)
AWKWARD = 'a "quoted" \\ back\nslash'


def samples(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name.startswith("t_seconds") and not sample.name.endswith("_created")
    }


def test_it_exposes_what_the_histogram_of_prometheus_client_does() -> None:
    ours, plain, theirs = ProcessRegistry(), CollectorRegistry(), CollectorRegistry()
    fast = LatencyHistogram("t_seconds", "Time", ["kind"], bounds=BOUNDS, registry=ours)
    plain.register(fast)
    peer = Histogram("t_seconds", "Time", ["kind"], buckets=BOUNDS, registry=theirs)
    chance = random.Random(1)
    for kind in ("quiet", AWKWARD):
        fast.labels(kind)
        peer.labels(kind)
    for _ in range(3):
        expected = samples(generate_latest(theirs))
        assert samples(render(ours)[0]) == expected
        assert samples(generate_latest(plain)) == expected, "the slow way"
        for seconds in (*BOUNDS, 31.0, 0.0, *(chance.expovariate(2) for _ in range(50))):
            fast.labels(AWKWARD).observe(seconds)
            peer.labels(AWKWARD).observe(seconds)


def test_a_histogram_without_labels_is_there_before_it_observes() -> None:
    registry = ProcessRegistry()
    histogram = LatencyHistogram("t_seconds", "Time", bounds=BOUNDS, registry=registry)
    assert set(samples(render(registry)[0]).values()) == {0.0}
    histogram.observe(0.5)
    assert samples(render(registry)[0])["t_seconds_sum", frozenset()] == 0.5


def test_a_wrong_number_of_labels_is_refused() -> None:
    histogram = LatencyHistogram("t_seconds", "Time", ["kind"], bounds=BOUNDS, registry=ProcessRegistry())
    with pytest.raises(ValueError, match="argument"):
        histogram.labels("a", "b")
