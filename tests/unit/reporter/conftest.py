from collections.abc import Iterator

import pytest

from stack.programs import find_programs
from tests.unit.reporter.live import Live, Process, prometheus_of

NAMES = ("service-1", "exporter-1", "worker-1", "worker-2", "worker-3", "mocks-1", "loadgen-1", "restarted-1")


@pytest.fixture(scope="session", autouse=True)
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A real Prometheus and the processes that it scrapes, whose registries are empty.

    Started with the first test of this folder and needed by the last ones: it looks for targets no sooner than 5 s
    after its start, and nobody has to wait for that.
    """
    processes = {name: Process(name.split("-")[0], name) for name in NAMES}
    program = find_programs()["prometheus"]
    with prometheus_of(program, tmp_path_factory.mktemp("prometheus"), list(processes.values())) as url:
        yield Live(url, program.version, processes)
