import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Annotated

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI, Form, UploadFile

from contract.jobs import Status
from contract.runfolder import Interruption, RequestFailure
from loadgen import client as client_module
from loadgen.client import Client
from loadgen.client import Form as Multipart
from loadgen.document import Document
from loadgen.wire import RequestError
from stack.ports import LOOPBACK
from tests.unit.loadgen.handmade import job, video_id
from tests.unit.loadgen.tiny import TinyService, saying, serving

NASTY = b'%PDF-1.7\r\n--\r\n----\0\xff\r\n--boundary--\r\nContent-Disposition: form-data; name="seed"\r\n\r\n7\r\n--'
FORM = Multipart.of(Document("paper.pdf", NASTY))


async def failure_of(url: str) -> RequestError:
    async with Client(url) as client:
        with pytest.raises(RequestError) as caught:
            await client.get("/v1/videos")
    return caught.value


async def test_a_port_where_nobody_listens_is_refused() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    assert (await failure_of(f"http://{LOOPBACK}:{port}")).failure is RequestFailure.REFUSED


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nConte",
        b"",
        b"nonsense\r\n\r\n",
    ],
)
async def test_a_server_that_hangs_up_before_its_answer_is_whole_has_disconnected(answer: bytes) -> None:
    async with saying(answer) as url:
        assert (await failure_of(url)).failure is RequestFailure.DISCONNECTED


async def test_a_server_that_stalls_within_its_body_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "WAIT", 0)
    monkeypatch.setattr(client_module, "ANSWER_BOUND", 0.1)

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"{")
        await asyncio.sleep(60)
        return response

    app = web.Application()
    app.add_routes([web.get("/v1/videos/{id}", stall)])
    async with serving(app) as url, Client(url) as client:
        with pytest.raises(RequestError, match=r"no answer in 0\.1 s") as caught:
            await client.end_of("x")
    assert caught.value.failure is RequestFailure.TIMEOUT


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"detail": "Redis does not answer."}', "Redis does not answer."),
        ("[]", "GET /v1/videos: 503 []"),
        ("", "GET /v1/videos: 503 "),
    ],
)
async def test_another_status_is_told_with_what_the_service_said(body: str, told: str) -> None:
    async def away(_: web.Request) -> web.Response:
        return web.Response(text=body, status=503)

    app = web.Application()
    app.add_routes([web.get("/v1/videos", away)])
    async with serving(app) as url:
        error = await failure_of(url)
    assert (error.failure, error.status, str(error)) == (RequestFailure.STATUS, 503, told)


@pytest.mark.parametrize("ask", [lambda c: c.submit(FORM, {}), lambda c: c.end_of("x")])
async def test_an_answer_that_is_no_job_is_an_error_of_the_request(ask: Callable[[Client], Awaitable[object]]) -> None:
    async def odd(request: web.Request) -> web.Response:
        return web.json_response({"id": 7}, status=202 if request.method == "POST" else 200)

    app = web.Application()
    app.add_routes([web.post("/v1/videos", odd), web.get("/v1/videos/{id}", odd)])
    async with serving(app) as url, Client(url) as client:
        with pytest.raises(RequestError, match="the answer is no job"):
            await ask(client)


async def test_end_of_asks_until_the_job_has_ended() -> None:
    service = TinyService()
    async with serving(service.app) as url, Client(url) as client:
        accepted = await client.submit(FORM, {"seed": "3", "seed_key": "k"})
        ended = await client.end_of(accepted.id)
    assert (accepted.status, ended.status) == (Status.QUEUED, Status.COMPLETED)
    assert service.questions == {accepted.id: 2}


async def test_a_job_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "END_BOUND", 0.05)

    async def queued(_: web.Request) -> web.Response:
        await asyncio.sleep(0.01)
        return web.json_response(job(1, Status.QUEUED).model_dump(mode="json"))

    app = web.Application()
    app.add_routes([web.get("/v1/videos/{id}", queued)])
    async with serving(app) as url, Client(url) as client:
        with pytest.raises(RequestError, match=r"still queued after 0\.05 s") as caught:
            await client.end_of(video_id(1))
    assert caught.value.failure is RequestFailure.TIMEOUT


