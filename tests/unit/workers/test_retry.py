"""Repeating failed calls, on a server that fails as each test says; no test waits for a real backoff."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry

from contract.calls import CallResult, Provider, WaitCause
from contract.catalogue import WorkerMetrics
from workers.providers.errors import CallError, ProviderError, RejectedError
from workers.resilience.retry import Retries, retry_after

FAR = float("inf")


class Provided:
    """Fails as `fates` say, one after the other, and then answers."""

    def __init__(self, *fates: ProviderError) -> None:
        self.fates = list(fates)
        self.attempts: list[tuple[int, CallResult | None]] = []
        self.times: list[float] = []
        self.registry = CollectorRegistry()
        self.told: list[tuple[WaitCause, float, float]] = []

    async def attempt(self, number: int, after: CallResult | None) -> str:
        self.attempts.append((number, after))
        self.times.append(asyncio.get_running_loop().time())
        if self.fates:
            raise self.fates.pop(0)
        return "answer"

    async def call(self, deadline: float = FAR, first_backoff: float = 0.001) -> str:
        retries = Retries(Provider.TTS, 4, first_backoff, WorkerMetrics(self.registry))
        return await retries.run(self.attempt, deadline, lambda *wait: self.told.append(wait))

    @property
    def waits(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.times)]

    def waited(self, cause: str) -> float:
        labels = {"provider": "tts", "cause": cause}
        return self.registry.get_sample_value("t2v_provider_retry_wait_seconds_total", labels) or 0


def failed(
    result: CallResult = CallResult.STATUS, *, again: bool = True, retry_after: float | None = None
) -> CallError:
    return CallError(Provider.TTS, result, "out of order", again=again, retry_after=retry_after)


def refused(wait: float) -> RejectedError:
    return RejectedError(Provider.TTS, wait)


async def test_a_good_call_is_made_once() -> None:
    provided = Provided()
    assert await provided.call() == "answer"
    assert provided.attempts == [(1, None)]


async def test_each_attempt_has_the_next_number_and_knows_how_the_last_failed() -> None:
    provided = Provided(*map(failed, (CallResult.TIMEOUT, CallResult.REFUSED, CallResult.BAD_PAYLOAD)))
    assert await provided.call() == "answer"
    assert provided.attempts == [
        (1, None), (2, CallResult.TIMEOUT), (3, CallResult.REFUSED), (4, CallResult.BAD_PAYLOAD),
    ]  # fmt: skip


async def test_four_attempts_are_enough_and_the_last_failure_is_told() -> None:
    last = failed(CallResult.DISCONNECTED)
    provided = Provided(failed(), failed(), failed(), last)
    with pytest.raises(CallError) as caught:
        await provided.call()
    assert caught.value is last
    assert len(provided.attempts) == 4


async def test_what_no_attempt_could_cure_is_not_repeated() -> None:
    provided = Provided(failed(again=False))
    with pytest.raises(CallError):
        await provided.call()
    assert len(provided.attempts) == 1


async def test_other_errors_are_nobodys_to_repeat() -> None:
    async def attempt(_number: int, _after: CallResult | None) -> str:
        raise KeyError

    with pytest.raises(KeyError):
        await Retries(Provider.LLM, 4, 0.001, WorkerMetrics(CollectorRegistry())).run(attempt, FAR, lambda *_: None)


async def test_backoff_is_fully_jittered_below_an_end_that_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges: list[tuple[float, float]] = []

    def highest(low: float, high: float) -> float:
        ranges.append((low, high))
        return high

    monkeypatch.setattr("random.uniform", highest)
    provided = Provided(failed(), failed(), failed())
    await provided.call(first_backoff=0.01)
    assert ranges == [(0, 0.01), (0, 0.02), (0, 0.04)]
    assert provided.waited("backoff") == pytest.approx(0.07)
    assert all(wait >= bound * 0.9 for wait, (_, bound) in zip(provided.waits, ranges, strict=True))


async def test_a_provider_that_names_a_wait_gets_it() -> None:
    provided = Provided(failed(CallResult.RATE_LIMITED, retry_after=0.1), failed(retry_after=0.05))
    await provided.call()
    assert provided.waits[0] >= 0.099
    assert provided.waits[1] >= 0.049
    assert 0.15 <= provided.waited("retry_after") < 0.16
    assert provided.waited("backoff") == 0


@pytest.mark.parametrize("failure", [failed(retry_after=30), refused(30)], ids=["asked to wait", "refused"])
async def test_a_wait_past_the_deadline_is_not_begun(failure: ProviderError) -> None:
    provided = Provided(failure)
    began = asyncio.get_running_loop().time()
    with pytest.raises(type(failure)):
        await provided.call(deadline=began + 20)
    assert asyncio.get_running_loop().time() - began < 1
    assert provided.waited("retry_after") == provided.waited("breaker") == 0


async def test_a_refused_attempt_is_put_off_and_none_of_the_four() -> None:
    provided = Provided(refused(0.01), failed(), *(refused(0.001) for _ in range(10)), failed(), failed())
    assert await provided.call() == "answer"
    assert [number for number, _ in provided.attempts] == [1, 1, *[2] * 11, 3, 4]
    assert provided.waited("breaker") > 0.02


async def test_a_cancelled_wait_ends_at_once() -> None:
    provided = Provided(failed(retry_after=60))
    call = asyncio.create_task(provided.call())
    await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.wait([call], timeout=1)
    assert call.cancelled()
    assert len(provided.attempts) == 1
    ((cause, _, seconds),) = provided.told
    assert cause is WaitCause.RETRY_AFTER
    assert 0 < seconds < 1, "what was waited, not the 60 s that were meant"


async def test_each_wait_is_told_with_its_cause_and_fits_between_the_attempts() -> None:
    provided = Provided(failed(), refused(0.02), failed(retry_after=0.03))
    await provided.call()
    assert [cause for cause, _, _ in provided.told] == ["backoff", "breaker", "retry_after"]
    for (_, _, seconds), between in zip(provided.told, provided.waits, strict=True):
        assert between - 0.01 < seconds <= between


def _date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        (lambda: "2", 2, 2),
        (lambda: "0.25", 0.25, 0.25),
        (lambda: "-3", 0, 0),
        (lambda: _date(60), 57, 60),
        (lambda: _date(-60), 0, 0),
        (lambda: "inf", FAR, FAR),
    ],
)
def test_a_retry_after_header_gives_seconds(header: Callable[[], str], low: float, high: float) -> None:
    found = retry_after(header())
    assert found is not None
    assert low <= found <= high


@pytest.mark.parametrize("header", [None, "", "soon", "nan", "Thu, 99 Nov 2026"])
def test_a_header_that_says_nothing_asks_for_no_wait(header: str | None) -> None:
    assert retry_after(header) is None
