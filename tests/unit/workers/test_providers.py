import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import aiohttp
import orjson
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from contract.calls import CALL_HEADER, PLANNED_HEADER, CallKey, CallResult, Provider, Verdict
from contract.catalogue import WorkerMetrics
from contract.jobs import CallTiming, VisualStyle, Voice
from contract.settings import Workload
from workers import png
from workers.providers import http, llm, tts, visual
from workers.providers.connections import session as connections
from workers.providers.errors import CallError, RejectedError
from workers.providers.http import CallContext, Caller
from workers.resilience.breaker import News
from workers.resilience.gate import Gate

KEY = CallKey("job-1", scene=2, execution=1, attempt=1)
BOUND = 0.3
PICTURE = png.grey(bytes(6), 3, 2)
PNG = base64.b64encode(PICTURE).decode()
SCENE = {"narration": "Words.", "visual_type": "chart", "visual_prompt": "A chart"}


def completion(content: object) -> bytes:
    return orjson.dumps({"choices": [{"message": {"content": orjson.dumps(content).decode()}}]})


class Server:
    """Answers every request as `answer` says; keeps the last one's headers."""

    def __init__(self) -> None:
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = with_body(b"")
        self.headers: dict[str, str] = {}
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers = dict(request.headers)
        await request.read()
        return await self.answer(request)


def with_body(
    body: bytes, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers={PLANNED_HEADER: "0.125000"} | dict(headers))

    return answer


async def in_parts(request: web.Request) -> web.StreamResponse:
    """Chunked, in parts that arrive apart."""
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    for part in (b"one ", b"two ", b"three"):
        await response.write(part)
        await asyncio.sleep(0.02)
    return response


async def cut_off(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"0123456789")
    assert request.transport
    request.transport.close()
    return response


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(10_000))


