from statistics import fmean, pstdev
from time import perf_counter

import pytest

from contract.calls import CallKey, Provider
from contract.settings import LatencyProfile
from mocks.latency import LogNormal, call_name, hold_until, uniform


def test_latencies_over_many_calls_have_the_profile_s_mean_and_deviation() -> None:
    latency = LogNormal(LatencyProfile(mean=0.3, sd=0.06))
    values = [latency.quantile(uniform(Provider.LLM, f"job-{number} 0 1 1")) for number in range(20_000)]
    assert fmean(values) == pytest.approx(0.3, rel=0.01)
    assert pstdev(values) == pytest.approx(0.06, rel=0.03)


def test_providers_draw_apart_for_the_same_key() -> None:
    name = CallKey("job", 1, 1, 1).encode()
    assert len({uniform(provider, name) for provider in Provider}) == len(Provider)


def test_a_call_without_a_key_is_named_by_its_content_and_a_spoilt_key_is_an_error() -> None:
    assert call_name(None, b"one") == call_name(None, b"one") != call_name(None, b"two")
    with pytest.raises(ValueError, match="not enough values"):
        call_name("job 1", b"")


async def test_holding_never_ends_early() -> None:
    for wait in (0.0, 0.0004, 0.0015, 0.0123):
        deadline = perf_counter() + wait
        await hold_until(deadline)
        assert perf_counter() >= deadline
