"""Generators in processes of their own, against a small service."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import psutil
import pytest

from contract.catalogue import Phase
from contract.runfolder import JobRecord
from loadgen.child import ChildGenerator, started
from loadgen.controller import Controller
from loadgen.crew import Crew, crew
from loadgen.document import Document
from loadgen.generator import OnRecord, Record, RunBroken
from loadgen.messages import Setup, Work
from loadgen.scenario import AnyLoad, ClosedLoop, Endpoint, OpenLoop, Probes, Rest
from loadgen.share import WHOLE
from loadgen.users import Clock
from stack.places import ROOT
from tests.unit.loadgen.handmade import record
from tests.unit.loadgen.tiny import TinyService, serving

DOCUMENT = Document("paper.pdf", b"%PDF-1.7\r\n\0\xff")
CLOSED = ClosedLoop(model="closed", users=3, jobs=20, ramp=0.0)
POISSON = OpenLoop(model="poisson", rate=200, jobs=21)
FOR_EVER = OpenLoop(model="constant", rate=1, jobs=600)


class Targets:
    """What a crew tells Prometheus."""

    metrics_host = "127.0.0.1"

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self.now: dict[str, int] = {}

    def add_target(self, _job: str, instance: str, port: int) -> None:
        self.now[instance] = port

    def remove_target(self, instance: str) -> None:
        del self.now[instance]


async def carried(
    generators: int, load: AnyLoad, logs: Path, service: TinyService | None = None
) -> tuple[list[JobRecord], TinyService]:
    service = service or TinyService()
    seen: list[Record] = []
    async with serving(service.app) as url:
        targets = Targets(url)
        async with crew(cast("Controller", targets), DOCUMENT, 5, "r", generators, logs) as members:
            assert list(targets.now) == members.instances
            assert len(set(targets.now.values())) == generators
            found = await members.carry_out(load, Phase.MEASURE, seen.append)
    assert targets.now == {}
    assert list(found.busy) == members.instances
    assert sorted(seen, key=lambda one: cast("JobRecord", one).index) == found.jobs
    return found.jobs, service


@pytest.mark.parametrize("load", [CLOSED, POISSON], ids=["closed", "open"])
async def test_two_generators_ask_for_the_same_jobs_as_one_each_once(tmp_path: Path, load: AnyLoad) -> None:
    (one, by_one), (two, by_two) = await carried(1, load, tmp_path), await carried(2, load, tmp_path)
    assert [record.seed_key for record in two] == [record.seed_key for record in one]
    assert [record.index for record in two] == list(range(load.jobs))
    assert sorted(form["seed_key"] for form in by_two.forms) == sorted(form["seed_key"] for form in by_one.forms)
    assert all(record.outcome == "completed" for record in two)


async def test_a_single_generator_can_be_a_process_of_its_own(tmp_path: Path) -> None:
    async with (
        serving(TinyService().app) as url,
        crew(cast("Controller", Targets(url)), DOCUMENT, 5, "r", 1, tmp_path, apart=True) as members,
    ):
        found = await members.carry_out(POISSON, Phase.MEASURE, lambda _: None)
        assert [child.pid == os.getpid() for child in children(members)] == [False]
    assert len(found.jobs) == POISSON.jobs


async def test_poisson_arrivals_are_due_at_the_same_times_with_three_generators_as_with_one(tmp_path: Path) -> None:
    (one, _), (three, _) = await carried(1, POISSON, tmp_path), await carried(3, POISSON, tmp_path)
    assert [r.due - three[0].due for r in three] == pytest.approx([r.due - one[0].due for r in one], abs=1e-6)


async def test_a_single_user_is_carried_by_one_of_two_generators(tmp_path: Path) -> None:
    records, service = await carried(2, ClosedLoop(model="closed", users=1, jobs=6), tmp_path)
    assert (len(records), service.most) == (6, 1)


async def test_requests_are_shared_too_and_each_endpoint_is_asked_as_often_as_the_load_says(tmp_path: Path) -> None:
    kinds = (Endpoint.STATUS, Endpoint.HEALTH, Endpoint.LIST)
    load = Probes(model="requests", users=4, requests=7, endpoints=kinds)
    async with (
        serving(TinyService().app) as url,
        crew(cast("Controller", Targets(url)), DOCUMENT, 5, "r", 2, tmp_path) as members,
    ):
        found = await members.carry_out(load, Phase.MEASURE, lambda _: None, "none")
    assert (len(found.requests), found.jobs) == (21, [])
    assert {kind: sum(request.endpoint == kind for request in found.requests) for kind in kinds} == dict.fromkeys(
        kinds, 7
    )


async def test_rest_asks_for_nothing_for_as_long_as_it_says(tmp_path: Path) -> None:
    before = time.perf_counter()
    records, service = await carried(1, Rest(model="idle", seconds=0.2), tmp_path)
    assert time.perf_counter() - before >= 0.2
    assert (records, service.forms) == ([], [])


def children(members: Crew) -> list[ChildGenerator]:
    return [cast("ChildGenerator", member) for member in members._members.values()]


@pytest.mark.parametrize("when", ["before", "while"])
async def test_a_generator_that_is_killed_breaks_the_run_by_name(tmp_path: Path, when: str) -> None:
    async with serving(TinyService().app) as url:
        async with crew(cast("Controller", Targets(url)), DOCUMENT, 5, "r", 2, tmp_path) as members:
            victim = children(members)[1]

            def kill(_: object = None) -> None:
                if not victim.dead:
                    os.kill(victim.pid, signal.SIGKILL)

            if when == "before":
                kill()
            with pytest.raises(RunBroken, match=r"^The load generator loadgen-r-2 died \(killed by SIGKILL\)"):
                await members.carry_out(FOR_EVER, Phase.MEASURE, kill)
            assert members.deaths == ["loadgen-r-2"]
        assert not any(psutil.pid_exists(child.pid) for child in children(members))


async def test_a_generator_that_cannot_start_says_so_and_where_its_log_is(tmp_path: Path) -> None:
    setup = Setup(
        api_url="no address", seed=1, share=WHOLE, clock_offset=0.0, document_name="a", document=DOCUMENT.content
    )
    with pytest.raises(RunBroken, match=r"^The load generator mine died \(exit status 1\).*see .*mine\.log$"):
        async with started("mine", setup, tmp_path / "logs" / "mine.log"):
            pass
    assert "is no http address" in (tmp_path / "logs" / "mine.log").read_text()


async def test_a_stopped_run_leaves_no_generator(tmp_path: Path) -> None:
    pids: list[int] = []

    def stop(_: Record) -> None:
        running.cancel()

    async def never_ending(url: str) -> None:
        async with crew(cast("Controller", Targets(url)), DOCUMENT, 5, "r", 2, tmp_path) as members:
            pids.extend(child.pid for child in children(members))
            await members.carry_out(FOR_EVER, Phase.MEASURE, stop)

    async with serving(TinyService().app) as url:
        running = asyncio.create_task(never_ending(url))
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await running
    assert len(pids) == 2
    assert not any(psutil.pid_exists(pid) for pid in pids)


LEADER = """
import asyncio, sys
from pathlib import Path
from loadgen.child import started
from loadgen.messages import Setup
from loadgen.share import WHOLE

