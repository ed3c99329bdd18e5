"""Connections to providers and the bytes on them, against the mocks' own count at the other end."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp
import httpx
import pytest
import uvloop
from prometheus_client import CollectorRegistry

from contract.calls import CallKey, Provider, UsageUnit
from contract.catalogue import WorkerMetrics
from contract.jobs import CallTiming, VisualStyle, Voice
from contract.settings import Workload
from tests.unit.mocks.faults import sampled
from tests.unit.mocks.server import latencies, running
from tests.unit.workers.benches import until
from workers.providers import llm, tts, visual
from workers.providers.connections import session
from workers.providers.http import CallContext, Caller
from workers.resilience.gate import Gate

TEXT = "A few words to read."
DOCUMENT = " ".join(f"The stage called number {name} waits for a late answer." for name in range(40))
CALLS = 4


class Calls:
    """One provider's caller, and what it counted."""

    def __init__(self, provider: Provider, url: str, *, pooling: bool) -> None:
        self.provider = provider
        self._registry = CollectorRegistry()
        metrics = WorkerMetrics(self._registry)
        workload = Workload().model_copy(update={"call_attempts": 1})
        self.http = session(provider, metrics, pooling=pooling)
        gate = Gate(provider, workload.breaker, metrics)
        self._caller = Caller(self.http, provider, url, "", workload, metrics, gate)
        self.log: list[CallTiming] = []

    async def make(self, number: int) -> None:
        context = CallContext(CallKey("job", number, 1, 1), self.log, deadline=float("inf"))
        if self.provider is Provider.LLM:
            await llm.write_script(self._caller, DOCUMENT, 5, 1, context)
        elif self.provider is Provider.TTS:
            await tts.narrate(self._caller, TEXT, Voice.NOVA, context)
        else:
            await visual.draw(self._caller, "A chart of lateness", VisualStyle.CLEAN, context)

    def counted(self, name: str, **labels: str) -> float:
        value = self._registry.get_sample_value(name, {"provider": self.provider, **labels})
        assert value is not None
        return value

    def connections(self) -> tuple[float, float, float]:
        """Opened, reused, closed."""
        events = ("opened", "reused", "closed")
        opened, reused, closed = (self.counted("t2v_provider_connections_total", event=event) for event in events)
        return opened, reused, closed


@contextlib.asynccontextmanager
async def calling(provider: Provider, url: str, *, pooling: bool = True) -> AsyncIterator[Calls]:
    calls = Calls(provider, f"{url}/v1", pooling=pooling)
    async with calls.http:
        yield calls


@pytest.mark.parametrize("pooling", [True, False])
@pytest.mark.parametrize("provider", Provider)
async def test_payload_wire_and_usage_are_those_that_the_mocks_count(provider: Provider, *, pooling: bool) -> None:
    with running(**latencies("0.002", "0.0005")) as (_, url):
        async with calling(provider, url, pooling=pooling) as calls, httpx.AsyncClient() as reader:
            for number in range(CALLS):
                await calls.make(number)
            text = (await reader.get(f"{url}/metrics")).text
            for kind in ("payload", "wire"):
                for ours, theirs in (("sent", "received"), ("received", "sent")):
                    found = calls.counted(f"t2v_provider_{kind}_bytes_total", direction=ours)
                    told = sampled(text, f"t2v_mock_{kind}_bytes_total", provider=provider, direction=theirs)
                    # the end of a stream counts as a byte where it is received
                    assert abs(found - told) <= (CALLS if kind == "wire" and not pooling else 0), (kind, ours)
            for direction in ("sent", "received"):
                wire = calls.counted("t2v_provider_wire_bytes_total", direction=direction)
                assert wire > calls.counted("t2v_provider_payload_bytes_total", direction=direction)
            assert calls.log[0].usage
            for unit in calls.log[0].usage:
                found = calls.counted("t2v_provider_usage_total", unit=unit)
                assert found == sampled(text, "t2v_mock_usage_total", provider=provider, unit=unit) > 0


async def test_connections_are_kept_for_the_next_call(providers: str) -> None:
    async with calling(Provider.TTS, providers.removesuffix("/v1")) as calls:
        for number in range(CALLS):
            await calls.make(number)
        assert calls.connections() == (1, CALLS - 1, 0)
    await until(lambda: calls.connections() == (1, CALLS - 1, 1))


async def test_without_pooling_each_call_has_a_connection_of_its_own(providers: str) -> None:
    async with calling(Provider.TTS, providers.removesuffix("/v1"), pooling=False) as calls:
        for number in range(CALLS):
            await calls.make(number)
        await until(lambda: calls.connections() == (CALLS, 0, CALLS))


def test_bytes_are_counted_on_the_loop_that_workers_use_too(providers: str) -> None:
    """Which hands out sockets of its own make; those of a closed connection included."""

    async def call() -> None:
        async with calling(Provider.VISUAL, providers.removesuffix("/v1"), pooling=False) as calls:
            for number in range(CALLS):
                await calls.make(number)
            await until(lambda: calls.connections() == (CALLS, 0, CALLS))
        received = calls.counted("t2v_provider_wire_bytes_total", direction="received")
        payload = calls.counted("t2v_provider_payload_bytes_total", direction="received")
        assert payload < received < 1.2 * payload

    uvloop.run(call())


async def test_a_speech_is_billed_by_its_text_and_a_picture_by_itself(providers: str) -> None:
    url = providers.removesuffix("/v1")
    async with calling(Provider.TTS, url) as speech, calling(Provider.VISUAL, url) as picture:
        await speech.make(1)
        await picture.make(1)
    assert speech.log[0].usage == {UsageUnit.CHARACTERS: len(TEXT)}
    assert picture.log[0].usage == {UsageUnit.IMAGES: 1}


async def test_a_refused_connection_is_none(unused_tcp_port: int) -> None:
    async with calling(Provider.TTS, f"http://127.0.0.1:{unused_tcp_port}") as calls:
        with pytest.raises(Exception, match="no connection"):
            await calls.make(1)
        assert calls.connections() == (0, 0, 0)
        assert isinstance(calls.http, aiohttp.ClientSession)