@pytest.mark.parametrize(
    ("name", "arrives_as"),
    [
        ("paper.pdf", "paper.pdf"),
        ('a "quoted" name; x=y.pdf', 'a "quoted" name; x=y.pdf'),
        (r"back\slash\\.pdf\"\\", r"back\slash\\.pdf\"\\"),
        ("Übersicht – 論文 📄.pdf", "Übersicht – 論文 📄.pdf"),
        ('two\r\nlines".pdf', 'two%0D%0Alines".pdf'),
    ],
)
async def test_fastapi_reads_from_the_form_what_was_put_into_it(name: str, arrives_as: str) -> None:
    app = FastAPI()
    seen: list[tuple[str | None, str | None, bytes, str]] = []

    @app.post("/")
    async def take(document: UploadFile, seed: Annotated[str, Form()]) -> None:
        seen.append((document.filename, document.content_type, await document.read(), seed))

    form = Multipart.of(Document(name, NASTY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tiny") as asgi:
        answer = await asgi.post(
            "/", content=b"".join(form.body({"seed": "12"})), headers={"Content-Type": form.content_type}
        )
    assert answer.status_code == 200, answer.text
    assert seen == [(arrives_as, "application/pdf", NASTY, "12")]


def test_each_form_has_a_boundary_of_its_own() -> None:
    forms = [Multipart.of(Document("a.pdf", NASTY)) for _ in range(5)]
    assert len({form.boundary for form in forms}) == 5


async def test_a_patient_client_asks_again_while_the_service_is_away_and_makes_one_job_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_module, "PAUSE", (0.01, 0.02))
    keys: list[str | None] = []

    async def submit(request: web.Request) -> web.Response:
        keys.append(request.headers.get("Idempotency-Key"))
        if len(keys) < 3:
            return web.json_response({"detail": "Redis is away."}, status=503)
        return web.Response(text=job(0).model_dump_json(), status=202, content_type="application/json")

    app = web.Application()
    app.add_routes([web.post("/v1/videos", submit)])
    log: list[Interruption] = []
    async with serving(app) as url, Client(url, patience=5) as client:
        accepted = await client.submit(FORM, {}, "run/1", log)
    assert accepted.id == job(0).id
    assert keys == ["run/1"] * 3
    assert [(one.failure, one.status) for one in log] == [(RequestFailure.STATUS, 503)] * 2
    assert all(0 < one.seconds < 1 for one in log)


async def test_a_patient_client_gives_up_at_once_what_time_does_not_cure() -> None:
    app = web.Application()
    asked = 0

    async def unknown(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({"detail": "There is no such video."}, status=404)

    app.add_routes([web.get("/v1/videos/{id}", unknown)])
    async with serving(app) as url, Client(url, patience=5) as client:
        with pytest.raises(RequestError, match="no such video"):
            await client.end_of("x", [])
    assert asked == 1


async def test_patience_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE", (0.01, 0.02))
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    log: list[Interruption] = []
    async with Client(f"http://{LOOPBACK}:{port}", patience=0.1) as client:
        with pytest.raises(RequestError) as caught:
            await client.submit(FORM, {}, "run/1", log)
    assert caught.value.failure is RequestFailure.REFUSED
    assert len(log) > 2


async def test_a_client_without_patience_sends_a_request_once_and_no_key() -> None:
    seen: list[str | None] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Idempotency-Key"))
        return web.json_response({"detail": "Redis is away."}, status=503)

    app = web.Application()
    app.add_routes([web.post("/v1/videos", refuse)])
    async with serving(app) as url, Client(url) as client:
        with pytest.raises(RequestError, match="Redis is away"):
            await client.submit(FORM, {}, "run/1", [])
    assert seen == [None]