async def stalled(request: web.Request) -> web.StreamResponse:
    """Begins, and then says no more."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"0123456789")
    return await never(request)


@pytest.fixture(scope="module")
async def _server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_post("/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield server
    await runner.cleanup()


class Client:
    def __init__(self, session: aiohttp.ClientSession, url: str, provider: Provider = Provider.TTS) -> None:
        self.registry = CollectorRegistry()
        self.log: list[CallTiming] = []
        metrics = WorkerMetrics(self.registry)
        workload = Workload().model_copy(update={"call_timeout": BOUND, "call_attempts": 1})
        self.gate = Gate(provider, workload.breaker, metrics)
        self.caller = Caller(session, provider, url, "key", workload, metrics, self.gate)
        self.context = CallContext(KEY, self.log, deadline=float("inf"))

    async def post(self) -> bytes:
        return await self.caller.post("/audio/speech", {"input": "words"}, self.context, bytes, lambda _: {})

    def counted(self) -> dict[str, float]:
        """Calls by result, without the zeros."""
        samples = [sample for metric in self.registry.collect() for sample in metric.samples]
        found = [sample for sample in samples if sample.name == "t2v_provider_calls_total"]
        return {sample.labels["result"]: sample.value for sample in found if sample.value}

    def received(self) -> float:
        labels = {"provider": self.caller.provider, "direction": "received"}
        return self.registry.get_sample_value("t2v_provider_payload_bytes_total", labels) or 0

    async def failure(self, call: Awaitable[object] | None = None) -> CallError:
        """The error of a call, once the books about it agree."""
        with pytest.raises(CallError) as caught:
            await (call or self.post())
        error = caught.value
        assert error.provider is self.caller.provider
        assert self.counted() == {error.result: 1}
        assert len(self.log) == 1
        assert self.log[0].bytes_received == self.received()
        assert self.log[0].bytes_sent > 0
        return error


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    metrics = WorkerMetrics(CollectorRegistry())
    async with connections(Provider.TTS, metrics, pooling=True) as session:
        yield session


@pytest.fixture
def server(_server: Server) -> Server:
    _server.answer = with_body(b"")
    return _server


@pytest.fixture
def client(server: Server, session: aiohttp.ClientSession) -> Client:
    return Client(session, server.url)


async def test_a_good_call_is_logged_with_what_was_planned(server: Server, client: Client) -> None:
    server.answer = with_body(b"answer")
    assert await client.post() == b"answer"
    (call,) = client.log
    assert (call.provider, call.scene, call.attempt, call.planned) == (Provider.TTS, 2, 1, 0.125)
    assert (call.bytes_sent, call.bytes_received) == (len(b'{"input":"words"}'), 6)
    assert 0 < call.seconds < BOUND
    assert client.counted() == {"ok": 1}
    assert client.received() == 6
    assert server.headers[CALL_HEADER] == KEY.encode()
    assert server.headers["Authorization"] == "Bearer key"


async def test_an_answer_in_parts_is_read_to_its_end(server: Server, client: Client) -> None:
    server.answer = in_parts
    assert await client.post() == b"one two three"
    assert client.log[0].planned is None, "unknown, as no mock said it"


async def test_a_header_of_another_provider_is_no_plan(server: Server, client: Client) -> None:
    server.answer = with_body(b"answer", headers={PLANNED_HEADER: "soon"})
    assert await client.post() == b"answer"
    assert client.log[0].planned is None


@pytest.mark.parametrize(
    ("answer", "result", "said", "received"),
    [
        (with_body(b"out of order", 500), CallResult.STATUS, "status 500: out of order", 12),
        (with_body(b"", 302, {"Location": "/elsewhere"}), CallResult.STATUS, "status 302", 0),
        (cut_off, CallResult.DISCONNECTED, "connection lost", 10),
        (never, CallResult.TIMEOUT, "no answer in 0.3 s", 0),
        (stalled, CallResult.TIMEOUT, "no answer in 0.3 s", 10),
    ],
    ids=["status", "redirect", "cut off", "never", "stalled"],
)
async def test_a_failed_call_says_how_and_counts_what_came(
    server: Server,
    client: Client,
    answer: Callable[[web.Request], Awaitable[web.Response]],
    result: CallResult,
    said: str,
    received: int,
) -> None:
    server.answer = answer
    error = await client.failure()
    assert error.result is result
    assert said in str(error)
    assert client.received() == received


async def test_a_refused_connection_says_so(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    client = Client(session, f"http://127.0.0.1:{unused_tcp_port}")
    assert (await client.failure()).result is CallResult.REFUSED


@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_over_the_bound_is_refused_and_not_cut(
    server: Server, client: Client, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 100_000)
    server.answer = with_body(bytes(100_000))
    assert len(await client.post()) == 100_000
    client.log.clear()
    server.answer = (
        with_body(gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"}) if packed else endless
    )
    with pytest.raises(CallError, match="longer than") as caught:
        await client.post()
    assert caught.value.result is CallResult.BAD_PAYLOAD
    assert client.counted() == {"ok": 1, "bad_payload": 1}
    assert 100_000 < client.log[0].bytes_received < 1_000_000


async def test_a_cancelled_call_is_counted_as_one(server: Server, client: Client) -> None:
    server.answer = never
    call = asyncio.create_task(client.post())
    await asyncio.sleep(0.05)
    call.cancel()
    await asyncio.wait([call])
    assert client.counted() == {"cancelled": 1}
    assert len(client.log) == 1


async def test_a_call_ends_with_the_time_of_its_job_which_says_nothing_about_the_provider(
    server: Server, client: Client
) -> None:
    server.answer = never
    client.context = replace(client.context, deadline=asyncio.get_running_loop().time() + BOUND / 3)
    error = await client.failure()
    assert (error.result, error.again) == (CallResult.OUT_OF_TIME, False)
    assert client.log[0].seconds < BOUND
    assert client.gate.breaker._window.total == 0


@pytest.mark.parametrize(
    ("status", "result", "again"),
    [
        *((status, CallResult.STATUS, True) for status in (408, 409, 500, 502, 503, 504, 529)),
        (429, CallResult.RATE_LIMITED, True),
        *((status, CallResult.STATUS, False) for status in (302, 400, 401, 403, 404, 413, 422)),
    ],
)
async def test_a_status_tells_whether_another_attempt_may_help_and_whose_trouble_it_is(
    server: Server, client: Client, status: int, result: CallResult, *, again: bool
) -> None:
    server.answer = with_body(b"no", status, {"Retry-After": "7"})
    error = await client.failure()
    assert (error.result, error.again, error.retry_after) == (result, again, 7)
    window = client.gate.breaker._window
    assert (window.total, window.bad) == (1, int(again))


async def test_a_cancelled_probe_lets_another_through(server: Server, client: Client) -> None:
    breaker = client.gate.breaker
    breaker.hear(News.OPENED)
    breaker._next_try = 0
    server.answer = never
    call = asyncio.create_task(client.post())
    await asyncio.sleep(0.05)
    assert breaker.wait > 0
    call.cancel()
    await asyncio.wait([call])
    server.answer = with_body(b"answer")
    assert await client.post() == b"answer"
    probes = {
        v: client.registry.get_sample_value("t2v_breaker_probes_total", {"provider": "tts", "result": v})
        for v in Verdict
    }
    assert probes == {Verdict.GOOD: 1, Verdict.BAD: 0, Verdict.NEUTRAL: 1}


async def test_an_open_breaker_refuses_without_a_call(server: Server, client: Client) -> None:
    server.answer = with_body(b"answer")
    client.gate.breaker.hear(News.OPENED)
    client.context = replace(client.context, deadline=0.0)
    with pytest.raises(RejectedError):
        await client.post()
    assert (client.log, client.counted()) == ([], {})


async def test_the_connection_serves_again_after_bad_calls(server: Server, client: Client) -> None:
    for answer in (cut_off, never, with_body(b"no", 500)):
        server.answer = answer
        with pytest.raises(CallError):
            await client.post()
    server.answer = with_body(b"answer")
    assert await client.post() == b"answer"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "JSON"),
        (b"{}", "choices"),
        (orjson.dumps({"choices": []}), "not what was asked for"),
        (orjson.dumps({"choices": [{"message": {"content": "I cannot do that."}}]}), "JSON"),
        (completion({"title": "T", "scenes": [SCENE | {"visual_type": "poem"}] * 2}), "visual_type"),
        (completion({"title": "T", "scenes": [SCENE]}), "1 scenes instead of 2"),
    ],
    ids=["no JSON", "no choices", "empty choices", "prose", "unknown type", "too few scenes"],
)
async def test_a_script_that_does_not_fit_is_a_bad_payload(
    server: Server, session: aiohttp.ClientSession, body: bytes, said: str
) -> None:
    server.answer = with_body(body)
    client = Client(session, server.url, Provider.LLM)
    error = await client.failure(llm.write_script(client.caller, "text", 2, 0, client.context))
    assert error.result is CallResult.BAD_PAYLOAD
    assert said in str(error)
    assert client.received() == len(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        orjson.dumps({"data": []}),
        orjson.dumps({"data": [{"b64_json": "***"}]}),
        orjson.dumps({"data": [{"b64_json": base64.b64encode(b"GIF89a").decode()}]}),
    ],
    ids=["empty", "no picture", "no base64", "no PNG"],
)
async def test_a_picture_that_is_none_is_a_bad_payload(
    server: Server, session: aiohttp.ClientSession, body: bytes
) -> None:
    server.answer = with_body(body)
    client = Client(session, server.url, Provider.VISUAL)
    call = visual.draw(client.caller, "A chart", VisualStyle.CLEAN, client.context)
    assert (await client.failure(call)).result is CallResult.BAD_PAYLOAD


async def test_a_narration_that_is_cut_off_is_a_bad_payload(
    server: Server, client: Client, speak: Callable[..., bytes]
) -> None:
    server.answer = with_body(speak("word " * 5)[:-7])
    error = await client.failure(tts.narrate(client.caller, "words", Voice.ALLOY, client.context))
    assert error.result is CallResult.BAD_PAYLOAD


async def test_good_answers_are_understood(
    server: Server, session: aiohttp.ClientSession, speak: Callable[..., bytes]
) -> None:
    client = Client(session, server.url)
    server.answer = with_body(completion({"title": "T", "scenes": [SCENE] * 2}))
    script = await llm.write_script(client.caller, "text", 2, 0, client.context)
    assert [scene.model_dump(mode="json") for scene in script.scenes] == [SCENE] * 2
    server.answer = with_body(orjson.dumps({"data": [{"b64_json": PNG}]}))
    assert (await visual.draw(client.caller, "A chart", VisualStyle.CLEAN, client.context)) == PICTURE
    for form in ("aac", "wav"):
        server.answer = with_body(speak("word " * 12, form))
        said = await tts.narrate(client.caller, "words", Voice.ALLOY, client.context)
        assert said.content == speak("word " * 12, form)
        assert said.seconds == (pytest.approx(4.8, abs=0.05) if form == "aac" else None)
    assert client.counted() == {"ok": 4}
