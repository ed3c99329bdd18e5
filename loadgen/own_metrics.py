"""The load generator's own metrics, scraped like those of any other process."""

import contextlib
from collections.abc import Iterator

from contract.catalogue import LoadMetrics
from contract.exposition import ProcessRegistry, answering
from loadgen.controller import Controller

JOB = "loadgen"
"""The label under which Prometheus knows load generators."""


@contextlib.contextmanager
def load_metrics(controller: Controller, run_id: str) -> Iterator[tuple[LoadMetrics, str]]:
    """Answers the metrics and tells Prometheus where; yields them with the instance's name there."""
    registry = ProcessRegistry()
    metrics = LoadMetrics(registry)
    instance = f"{JOB}-{run_id}"
    with answering(registry, controller.metrics_host, 0) as port:
        controller.add_target(JOB, instance, port)
        try:
            yield metrics, instance
        finally:
            controller.remove_target(instance)
