"""How a process of ours answers `/metrics`."""

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)


def process_registry() -> CollectorRegistry:
    """A registry of this process alone, with its CPU, memory and descriptors on it."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # ships no annotation; one series per counter that nobody asks for
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> tuple[bytes, str]:
    """The exposition and its content type, which Prometheus 2 and 3 both accept."""
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
