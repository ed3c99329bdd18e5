"""Every provider with every fault: what becomes of the job, how many calls are made, what the breaker makes of it."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from contract.calls import BreakerState, CallKey, CallResult, Provider
from contract.jobs import ErrorCode, Outcome
from tests.test_data_helper import SCENES
from tests.unit.workers.faulty import RETRY_AFTER, Fault, FaultyProviders
from tests.unit.workers.rendering import Bench

ATTEMPTS = 4
LOGICAL = {Provider.LLM: 1, Provider.TTS: SCENES, Provider.VISUAL: SCENES}
"""Calls of a job that meets no fault."""


class Cell(NamedTuple):
    """`strikes` says which attempts the fault meets."""

    fault: Fault
    strikes: Callable[[CallKey], bool]
    result: CallResult
    fails: bool


def always(_: CallKey) -> bool:
    return True


def at_first(key: CallKey) -> bool:
    return key.attempt == 1


def every_other(key: CallKey) -> bool:
    return (key.scene + key.attempt) % 2 == 1


CELLS = {
    "down": Cell(Fault.DOWN, always, CallResult.REFUSED, fails=True),
    "50 % 5xx": Cell(Fault.ERROR, every_other, CallResult.STATUS, fails=False),
    "10x slow": Cell(Fault.SLOW, always, CallResult.OK, fails=False),
    "429": Cell(Fault.RATE_LIMITED, at_first, CallResult.RATE_LIMITED, fails=False),
    "hang": Cell(Fault.HANG, always, CallResult.TIMEOUT, fails=True),
    "truncated": Cell(Fault.TRUNCATED, always, CallResult.BAD_PAYLOAD, fails=True),
    "corrupt": Cell(Fault.CORRUPT, always, CallResult.BAD_PAYLOAD, fails=True),
}


def failures_expected(provider: Provider, cell: Cell) -> int:
    """An attempt follows each that a fault met, until there have been four."""
    if cell.result is CallResult.OK:
        return 0
    found = 0
    for scene in [0] if provider is Provider.LLM else range(1, SCENES + 1):
        fates = [cell.strikes(CallKey("k", scene, 1, attempt)) for attempt in range(1, ATTEMPTS + 1)]
        found += fates.index(False) if False in fates else ATTEMPTS
    return found


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("provider", Provider)
async def test_a_fault_of_one_provider(
    new_bench: Callable[..., Bench], faulty: FaultyProviders, unused_tcp_port: int, provider: Provider, cell: Cell
) -> None:
    faulty.decide = lambda called, key: cell.fault if called is provider and cell.strikes(key) else None
    url = f"http://127.0.0.1:{unused_tcp_port}/v1" if cell.fault is Fault.DOWN else faulty.url
    timeout = 0.2 if cell.fault is Fault.HANG else 5.0
    bench = new_bench({provider: url}, first_backoff=0.002, call_timeout=timeout)

    ending = await bench.render()
    calls = [call for call in ending.timings.calls if call.provider is provider]
    results = [call.result for call in calls]
    failures = failures_expected(provider, cell)

    assert ending.outcome is (Outcome.FAILED if cell.fails else Outcome.COMPLETED)
    if cell.fails:
        assert ending.error
        assert ending.error.code is ErrorCode.PROVIDER_FAILED
        assert provider is Provider.LLM or f"{SCENES} of {SCENES} scenes failed" in ending.error.message
    assert results.count(cell.result) == (failures or LOGICAL[provider])
    assert len(calls) == failures + (0 if cell.fails else LOGICAL[provider])
    assert cell.fault is Fault.DOWN or len(faulty.calls) == len(calls), "what is logged was sent"
    state = BreakerState.OPEN if failures >= bench.tools.workload.breaker.volume else BreakerState.CLOSED
    assert {name: gate.breaker.state for name, gate in bench.gates.items()} == dict.fromkeys(
        Provider, BreakerState.CLOSED
    ) | {provider: state}

    numbers = [(call.scene, call.attempt) for call in calls]
    assert len(set(numbers)) == len(numbers), "no attempt has the number of another"
    assert max(number for _, number in numbers) == (ATTEMPTS if cell.fails else 1 + (failures > 0))
    retried = bench.metric("t2v_provider_retries_total", provider=provider, reason=cell.result) if failures else 0
    assert retried == len(calls) - LOGICAL[provider]
    if cell.fault is Fault.RATE_LIMITED:
        for first, second in ((a, b) for a in calls for b in calls if (b.scene, b.attempt) == (a.scene, a.attempt + 1)):
            assert second.start - first.start - first.seconds >= RETRY_AFTER - 0.005
