"""What a job's record tells of the waits before its calls."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from contract.calls import CallKey, Provider, WaitCause
from contract.catalogue import Phase
from contract.jobs import Outcome, Timings
from contract.runfolder import JobRecord
from reporter.attribution import Attribution, attribution
from tests.unit.workers.faulty import RETRY_AFTER, Fault, FaultyProviders
from tests.unit.workers.rendering import Bench


@pytest.mark.parametrize(
    ("fault", "cause", "least"), [(Fault.ERROR, WaitCause.BACKOFF, 0), (Fault.RATE_LIMITED, "retry_after", RETRY_AFTER)]
)
async def test_a_call_that_fails_twice_leaves_two_waits_that_fit_between_its_attempts(
    new_bench: Callable[..., Bench], faulty: FaultyProviders, fault: Fault, cause: WaitCause, least: float
) -> None:
    def decide(provider: Provider, key: CallKey) -> Fault | None:
        return fault if (provider, key.scene) == (Provider.VISUAL, 3) and key.attempt < 3 else None

    faulty.decide = decide
    ending = await new_bench(dict.fromkeys(Provider, faulty.url), first_backoff=0.05).render()
    told = Timings.model_validate_json(ending.timings.model_dump_json())
    assert [(wait.provider, wait.scene, wait.cause) for wait in told.waits] == [(Provider.VISUAL, 3, cause)] * 2
    attempts = [call for call in told.calls if (call.provider, call.scene) == (Provider.VISUAL, 3)]
    assert [call.attempt for call in attempts] == [1, 2, 3]
    for wait, (before, after) in zip(told.waits, pairwise(attempts), strict=True):
        ended, again = before.start + before.seconds, after.start
        assert wait.seconds >= least
        assert ended - 0.001 <= wait.start
        assert wait.start + wait.seconds <= again + 0.001
        assert again - ended - wait.seconds < 0.03


async def test_a_job_whose_calls_are_good_waits_for_none(
    new_bench: Callable[..., Bench], faulty: FaultyProviders
) -> None:
    ending = await new_bench(dict.fromkeys(Provider, faulty.url)).render()
    assert ending.timings.waits == []


def test_a_record_of_an_earlier_version_is_read() -> None:
    assert Timings.model_validate_json('{"stages": [], "calls": [], "lookups": []}').waits == []


async def test_the_waits_of_a_real_job_leave_hardly_any_gap_on_its_critical_path(
    new_bench: Callable[..., Bench], faulty: FaultyProviders
) -> None:
    faulty.decide = lambda provider, key: (
        Fault.RATE_LIMITED if (provider, key.scene) == (Provider.TTS, 2) and key.attempt < 3 else None
    )
    timings = (await new_bench(dict.fromkeys(Provider, faulty.url), first_backoff=0.01).render()).timings
    told = _attributed(timings)
    assert told.parts["retry"] >= 2 * RETRY_AFTER
    assert told.parts["gaps"] < 0.03
    assert not told.contradictory
    silent = _attributed(timings.model_copy(update={"waits": []}))
    assert silent.parts["gaps"] >= 2 * RETRY_AFTER, "a worker that records no waits is found out"


def _attributed(timings: Timings) -> Attribution:
    """`timings` as those of a job that was claimed as its first stage began, and held as its last one ended."""
    first, last = timings.stages[0], timings.stages[-1]
    begun, ended = first.start, last.start + last.seconds
    record = JobRecord(
        index=0,
        phase=Phase.MEASURE,
        seed_key="job",
        due=begun,
        accepted=begun,
        started=begun,
        finished=ended,
        response_seconds=ended - begun,
        outcome=Outcome.COMPLETED,
        timings=timings,
    )
    found = attribution(record, None)
    assert found is not None
    return found
