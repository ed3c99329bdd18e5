"""A real Prometheus that scrapes small servers of the test's own."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from contract.exposition import ProcessRegistry, render
from stack.programs import Program

CONFIG = """
global: {{scrape_interval: {every}, scrape_timeout: {every}}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: tests
    file_sd_configs: [{{files: ["{targets}"]}}]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clear(registry: ProcessRegistry) -> None:
    """Nothing is answered any more."""
    registry.histograms.clear()
    for collector in list(registry._collector_to_names):
        registry.unregister(collector)


def empty() -> ProcessRegistry:
    registry = ProcessRegistry()
    clear(registry)
    return registry


@dataclass
class Process:
    """Stands for one of our processes: a registry behind a path of its own."""

    job: str
    instance: str
    registry: ProcessRegistry = field(default_factory=empty)

    @property
    def path(self) -> str:
        return f"/{self.instance}"


@contextmanager
def answering(processes: list[Process]) -> Iterator[list[dict[str, object]]]:
    """One server for all of them; yields their entries in a target file."""
    registries = {process.path: process.registry for process in processes}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, media_type = render(registries[self.path])
            # A scrape that was given up is Prometheus's to tell; a traceback of it, printed by this thread while pytest
            # prints another, can bring Python 3.11's parser and with it pytest down.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not to the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        address = f"127.0.0.1:{server.server_port}"
        yield [
            {
                "targets": [address],
                "labels": {"job": process.job, "instance": process.instance, "__metrics_path__": process.path},
            }
            for process in processes
        ]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Live:
    """A running Prometheus and what it scrapes, by instance."""

    url: str
    version: str
    processes: dict[str, Process]


@contextmanager
def prometheus_of(
    program: Program, folder: Path, processes: list[Process], every: str = "200ms", rules: str = "none"
) -> Iterator[str]:
    """The URL of a Prometheus that scrapes `processes`; both end with the context. `rules` names files in `folder`."""
    port = free_port()
    with ExitStack() as stack:
        entries = stack.enter_context(answering(processes))
        (folder / "targets.json").write_text(json.dumps(entries))
        (folder / "prometheus.yml").write_text(CONFIG.format(targets=folder / "targets.json", every=every, rules=rules))
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
