"""A real Prometheus that scrapes small servers of the test's own."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry, start_http_server

from stack.programs import Program

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: tests
    file_sd_configs: [{{files: ["{targets}"]}}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Process:
    """Stands for one of our processes: a registry behind `/metrics`."""

    job: str
    instance: str
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    @contextmanager
    def answering(self) -> Iterator[dict[str, object]]:
        """Yields its entry in a target file."""
        server, thread = start_http_server(0, addr="127.0.0.1", registry=self.registry)
        try:
            labels = {"job": self.job, "instance": self.instance}
            yield {"targets": [f"127.0.0.1:{server.server_port}"], "labels": labels}
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@contextmanager
def prometheus_of(program: Program, folder: Path, processes: list[Process]) -> Iterator[str]:
    """The URL of a Prometheus that scrapes `processes`; both end with the context."""
    port = free_port()
    with ExitStack() as stack:
        entries = [stack.enter_context(process.answering()) for process in processes]
        (folder / "targets.json").write_text(json.dumps(entries))
        (folder / "prometheus.yml").write_text(CONFIG.format(targets=folder / "targets.json"))
        log = stack.enter_context((folder / "prometheus.log").open("wb"))
        server = subprocess.Popen(
            [
                program.path,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | program.env,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(20)