async def main():
    setup = Setup(api_url="http://127.0.0.1:9", seed=1, share=WHOLE, clock_offset=0.0, document_name="a", document=b"a")
    async with started("mine", setup, Path(sys.argv[1])) as child:
        print(child.pid, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("guarded", [True, False])
def test_a_generator_ends_with_its_leader_however_that_one_ends(tmp_path: Path, *, guarded: bool) -> None:
    """Not guarded: without `setpriv`, by the end of its standard input alone."""
    path = os.environ["PATH"] if guarded else "/nowhere"
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PATH": path},
    )
    with leader:
        assert leader.stdout
        child = psutil.Process(int(leader.stdout.readline()))
        leader.kill()
    child.wait(10)


class Forgetful:
    """A generator that leaves the records that a test gives it."""

    def __init__(self, records: list[JobRecord]) -> None:
        self._records = records

    async def carry_out(self, _: Work, on_record: OnRecord) -> float:
        for one in self._records:
            on_record(one)
        return 0.1


@pytest.mark.parametrize("indexes", [[0, 1], [0, 1, 1], [0, 1, 2, 3], [0, 1, 3]])
async def test_records_that_are_not_the_load_break_the_run(indexes: list[int]) -> None:
    members = Crew({"loadgen-r": Forgetful([record(index) for index in indexes])}, Clock())
    load = ClosedLoop(model="closed", users=1, jobs=3)
    with pytest.raises(RunBroken, match=rf"left {len(indexes)} records of jobs.*the load has 3 jobs"):
        await members.carry_out(load, Phase.MEASURE, lambda _: None)
