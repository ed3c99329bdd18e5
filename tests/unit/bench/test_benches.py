"""Each bench at toy size, on the real parts: that it runs and fills its tables."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from bench import api, jobs, load_generator, queues
from bench.rig import Rig, program
from contract.errors import EnvironmentFault
from stack.local import LocalStack
from tests.unit.reporter import folders


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, lambda _line: None)


def shown(tables: list[Table]) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    for table in tables:
        console.print(table)
    return console.export_text()


async def test_the_queue_bench_picks_up_and_drains(rig: Rig) -> None:
    tables = await queues.run(rig, queues.Size(picks=3, jobs=30, repetitions=1), (queues.OURS,))
    assert len(tables) == 2
    for table in tables:
        text = shown([table])
        assert queues.OURS.title in text
        assert "no data" in text, "there is no ratio without SAQ"


async def test_the_load_generator_bench_asks_and_compares_with_a_bare_socket(rig: Rig) -> None:
    text = shown(await load_generator.run(rig, load_generator.Size(seconds=0.05, repetitions=1), ("wire",)))
    assert load_generator.TITLES["socket"] in text
    assert "no data" not in text


async def test_the_api_bench_asks_the_service_and_a_bare_route_for_the_same_bytes(rig: Rig, stack: LocalStack) -> None:
    text = shown(await api.measure(rig, api.Size(seconds=0.05, repetitions=1), stack))
    assert api.BARE in text
    assert "no data" not in text


def test_the_jobs_bench_tells_overhead_cost_and_report_time(rig: Rig, tmp_path: Path) -> None:
    folder = folders.single().write(tmp_path / "run")
    text = shown(jobs.tables(rig, [folder, folder], jobs.Size(reports=2)))
    assert "notify: ended to client" in text
    assert "CPU per job, workers (ms)" in text


async def test_a_helper_program_that_ends_early_is_named_with_the_end_of_its_log(rig: Rig) -> None:
    with pytest.raises(EnvironmentFault, match=r"(?s)responder ended before.*IndexError"):
        async with program(rig, "responder") as responder:
            await responder.read()
