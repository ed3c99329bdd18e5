"""How a process of ours answers `/metrics`."""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    PlatformCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from contract.catalogue import ProcessMetrics
from contract.histogram import LatencyHistogram
from contract.resources import ResourceMetricsCollector


class ProcessRegistry(CollectorRegistry):
    """A registry of one process, with what it uses on it, read through `render` only and never on its event loop.

    `children` gives the ids of the processes whose use is told beside its own.
    """

    def __init__(self, children: Callable[[], Collection[int]] | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # ships no annotation; one series per counter for nobody
        self.histograms: list[LatencyHistogram] = []
        super().__init__()
        PlatformCollector(registry=self)
        ResourceMetricsCollector(self, children)
        self.process = ProcessMetrics(self)

    def register(self, collector: Collector) -> None:
        if isinstance(collector, LatencyHistogram):
            self.histograms.append(collector)
        else:
            super().register(collector)


def render(registry: ProcessRegistry) -> tuple[bytes, str]:
    """The exposition and its content type, which Prometheus 2 and 3 both accept."""
    text = "".join(histogram.exposition() for histogram in registry.histograms)
    return generate_latest(registry) + text.encode(), CONTENT_TYPE_PLAIN_0_0_4


@contextlib.contextmanager
def answering(registry: ProcessRegistry, host: str, port: int) -> Iterator[int]:
    """Answers `/metrics` from a thread, for processes without an HTTP server of their own; yields the port.

    `port` 0 takes a free one. Raises OSError when the port is taken.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, media_type = render(registry)
            with contextlib.suppress(
                BrokenPipeError, ConnectionResetError
            ):  # a scrape given up is Prometheus's to tell
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A line per scrape would drown the log."""

    with ThreadingHTTPServer((host, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
