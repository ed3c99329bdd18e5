"""Each bench at toy size, on the real parts: that it runs and fills its tables."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench import api, jobs, load_generator, queues, resources
from bench.programs.figures import figures
from bench.rig import Rig, peers_python, program
from contract.errors import EnvironmentFault
from stack.local import LocalStack
from stack.ports import PortChooser
from tests.unit.reporter import folders


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, lambda _line: None)


def shown(tables: list[Table]) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    for table in tables:
        console.print(table)
    return console.export_text()


def cells(table: Table) -> list[list[str]]:
    """The heads, then row by row."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


async def test_the_queue_bench_picks_up_and_drains(rig: Rig) -> None:
    tables = await queues.run(rig, queues.Size(picks=3, jobs=30, repetitions=1), (queues.OURS,))
    assert len(tables) == 2
    for table in tables:
        text = shown([table])
        assert queues.OURS.title in text
        assert "no data" in text, "there is no ratio without SAQ"


PEERS = ("locust",) if peers_python() else ()
"""What is compared with where it is installed: a test fetches nothing."""


async def test_the_load_generator_bench_asks_and_compares_with_a_bare_socket(rig: Rig) -> None:
    clients = ("wire", *PEERS)
    tables = await load_generator.run(rig, load_generator.Size(seconds=0.05, repetitions=1), clients)
    rates, latencies = map(cells, tables)
    titles = [load_generator.TITLES[client] for client in clients]
    assert [row[0] for row in rates[1:]] == titles
    assert [row[0] for row in latencies[1:]] == [load_generator.TITLES["socket"], *titles]
    assert "no data" not in shown(tables)
    for name, rate, _, _, p50 in rates[1:]:
        in_flight = float(rate.replace(",", "")) * float(p50.replace(",", "")) / 1e6
        assert 1 < in_flight < 3 * load_generator.CONNECTIONS, f"{name}: rate and latency contradict Little's law"


async def test_a_client_that_gets_no_answer_has_no_figures(rig: Rig) -> None:
    url = f"http://127.0.0.1:{PortChooser().choose()}{load_generator.PATH}"
    for client in ("wire", *PEERS):
        async with load_generator.requester(rig, client, url, 2, 0.05) as requester:
            with pytest.raises(EnvironmentFault, match="refused"):
                await requester.read()


def test_every_client_tells_rate_cpu_and_nearest_rank_percentiles_of_its_latencies() -> None:
    latencies = [index / 1e3 for index in range(200, 0, -1)]
    assert figures(latencies, seconds=2.0, cpu=0.5) == {"rate": 100.0, "cpu": 0.0025, "p50": 0.1, "p99": 0.198}


async def test_the_api_bench_asks_the_service_and_a_bare_route_for_the_same_bytes(rig: Rig, stack: LocalStack) -> None:
    text = shown(await api.measure(rig, api.Size(seconds=0.05, repetitions=1), stack))
    assert api.BARE in text
    assert "no data" not in text


def test_the_jobs_bench_tells_overhead_cost_and_report_time(rig: Rig, tmp_path: Path) -> None:
    one = folders.single(n=20)
    many = folders.single(n=30)
    many.info |= {"concurrency": 50, "scenario": "users-50"}
    many.result |= {"scenario": "users-50"}
    measured = [
        jobs.Measured(folder.write(tmp_path / name), dict.fromkeys(jobs.STORES, 0.00125))
        for name, folder in (("one", one), ("many", many))
    ]
    overhead, load, reports = map(cells, jobs.tables(rig, measured, jobs.Size(reports=2)))
    assert overhead[0] == ["", "1 user, P50", "1 user, P95", "50 users, P50", "50 users, P95"]
    assert ["overhead: what we add", "17.0", "17.0", "17.0", "17.0"] in overhead, "as the folders were made"
    assert ["  notify: ended to client", "2.0", "2.0", "2.0", "2.0"] in overhead
    assert load[0] == ["", "1 user", "50 users"]
    assert {"jobs/s", "CPU per job, workers (ms)"} <= {row[0] for row in load}
    assert ["CPU per job, the ledger's Redis (ms)", "1.2", "1.2"] in load
    assert [row[0] for row in reports[1:]] == ["first, with imports", "again"]
    assert all(float(row[1]) > 0 for row in reports[1:])


async def test_the_resources_bench_compares_with_metrics_that_do_nothing(rig: Rig) -> None:
    lag, cost, compared = map(cells, await resources.run(rig, resources.Size(users=2, jobs=4, repetitions=1)))
    assert "worker" in {row[0] for row in lag[1:]}
    assert all(float(row[1]) > 0 for row in cost[1:])
    assert [row[0] for row in compared[1:]] == [resources.MEASURED, resources.UNMEASURED]
    assert all(float(row[1]) > 0 for row in compared[1:])


async def test_a_helper_program_that_ends_early_is_named_with_the_end_of_its_log(rig: Rig) -> None:
    with pytest.raises(EnvironmentFault, match=r"(?s)responder ended before.*IndexError"):
        async with program(rig, "responder") as responder:
            await responder.read()
