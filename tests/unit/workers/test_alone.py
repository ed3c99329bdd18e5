"""A suspected job in a process of its own: real document, real process, mocked providers."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace

import psutil
import pytest

from contract.calls import Provider
from contract.jobs import ErrorCode, Outcome, Stage
from contract.ledger import Ending
from tests.unit.workers.rendering import CALLS, Bench
from workers.alone import Alone

POISONED = "1/measure/3"


@pytest.fixture
def suspect(new_bench: Callable[..., Bench], providers: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    """Makes a job that has crashed two workers; the process finds everything where this one does."""

    def make(seed_key: str = "bench", url: str = providers) -> Bench:
        bench = new_bench(seed_key=seed_key)
        monkeypatch.setenv("T2V_DATA_DIR", str(bench.tools.data.artifacts.parent))
        for provider in Provider:
            monkeypatch.setenv(f"T2V_{provider.name}_URL", url)
        bench.claim = replace(bench.claim, crashes=2)
        return bench

    return make


async def test_a_suspected_job_that_is_innocent_is_completed_and_counted(suspect: Callable[..., Bench]) -> None:
    bench = suspect()
    ending = await Alone(bench.tools).render(bench.claim, bench.report)
    assert ending.outcome is Outcome.COMPLETED
    assert bench.manifest().seconds == ending.seconds
    assert [stage for stage, _ in bench.reports] == [Stage.SCRIPT, Stage.SCENES, Stage.ASSEMBLE]
    assert len(ending.timings.calls) == CALLS
    calls = [
        bench.registry.get_sample_value("t2v_provider_calls_total", {"provider": provider, "result": "ok"})
        for provider in Provider
    ]
    assert sum(filter(None, calls)) == CALLS
    for provider in Provider:
        payload, wire = (
            bench.registry.get_sample_value(
                f"t2v_provider_{what}_bytes_total", {"provider": provider, "direction": "received"}
            )
            for what in ("payload", "wire")
        )
        assert payload
        assert wire
        assert payload < wire < 1.2 * payload
        opened = {"provider": provider, "event": "opened"}
        assert bench.registry.get_sample_value("t2v_provider_connections_total", opened)
    stages = {"stage": Stage.ASSEMBLE.value}
    assert bench.registry.get_sample_value("t2v_stage_seconds_count", stages) == 1
    assert bench.registry.get_sample_value("t2v_worker_executions_alone_total") == 1


async def test_a_signal_to_all_processes_of_a_worker_condemns_no_job(suspect: Callable[..., Bench]) -> None:
    """As Ctrl-C and a service manager send it: the worker decides what becomes of the job."""
    bench = suspect()
    before = {child.pid for child in psutil.Process().children()}

    async def report(stage: Stage, _: int) -> None:
        if stage is Stage.SCRIPT:
            for child in psutil.Process().children():
                if child.pid not in before:
                    child.terminate()
                    child.send_signal(signal.SIGINT)

    assert (await Alone(bench.tools).render(bench.claim, report)).outcome is Outcome.COMPLETED


async def test_a_job_that_kills_the_process_it_has_for_itself_is_given_up_with_the_reason(
    suspect: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T2V_PLANT", "poison-job")
    bench = suspect(seed_key=POISONED)
    ending = await Alone(bench.tools).render(bench.claim, bench.report)
    assert ending.outcome is Outcome.FAILED
    assert ending.error
    assert ending.error.code is ErrorCode.QUARANTINED
    assert ending.error.message == (
        "The job was given up: 2 workers died while they ran it, and then it killed a process that ran nothing else "
        "(signal 9)."
    )
    assert not any(bench.tools.data.job(bench.claim.job_id).rglob("*"))


async def test_a_process_that_cannot_begin_condemns_no_job(suspect: Callable[..., Bench]) -> None:
    bench = suspect()
    with pytest.raises(RuntimeError, match="ended with status 1 before it began"):
        await Alone(bench.tools, module="tests.unit.workers.no_such_module").render(bench.claim, bench.report)


async def test_a_process_that_does_not_begin_in_time_condemns_no_job(suspect: Callable[..., Bench]) -> None:
    bench = suspect()
    alone = Alone(bench.tools, module="tests.unit.workers.unruly_alone", start_bound=0.5)
    bench.claim = replace(bench.claim, request="never begins")
    with pytest.raises(RuntimeError, match=r"did not begin within 0\.5 s"):
        await alone.render(bench.claim, bench.report)


async def test_a_job_that_holds_up_the_process_it_has_for_itself_is_given_up(suspect: Callable[..., Bench]) -> None:
    bench = suspect()
    bench.tools = replace(bench.tools, workload=bench.tools.workload.model_copy(update={"job_deadline": 0.1}))
    bench.claim = replace(bench.claim, request="never ends")
    alone = Alone(bench.tools, module="tests.unit.workers.unruly_alone", grace=0.4)
    ending = await alone.render(bench.claim, bench.report)
    assert ending.error
    assert ending.error.code is ErrorCode.QUARANTINED
    assert "then it held up a process that ran nothing else (it answered no more)" in ending.error.message


async def test_a_stopped_job_takes_its_process_and_its_files_with_it(suspect: Callable[..., Bench]) -> None:
    connected: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
    address = silent.sockets[0].getsockname()
    bench = suspect(url=f"http://{address[0]}:{address[1]}/v1")
    reached = asyncio.Event()

    async def report(stage: Stage, _: int) -> None:
        assert stage is Stage.SCRIPT
        reached.set()

    before = {child.pid for child in psutil.Process().children()}
    rendering: asyncio.Task[Ending] = asyncio.create_task(Alone(bench.tools).render(bench.claim, report))
    async with asyncio.timeout(20):
        await reached.wait()
    alone = [child for child in psutil.Process().children() if child.pid not in before]
    assert len(alone) == 1
    rendering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await rendering
    assert not alone[0].is_running()
    assert not any(bench.tools.data.job(bench.claim.job_id).rglob("*"))
    silent.close()
    for writer in connected:
        writer.close()
